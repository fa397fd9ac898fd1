package command

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/micro"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// small are commands on a bus of the smallest messages.
type small struct {
	*natstest.Rig
	*Commands
}

// worstApp grows most where it is escaped.
var worstApp = chats.App{Name: strings.Repeat("a", 256), ID: brightpattern.AppID(strings.Repeat("!", 256))}

func newSmall(t *testing.T, mode schema.Mode) small {
	t.Helper()
	r := natstest.New(t, natstest.SmallBus)
	streams := r.Streams(func(c *bus.Config) { c.Mode = mode })
	registry := replicas.NewRegistry(streams.State, replicas.NewID(), 2*time.Second, &bus.Health{}, natstest.Log())
	known := clients.New(streams.State, registry, func() time.Duration { return time.Hour }, natstest.Log())
	r.Check(known.Look(r.Ctx))
	return small{r, withTeller(&Commands{
		Needs: Needs{
			NATS: r.NC, JetStream: r.JS, Streams: streams, Publisher: r.Publisher(streams), Clients: known,
			Journal: journal.New(streams.Journal, natstest.Log()), Metrics: metrics.Unregistered().Commands, Log: natstest.Log(),
			Naming: translate.Naming{Prefix: natstest.Prefix, Tenant: strings.Repeat("t", 253), SchemaBase: "https://" + strings.Repeat("s", 240)},
		},
		cfg: Config{Prefix: natstest.Prefix, Apps: []chats.App{worstApp}, Tenant: strings.Repeat("t", 253), Version: "0.0.0"},
	})}
}

// worstChat grows most in JSON, and as a token.
var worstChat = brightpattern.ChatID(strings.Repeat("\x01", schema.MaxID))

// worstIdentity has each attribute at its limit, of characters that grow.
func worstIdentity(t *testing.T, spec *schema.Command) journal.Identity {
	t.Helper()
	name, char := subjects.Command(spec.Name), strings.Repeat(`"`, schema.MaxAttribute)
	h := attributesAtTheLimit()
	h["ce-source"] = []string{"//" + strings.Repeat("\u00e9", schema.MaxAttribute/2-1)}
	for _, attribute := range []string{"id", schema.AttrCorrelationID, schema.AttrTraceParent, schema.AttrTraceState} {
		h["ce-"+attribute] = []string{strings.ReplaceAll(char, `"`, "%22")}
	}
	h["ce-id"] = []string{strings.Repeat("%22", schema.MaxID)}
	e, form, err := schema.DecodeCommand(h, nil)
	if err != nil {
		t.Fatal(err)
	}
	cmd := identified(spec, e, form, arrival{header: h, id: "x"})
	if err := cmd.checkAttributes(form, arrival{header: h, id: "x"}); err != nil {
		t.Fatal(err)
	}
	of := cmd.Identity
	of.Command, of.ChatID, of.Result, of.Key = name, worstChat, translate.ID("result", spec.Name), translate.ID("result", spec.Name)
	return of
}

// worstFailure is what the contact center's longest words come to.
func worstFailure(spec *schema.Command) *schema.Error {
	longest := schema.ErrorCode("")
	for code, meaning := range meanings {
		if len(meaning) > len(meanings[longest]) {
			longest = code
		}
	}
	wire := &brightpattern.Error{Status: 599, Reason: brightpattern.ReasonRefused, Message: strings.Repeat("\x01\"\u2028", 1<<10)}
	message := wireMessage(spec, longest, wire)
	return &schema.Error{Code: longest, Message: message, WireCode: strings.Repeat("9", 64), HTTPStatus: 599, Outcome: schema.OutcomeUnknown}
}

