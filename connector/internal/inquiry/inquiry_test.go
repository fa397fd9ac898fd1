package inquiry

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// listen has a replica answer that holds so many chats.
func listen(r *natstest.Rig, chats int, forget func(subjects.ChatToken)) {
	r.Helper()
	ago := 1500 * time.Millisecond
	m, err := metrics.New(prometheus.NewRegistry())
	r.Check(err)
	_, err = Replica{
		Prefix: natstest.Prefix, Self: "self", Guard: intake.NewGuard(natstest.Prefix, m.Commands, natstest.Log()), Log: natstest.Log(), Forget: forget,
		Held: func() (all []Chat) {
			for i := range chats {
				all = append(all, Chat{
					Chat: subjects.ChatToken(fmt.Sprintf("%040d", (i*7919)%chats)), App: "main", OpenedAt: time.Unix(int64(i), 0).UTC(), Sequence: uint64(i),
					PolledAgo: &ago, Reconcile: "in_sync",
				})
			}
			return all
		},
	}.Listen(r.NC)
	r.Check(err)
	r.Check(r.NC.Flush())
}

func asker(r *natstest.Rig, patience time.Duration) Asker {
	return Asker{NATS: r.Connect(), Prefix: natstest.Prefix, Patience: patience}
}

// However many chats a replica holds, and however small the bus's messages are, all of
// them are told, each once.
func TestAllChatsAreTold(t *testing.T) {
	t.Parallel()
	for most, bus := range map[int]func(*server.Options){1500: natstest.SmallBus, 20_000: func(*server.Options) {}} {
		t.Run(fmt.Sprint(most), func(t *testing.T) { checkAllTold(t, natstest.New(t, bus), most) })
	}
}

func checkAllTold(t *testing.T, r *natstest.Rig, most int) {
	listen(r, most, nil)
	var mu sync.Mutex
	largest := 0
	tap, err := r.Connect().Subscribe("_INBOX.>", func(msg *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		largest = max(largest, len(msg.Data))
	})
	r.Check(err)
	r.Check(tap.SetPendingLimits(-1, -1))
	k := asker(r, time.Minute)
	all, err := k.Chats(r.Ctx, "self", "")
	r.Check(err)
	seen := make(map[subjects.ChatToken]bool, most)
	for _, c := range all {
		seen[c.Chat] = true
	}
	if len(all) != most || len(seen) != most {
		t.Errorf("told are %d chats, %d of them different", len(all), len(seen))
	}
	one, err := k.Chats(r.Ctx, "self", all[3].Chat)
	r.Check(err)
	if len(one) != 1 || one[0].Chat != all[3].Chat || one[0].App != "main" || *one[0].PolledAgo != 1500*time.Millisecond || one[0].Reconcile != "in_sync" {
		t.Errorf("one chat is told as %+v", one)
	}
	mu.Lock()
	defer mu.Unlock()
	if int64(largest) > r.NC.MaxPayload() {
		t.Errorf("an answer has %d bytes", largest)
	}
}

// Why a replica tells nothing is told apart; nobody is waited for longer than is said.
func TestReplicasThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	for replica, answer := range map[string]string{"silent": "", "odd": "{}", "circling": `{"v":1,"replica":"circling","chats":[{"chat":"a"}],"behind":"a"}`} {
		_, err := r.NC.Subscribe("cc.internal.replica."+replica, func(msg *nats.Msg) {
			if answer != "" {
				_ = msg.Respond([]byte(answer))
			}
		})
		r.Check(err)
	}
	r.Check(r.NC.Flush())
	k := asker(r, 200*time.Millisecond)
	if err := k.Forget(r.Ctx, "silent", "a"); !errors.Is(err, ErrSilent) {
		t.Errorf("one that is silent: %v", err)
	}
	k.Patience = time.Minute
	for replica, want := range map[replicas.ID]error{"earlier": ErrEarlier, "odd": errAnswer, "circling": errAnswer} {
		if _, err := k.Chats(r.Ctx, replica, ""); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", replica, err, want)
		}
	}
}

// A replica forgets the chat that it is told, and answers nothing where it must not.
func TestForgetting(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	forgotten := make(chan subjects.ChatToken, 2)
	listen(r, 1, func(chat subjects.ChatToken) { forgotten <- chat })
	r.Check(r.NC.PublishRequest("cc.internal.replica.self", "cc.chat.x.event.message", []byte(`{"v":1,"forget":"not"}`)))
	r.Check(r.NC.Publish("cc.internal.replica.self", []byte(`no JSON`)))
	r.Check(asker(r, time.Minute).Forget(r.Ctx, "self", "C=3A1"))
	if chat := natstest.Receive(r, forgotten); chat != "C=3A1" || len(forgotten) > 0 {
		t.Errorf("it forgets %s", chat)
	}
}

// What is said between replicas stays as it is written.
func TestWire(t *testing.T) {
	ago := time.Second
	for want, value := range map[string]any{
		`{"v":1,"chats":true,"behind":"a"}`: question{Version: 1, Chats: true, Behind: "a"},
		`{"v":1,"forget":"a"}`:              question{Version: 1, Forget: "a"},
		`{"v":1,"replica":"r","chats":[{"chat":"a","app":"main","openedAt":"1970-01-01T00:00:00Z","sequence":3,"polledAgo":1000000000,"dueFor":2,"reconcile":"in_sync"}],"behind":"a"}`: answer{
			Version: 1, Replica: "r", Behind: "a", Chats: []Chat{{Chat: "a", App: "main", OpenedAt: time.Unix(0, 0).UTC(), Sequence: 3, PolledAgo: &ago, DueFor: 2, Reconcile: "in_sync"}},
		},
	} {
		if got, err := schema.JSON(value); err != nil || string(got) != want {
			t.Errorf("it is written as %s, %v", got, err)
		}
	}
	later := `{"v":2,"replica":"r","chats":[{"chat":"a","sequence":3,"new":{}}],"more":1}`
	if a, err := readAnswer([]byte(later)); err != nil || len(a.Chats) != 1 {
		t.Errorf("a later version's is read as %+v, %v", a, err)
	}
}

// Whatever a replica answers, asking ends, and what is taken can be told.
func FuzzReadAnswer(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"v":1,"replica":"r"}`, `{"v":1,"replica":"r","chats":[{"chat":"a"}],"behind":"a"}`, `{"v":1,"replica":"r","behind":"z"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		a, err := readAnswer([]byte(data))
		if err != nil {
			return
		}
		if a.Behind != "" && a.Behind != a.Chats[len(a.Chats)-1].Chat {
			t.Errorf("it is to go on behind %q", a.Behind)
		}
		for _, c := range a.Chats {
			if c.Chat.ID() == "" || strings.ContainsAny(string(c.Chat), " .*>") {
				t.Errorf("%q is taken for a chat", c.Chat)
			}
		}
	})
}
