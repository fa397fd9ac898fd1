package journal

// LowWater is the mark in the journal below which a replica owes nothing: each of
// its commands has a record that stands behind what the journal had reached when
// the command was about to begin. The mark may lag; it never leads. The zero value
// owes nothing. It locks nothing and asks nobody.
type LowWater[K comparable] struct {
	owed map[K]uint64 // behind which the record is, or will be
}

// Owe says that a record is about to be written, behind what the journal has reached.
func (l *LowWater[K]) Owe(debt K, reached uint64) {
	if l.owed == nil {
		l.owed = make(map[K]uint64)
	}
	l.owed[debt] = reached
}

// Settle says that nothing is owed for it any more.
func (l *LowWater[K]) Settle(debt K) { delete(l.owed, debt) }

// Behind is what the debt's record stands behind.
func (l *LowWater[K]) Behind(debt K) uint64 { return l.owed[debt] }

// Len is how many debts there are.
func (l *LowWater[K]) Len() int { return len(l.owed) }

// Mark is what all that is owed stands behind, in a journal that has reached so far.
func (l *LowWater[K]) Mark(reached uint64) uint64 {
	for _, behind := range l.owed {
		reached = min(reached, behind)
	}
	return reached
}

// BeginAnew is for a journal that was made anew: its records may stand anywhere.
func (l *LowWater[K]) BeginAnew() {
	for debt := range l.owed {
		l.owed[debt] = 0
	}
}