// On a bus of the smallest messages every command is recorded, and its result
// told: whatever identity its sender gave it, and whatever the contact center said.
func TestSmallestBusHoldsEveryOutcome(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			s := newSmall(t, mode)
			for i := range schema.Commands {
				spec := &schema.Commands[i]
				of, failure := worstIdentity(t, spec), worstFailure(spec)
				s.checkRecord(of, failure)
				s.checkOutcome(of, failed(failure))
				if _, rest := s.public(of.Command, outcome{}); rest == secretRest && spec.Read { // what is the sender's alone is kept nowhere
					continue
				}
				s.checkOutcome(of, outcome{Outcome: journal.Outcome{Result: json.RawMessage(`{"text":"` + strings.Repeat("x", 60<<10) + `"}`)}})
			}
		})
	}
}

func (s small) checkRecord(of journal.Identity, failure *schema.Error) {
	s.Helper()
	r := journal.NewRecord(of, translate.ID("fingerprint"), math.MaxUint64)
	n := uint64(math.MaxUint64)
	r.Replica, r.Attempts, r.LookUps, r.Number, r.GivenUp, r.LastCall = replicas.NewID(), math.MaxInt, math.MaxInt, &n, &n, time.Now()
	r.Client, r.LastError, r.Calling, r.MayBeDone = brightpattern.ClientID(translate.ID("client")), failure, true, true
	if err := s.Journal.Write(s.Ctx, r); err != nil {
		s.Errorf("the record of %s that is tried: %v", of.Command, err)
	}
	o := failed(failure)
	o.ChatID, o.App = worstChat, worstApp.ID
	cmd := &command{Identity: of, record: r}
	if told, err := s.conclude(s.Ctx, cmd, o); err != nil || told.Error.Message != failure.Message {
		s.Errorf("the record of %s that is done: %v, %v", of.Command, told.Error, err)
	}
	if written, err := schema.JSON(r); err != nil || len(written) > bus.LeastPayload-1<<10 { // and there is room for what comes
		s.Errorf("the record of %s has %d bytes, %v", of.Command, len(written), err)
	}
}

func (s small) checkOutcome(of journal.Identity, o outcome) {
	s.Helper()
	o.ChatID, o.App, o.At = worstChat, worstApp.ID, time.Now()
	r, err := s.build(s.Ctx, of, o, schema.FormPlain)
	if err != nil {
		s.Errorf("the result of %s: %v", of.Command, err)
		return
	}
	if _, err := s.publish(s.Ctx, r); err != nil {
		s.Errorf("the result of %s, of %d bytes: %v", of.Command, r.event.Size(), err)
	}
	request := incoming{reply: "_INBOX." + strings.Repeat("x", 100)}
	if err := s.reply(request, r, worstFailure(&schema.Commands[0])); err != nil {
		s.Errorf("the reply to %s: %v", of.Command, err)
	}
	if r.reply.Header.Get(micro.ErrorHeader) == "" {
		s.Errorf("the reply to %s does not say that it failed", of.Command)
	}
}

// A durable command is refused if its dead letter does not fit, and by no more
// than what that has beside the command.
func TestSmallestBusHoldsEveryDeadLetter(t *testing.T) {
	t.Parallel()
	s := newSmall(t, schema.Structured)
	spec, _ := schema.LookupCommand("chat.send")
	of, failure := worstIdentity(t, spec), worstFailure(spec)
	largest := 0
	for size := bus.LeastPayload - 2*bus.Headroom; size < bus.LeastPayload; size += 100 {
		of.Key = translate.ID("size", formatUint(uint64(size)))
		of.Result = of.Key
		d := &durable{
			commands: s.Commands, cmd: &command{Identity: of, record: journal.NewRecord(of, "", 1), spec: spec}, since: time.Now(),
			subject: natstest.Prefix.Durable("chat.send", subjects.ChatToken(subjects.Escape(string(worstChat)))), raw: arrival{data: make([]byte, size)},
		}
		if d.isTooLarge() {
			break
		}
		largest = size
		if err := d.bury(s.Ctx, failure); err != nil {
			t.Errorf("with %d bytes of data: %v", size, err)
		}
	}
	if least := bus.LeastPayload - bus.Headroom - 1<<10; largest < least {
		t.Errorf("more than %d bytes are refused, want at least %d", largest, least)
	}
}
