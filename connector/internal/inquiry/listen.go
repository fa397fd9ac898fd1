package inquiry

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Replica is the one that answers.
type Replica struct {
	Prefix subjects.Prefix
	Self   replicas.ID
	Held   func() []Chat // the chats that it holds, in any order
	Forget func(subjects.ChatToken)
	Guard  *intake.Guard
	Log    *slog.Logger
}

// Listen answers until it is unsubscribed.
func (r Replica) Listen(nc *nats.Conn) (*nats.Subscription, error) {
	return nc.Subscribe(subjectOf(r.Prefix, r.Self), func(msg *nats.Msg) {
		if !r.Guard.MayReply(msg.Reply) {
			r.Guard.Ignore(metrics.IgnoredReply, "")
			return
		}
		var q question
		if json.Unmarshal(msg.Data, &q) != nil || q.Version < 1 {
			return
		}
		data, err := r.answer(q, int(nc.MaxPayload()/2))
		if err == nil {
			err = msg.Respond(data)
		}
		if err != nil {
			r.Log.Warn("an administrator's question could not be answered", "error", err)
		}
	})
}

func (r Replica) answer(q question, most int) ([]byte, error) {
	a := answer{Version: Version, Replica: r.Self}
	if q.Forget != "" {
		r.Forget(q.Forget)
	}
	if q.Chats {
		a.Chats, a.Behind = page(wanted(r.Held(), q), most)
	}
	return schema.JSON(a)
}

// wanted are the chats that are asked for, in the order of their tokens.
func wanted(all []Chat, q question) []Chat {
	all = slices.DeleteFunc(all, func(c Chat) bool {
		return q.Chat != "" && c.Chat != q.Chat || c.Chat <= q.Behind
	})
	slices.SortFunc(all, func(a, b Chat) int { return strings.Compare(string(a.Chat), string(b.Chat)) })
	return all
}

// page is the beginning of them that has at most so many bytes, one at least, and
// behind which chat the next page begins; empty: there is none.
func page(all []Chat, most int) (first []Chat, behind subjects.ChatToken) {
	size := 0
	for i, c := range all {
		written, _ := schema.JSON(c) // of texts and numbers
		if size += len(written) + len(","); size > most && i > 0 {
			return all[:i], all[i-1].Chat
		}
	}
	return all, ""
}
