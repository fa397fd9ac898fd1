package metrics

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// Process is what runs here.
type Process struct{ build *prometheus.GaugeVec }

func newProcess(r *registration) *Process {
	return &Process{r.gauges("cc_build_info", "1, for the version of the connector and of Go that it was built with.", "version", "goversion")}
}

// Is says which version runs.
func (p *Process) Is(version string) { p.build.WithLabelValues(version, runtime.Version()).Set(1) }
