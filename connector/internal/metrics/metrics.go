// Package metrics is what an operator watches: one struct for each concern, in a
// file of its own. Each package is given the part that it tells of.
//
// # What a number costs
//
// A command and an event are counted on the hot path. To find a series by the
// values of its labels allocates; so where the values are known in advance, the
// series are found by a map that is made at the start (series.go), and a series is
// made when it first counts: most commands and events never come.
//
// # What a label may say
//
// A label has one of few values, all of them known: the names of commands, events,
// methods and codes, a reason from a list, the name of a stream or an app. What
// somebody else may have made up counts as Other, or for events as "unknown". No
// label has a chat's id, a client's, or a text.
//
// A counter of something rare, and bad, is there from the start, at 0: a rule that
// asks how much it has grown would miss the first time otherwise.
package metrics

import "github.com/prometheus/client_golang/prometheus"

// Metrics are the connector's. They may be used from any goroutine.
type Metrics struct {
	Commands      *Commands
	ContactCenter *ContactCenter
	Chats         *Chats
	Events        *Events
	Files         *Files
	Bus           *Bus
	Process       *Process

	families []Family
}

// New registers them all.
func New(registry prometheus.Registerer) (*Metrics, error) {
	r := &registration{to: registry}
	m := newMetrics(r)
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// Unregistered are metrics that nobody sees.
func Unregistered() *Metrics { return newMetrics(&registration{}) }

func newMetrics(r *registration) *Metrics {
	pressure := newBackpressure(r)
	m := &Metrics{
		Commands:      newCommands(r, pressure.commands),
		ContactCenter: newContactCenter(r, pressure.contactCenter),
		Chats:         newChats(r),
		Events:        newEvents(r),
		Files:         newFiles(r),
		Bus:           newBus(r, pressure.publishing),
		Process:       newProcess(r),
	}
	m.families = r.families
	return m
}

// Families are all metrics, in the order in which they are registered.
func (m *Metrics) Families() []Family { return m.families }
