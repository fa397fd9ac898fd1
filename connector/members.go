package connector

import (
	"context"
	"slices"
	"strings"
)

// Member is one of the replicas that share the work.
type Member struct {
	ID    string
	Chats int // that it polled when it said so last
	Self  bool
}

// Replicas are those that are alive, in the order of their ids; none before this one serves.
func (c *Connector) Replicas(ctx context.Context) ([]Member, error) {
	if !c.health.IsServing() {
		return nil, nil
	}
	alive, err := c.parts.registry.Alive(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Member, 0, len(alive))
	for id, said := range alive {
		all = append(all, Member{ID: string(id), Chats: said.Chats, Self: id == c.self})
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}
