package translate

// side is one of the two, in its order.
type side struct {
	events  []candidate
	partner []int // of each event, on the other side; nobody if it has none
}

type candidate struct {
	Likeness
	traits
}

const nobody = -1

// taken stands for a published event of which only the fingerprint is known.
const taken = -2

func (s *side) add(l Likeness) (isKnown bool) {
	t, ok := l.Identity.read()
	if ok {
		s.events, s.partner = append(s.events, candidate{Likeness: l, traits: t}), append(s.partner, nobody)
	}
	return ok
}

func (s *side) freeNames() map[uint32]bool {
	names := map[uint32]bool{}
	for i, partner := range s.partner {
		if partner == nobody {
			names[s.events[i].name] = true
		}
	}
	return names
}

// free are the events of some names that have no partner.
func (s *side) free(names map[uint32]bool) (free []int) {
	for i, partner := range s.partner {
		if partner == nobody && names[s.events[i].name] {
			free = append(free, i)
		}
	}
	return free
}

// changeable are the events of some names that may get another partner.
func (s *side) changeable(names map[uint32]bool) (changeable []int) {
	for i, partner := range s.partner {
		if partner != taken && names[s.events[i].name] {
			changeable = append(changeable, i)
		}
	}
	return changeable
}
