package replicas

import "slices"

// # Shares
//
// Tokens go to whoever pulls, so a replica that comes late would find nothing
// to poll. The share of each is the level that water reaches in vessels as
// high as their CC_MAX_CHATS, when all chats are poured in. A replica that has
// more than its share hands the surplus over, if another one lacks as much.
//
// It comes to rest: nobody gives what is within its share, the shares are
// enough for all chats, and small differences are left alone.

// Shares are the chats that each replica should have, of total.
func Shares(alive map[ID]Replica, total int) map[ID]int {
	var most []int
	for _, m := range alive {
		most = append(most, m.MaxChats)
	}
	level := levelOf(most, total)
	shares := make(map[ID]int, len(alive))
	for id, m := range alive {
		shares[id] = min(m.MaxChats, level)
	}
	return shares
}

// levelOf is the least level at which vessels of these heights hold total, or
// the greatest height if they cannot.
func levelOf(heights []int, total int) int {
	slices.Sort(heights)
	level := 0
	for i, height := range heights {
		equal := len(heights) - i // vessels that reach this height at least
		if level = (total + equal - 1) / equal; level <= height {
			return level
		}
		level = height
		total -= height
	}
	return level
}

// slack is how far from its share a replica is left alone.
func slack(share int) int { return max(1, share/10) }

// Surplus is how many of the chats held here should go to replicas that lack some.
func Surplus(self ID, held int, alive map[ID]Replica, shares map[ID]int) int {
	over := held - shares[self]
	lack, unfair := 0, over > slack(shares[self])
	for id, m := range alive {
		if less := shares[id] - m.Chats; id != self && less > 0 {
			lack += less
			unfair = unfair || less > slack(shares[id])
		}
	}
	if !unfair {
		return 0
	}
	return max(0, min(over, lack))
}
