package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/schema"
)

// FileGivenUp is the outcome of a file whose chat moved on to another replica meanwhile.
const FileGivenUp = "given_up"

// Files are those that agents send.
type Files struct {
	fetched Counters // by outcome
	bytes   prometheus.Counter
}

func newFiles(r *registration) *Files {
	outcomes := []string{succeeded, FileGivenUp}
	for _, info := range schema.ErrorCodes {
		outcomes = append(outcomes, string(info.Code))
	}
	return &Files{
		fetched: countersBy(r.counters("cc_files_fetched_total", "Files that agents sent, by what came of them: ok, the error code, or given_up where the chat moved on to another replica meanwhile.", "outcome"), outcomes),
		bytes:   r.counter("cc_files_fetched_bytes_total", "Bytes of the files that agents sent and that are kept."),
	}
}

// Kept counts a file that was kept.
func (f *Files) Kept(size int64) {
	f.fetched.Inc(succeeded)
	f.bytes.Add(float64(size))
}

// Missed counts one that was not, by the error code or FileGivenUp.
func (f *Files) Missed(why string) { f.fetched.Inc(why) }
