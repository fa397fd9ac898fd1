package translate

import "slices"

// Having others change their partners: see matching.go.

// augmenting helps those who got no partner. Its rows are of all listed events
// that an event could have.
type augmenting struct {
	*matching
	*rows
	free bitset
	seen bitset // those that lead to none that is free
}

// augmentAll helps those who got no partner, while that may help.
func (m *matching) augmentAll() {
	names := m.openNames()
	if len(names) == 0 || m.isSpent() {
		return
	}
	r := newRows(&m.listed, m.listed.changeable(names))
	a := augmenting{matching: m, rows: r, free: r.empty(), seen: r.empty()}
	for k, i := range r.members {
		if m.listed.partner[i] == nobody {
			a.free.set(k)
		}
	}
	for _, i := range m.published.free(names) {
		if m.isSpent() || a.free.next(0) == nobody {
			return
		}
		if a.augment(i) {
			clear(a.seen)
		}
	}
}

// augment finds a partner for a published event, if need be by having others
// change theirs. What was seen in vain need not be looked at again.
func (a *augmenting) augment(published int) bool {
	c := &a.published.events[published]
	row := a.empty()
	if a.spend(a.fill(row, c)); a.takeFree(published, row) {
		return true
	}
	row.drop(a.seen)
	for k := row.next(0); k != nobody; k = row.next(k + 1) {
		if a.spend(lookCost(c)); a.isSpent() {
			return false
		}
		i := a.members[k]
		if a.seen.has(k) || !c.agrees(a.listed.events[i].traits) {
			continue
		}
		if a.seen.set(k); a.listed.partner[i] != nobody && a.augment(a.listed.partner[i]) {
			a.pair(published, i)
			return true
		}
	}
	return false
}

// takeFree pairs an event with one that is free.
func (a *augmenting) takeFree(published int, row bitset) bool {
	c, row := &a.published.events[published], slices.Clone(row)
	row.keep(a.free)
	for k := row.next(0); k != nobody && !a.isSpent(); k = row.next(k + 1) {
		if a.spend(lookCost(c)); c.agrees(a.listed.events[a.members[k]].traits) {
			a.pair(published, a.members[k])
			a.free.clear(k)
			return true
		}
	}
	return false
}
