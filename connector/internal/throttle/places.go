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
//
// An answer may have to wait for files. If it kept its share of the memory for
// answers for so long, and a history its place, slow files would hold up the
// chats that have none. So it gives them back before that, while all that wait
// so are small together; one that is too large for that keeps what it has.

const (
	readBacksMost = 32
	historiesMost = 32       // of each sort; a history may have some MiB
	waitingMost   = 16 << 20 // bytes, as they came
)

// Places are those of one replica.
type Places struct {
	ReadBacks *semaphore.Weighted // of chats that are taken over, from JetStream
	TakenOver *semaphore.Weighted // histories of chats on their way from another holder
	Followed  *semaphore.Weighted // histories of chats that lost an answer here
	Waiting   *semaphore.Weighted // bytes of answers that wait for files
}

// NewPlaces are all free.
func NewPlaces() *Places {
	return &Places{
		ReadBacks: semaphore.NewWeighted(readBacksMost),
		TakenOver: semaphore.NewWeighted(historiesMost),
		Followed:  semaphore.NewWeighted(historiesMost),
		Waiting:   semaphore.NewWeighted(waitingMost),
	}
}
