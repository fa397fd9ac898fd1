package check

import (
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
)

// What `helm lint` says of the chart: no error and no warning, in every values file.
func TestLint(t *testing.T) {
	for name, v := range valuesFiles(t) {
		for _, message := range lint.RunAll(chartDir, v, namespace).Messages {
			if message.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, message)
			}
		}
	}
}
