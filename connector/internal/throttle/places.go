package throttle

import "golang.org/x/sync/semaphore"

// # Many recoveries at once
//
// A replica that dies leaves thousands of chats to another one, and a
// connection that breaks can lose the answers of as many. All of them have
// something to read before their next poll. So many at a time may read; the
// others wait, for their places and in memory for nothing else.
//
// Reading back from JetStream and reading a history have places of their own:
// a contact center that hangs must not keep chats from being taken over. And
// so have the histories of chats that were just taken over and of those that
// are followed already: the live ones do not queue behind a takeover. A new
// chat has nothing to read and waits for nobody.

const (
	readBacksMost = 32
	historiesMost = 32 // of each sort; a history may have some MiB
)

// Places are those of one replica.
type Places struct {
	ReadBacks *semaphore.Weighted // of chats that are taken over, from JetStream
	TakenOver *semaphore.Weighted // histories of chats on their way from another holder
	Followed  *semaphore.Weighted // histories of chats that lost an answer here
}

// NewPlaces are all free.
func NewPlaces() *Places {
	return &Places{
		ReadBacks: semaphore.NewWeighted(readBacksMost),
		TakenOver: semaphore.NewWeighted(historiesMost),
		Followed:  semaphore.NewWeighted(historiesMost),
	}
}
