package translate

// Having others change their partners: see matching.go.

// augmenting helps those who got no partner.
type augmenting struct {
	*matching
	choice   *choice
	pairings map[*group][]pairing
	tables   map[groups]*table
	entries  int    // in all tables
	seen     []bool // listed events that lead to none that is free
}

// groups are those of a pairing.
type groups struct{ published, listed *group }

// mostEntries are kept in tables: a few megabytes.
const mostEntries = 100_000

// augmentAll helps those who got no partner, while that may help.
func (m *matching) augmentAll() {
	names := m.openNames()
	if len(names) == 0 || m.isSpent() {
		return
	}
	a := augmenting{
		matching: m, choice: newChoice(m.listed.groups, len(m.published.groups)),
		pairings: map[*group][]pairing{}, tables: map[groups]*table{}, seen: make([]bool, len(m.listed.events)),
	}
	for i := range m.published.events {
		if m.isSpent() {
			return
		}
		if m.published.partner[i] == nobody && names[m.published.events[i].name] && a.augment(i) {
			clear(a.seen)
			names = m.openNames()
		}
	}
}

// augment finds a partner for a published event, if need be by having others
// change theirs. What was seen in vain need not be looked at again.
func (a *augmenting) augment(published int) bool {
	c := &a.published.events[published]
	for _, p := range a.pairingsOf(c.group) {
		for _, i := range a.partners(c, p) {
			if a.spend(lookCost(c)); a.isSpent() {
				return false
			}
			if a.seen[i] || a.listed.partner[i] == taken || !c.agrees(a.listed.events[i].traits) {
				continue
			}
			a.seen[i] = true
			if a.listed.partner[i] == nobody || a.augment(a.listed.partner[i]) {
				a.pair(published, i)
				return true
			}
		}
	}
	return false
}

func (a *augmenting) pairingsOf(g *group) []pairing {
	known, isKnown := a.pairings[g]
	if !isKnown {
		known = a.choose(a.choice, g)
		a.pairings[g] = known
	}
	return known
}

// partners are the listed events of a pairing that may agree with a published one.
func (a *augmenting) partners(c *candidate, p pairing) []int {
	list := p.listed.members
	if len(list) > fewLooks {
		t := a.table(p)
		list = t.list(t.hash(c.traits))
	}
	from, to := a.window(c, list, p.listed)
	return list[from:to]
}

func (a *augmenting) table(p pairing) *table {
	key := groups{p.published, p.listed}
	if t := a.tables[key]; t != nil {
		return t
	}
	if a.entries += len(p.listed.members); a.entries > mostEntries {
		clear(a.tables)
		a.entries = len(p.listed.members)
	}
	t := &table{hashed: make(map[uint64][]int), fields: p.fields()}
	for _, i := range p.listed.members {
		hash := t.hash(a.listed.events[i].traits)
		t.hashed[hash] = append(t.hashed[hash], i)
	}
	a.spend(p.hashCost() * len(p.listed.members))
	a.tables[key] = t
	return t
}
