package console

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
)

// MeasureOf is of a connector in this process, and its metrics.
func MeasureOf(c *connector.Connector, gatherer prometheus.Gatherer) *Measure {
	return &Measure{Gatherer: gatherer, Health: healthOf(c), Replicas: replicasOf(c)}
}

func healthOf(c *connector.Connector) Health {
	return func() (ready bool, problems []Problem) {
		h := c.Health()
		for _, p := range h.Problems {
			problems = append(problems, Problem{Part: string(p.Part), Name: p.Name, Message: p.Message, Since: p.Since})
		}
		return h.Ready, problems
	}
}

func replicasOf(c *connector.Connector) func(context.Context) ([]Replica, error) {
	return func(ctx context.Context) (all []Replica, err error) {
		found, err := c.Replicas(ctx)
		for _, r := range found {
			all = append(all, Replica{ID: r.ID, Chats: r.Chats, Self: r.Self})
		}
		return all, err
	}
}
