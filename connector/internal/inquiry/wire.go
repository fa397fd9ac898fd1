package inquiry

import (
	"encoding/json"
	"errors"
	"time"

	"cc-connector/connector/internal/replicas"
	"cc-connector/subjects"
)

// Version is that of the questions and answers here.
const Version = 1

// Chat is what a replica tells of a chat that it holds.
type Chat struct {
	Chat     subjects.ChatToken `json:"chat"`
	App      string             `json:"app,omitempty"` // the launch point's name
	OpenedAt time.Time          `json:"openedAt,omitzero"`
	Sequence uint64             `json:"sequence"`
	// PolledAgo is since when no poll has been answered; nil: none has been yet. It is
	// by the replica's own clock, which may differ from that of who asks.
	PolledAgo *time.Duration `json:"polledAgo,omitempty"`
	DueFor    time.Duration  `json:"dueFor,omitempty"` // a poll is due for so long, and none is under way
	Reconcile string         `json:"reconcile,omitempty"`
}

// question is what a replica is asked.
type question struct {
	Version int                `json:"v"`
	Chats   bool               `json:"chats,omitempty"`  // which chats it holds
	Chat    subjects.ChatToken `json:"chat,omitempty"`   // with Chats: this one alone
	Behind  subjects.ChatToken `json:"behind,omitempty"` // with Chats: those behind this one
	Forget  subjects.ChatToken `json:"forget,omitempty"` // this chat is purged
}

// answer is what it says.
type answer struct {
	Version int                `json:"v"`
	Replica replicas.ID        `json:"replica"`
	Chats   []Chat             `json:"chats,omitempty"`
	Behind  subjects.ChatToken `json:"behind,omitempty"` // to go on there; empty: these are the last
}

var errAnswer = errors.New("its answer cannot be read")

// readAnswer takes what another version may have written.
func readAnswer(data []byte) (answer, error) {
	var a answer
	if json.Unmarshal(data, &a) != nil || a.Version < 1 || a.Replica == "" {
		return answer{}, errAnswer
	}
	for _, c := range a.Chats {
		if _, err := subjects.ParseChatToken(string(c.Chat)); err != nil {
			return answer{}, errAnswer
		}
	}
	if a.Behind != "" && (len(a.Chats) == 0 || a.Behind != a.Chats[len(a.Chats)-1].Chat) { // who asks would go round in circles
		return answer{}, errAnswer
	}
	return a, nil
}

func subjectOf(prefix subjects.Prefix, replica replicas.ID) string {
	return prefix.Internal("replica", string(replica))
}
