package connector_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
)

// world is where every metric moves: replicas, and what happens to them.
type world struct {
	outsider
	mu       sync.Mutex
	replicas []prometheus.Gatherer
	first    *replica
	second   mortal
	chat     watched
	other    watched // whose fence is stolen
	again    *nats.Msg
	calls    sync.WaitGroup // that were begun in a step, and go on
}

// placesHere are a replica's, so many that the calls of its chats have to be throttled.
const placesHere = 40

// step is something that happens, and which series it moves. What a step has begun
// may stand until the next one ends it.
type step struct {
	what  string
	do    func(*world)
	moves []string
}

// steps are one story: each rests on those before.
var steps = []step{
	{"a connector starts", (*world).starts, []string{`cc_nats_connected`, `cc_build_info{version="0.0.0"}`, `cc_chats_limit`}},
	{"a chat is opened", (*world).opens, []string{
		`cc_commands_total{command="chat.request",lane="live",outcome="ok",code="ok"}`, `cc_command_duration_seconds{command="chat.request",lane="live"}`,
		`cc_chats_open`, `cc_sessions_opened_total`, `cc_takeovers_total{cause="new"}`, `cc_polls_in_flight`,
		`cc_contact_center_requests_total{method="requestChat",code="ok"}`, `cc_contact_center_request_duration_seconds{method="requestChat"}`,
	}},
	{"an agent writes", (*world).writes, []string{
		`cc_events_published_total{event="message",origin="poll"}`, `cc_event_publish_duration_seconds`, `cc_event_delay_seconds{origin="poll"}`,
		`cc_polls_total{outcome="ok"}`, `cc_contact_center_requests_total{method="pollEvents",code="ok"}`,
	}},
	{"an event comes that nobody knows", (*world).madeUp, []string{`cc_events_published_total{event="unknown",origin="poll"}`}},
	{"an event is nested too deep", (*world).nests, []string{`cc_events_simplified_total{reason="nested"}`}},
	{"an agent sends a file", func(w *world) { w.chat.sendsFile("a.txt", "text") }, []string{
		`cc_files_fetched_total{outcome="ok"}`, `cc_files_fetched_bytes_total`, `cc_contact_center_request_duration_seconds{method="getFile"}`,
	}},
	{"a live command comes twice", (*world).repeats, []string{`cc_commands_repeated_total{command="chat.typing",lane="live"}`}},
	{"a durable command comes", (*world).givesOne, []string{
		`cc_commands_total{command="chat.typing",lane="durable",outcome="ok"}`, `cc_command_duration_seconds{command="chat.typing",lane="durable"}`,
	}},
	{"and comes again", func(w *world) { w.keep(w.again) }, []string{`cc_commands_repeated_total{command="chat.typing",lane="durable"}`}},
	{"calls hang, and live commands wait", (*world).hangsLive, []string{`cc_commands_running{lane="live"}`, `cc_commands_waiting{lane="live"}`}},
	{"they go on", (*world).goesOn, []string{`cc_backpressure_seconds_total{at="commands"}`}},
	{"calls hang, and durable commands wait", (*world).hangsDurable, []string{`cc_commands_running{lane="durable"}`, `cc_commands_waiting{lane="durable"}`}},
	{"the contact center asks for fewer calls", (*world).isLimited, []string{
		`cc_contact_center_rate_limited_total`, `cc_commands_total{command="chat.typing",lane="live",outcome="not_done",code="unavailable"}`,
		`cc_contact_center_requests_total{method="sendEvents",code="refused"}`,
	}},
	{"a durable command fails for the moment", (*world).failsOnce, []string{`cc_command_retries_total{command="chat.typing"}`}},
	{"one is given up", (*world).givesUp, []string{
		`cc_dead_letters_total{command="chat.send"}`, `cc_dead_letters_stored`, `cc_commands_total{command="chat.send",lane="durable",outcome="not_done"}`,
	}},
	{"somebody wants his reply where he may not publish", (*world).spoofs, []string{`cc_messages_ignored_total{reason="reply_subject"}`}},
	{"an answer is lost", (*world).loses, []string{
		`cc_sessions_recovered_total`, `cc_events_recovered_total`, `cc_events_published_total{event="message",origin="history"}`, `cc_event_delay_seconds{origin="history"}`,
	}},
	{"signaling is lost", (*world).losesSignal, []string{`cc_session_gaps_total{reason="signaling"}`}},
	{"the app is refused", (*world).isRefused, []string{`cc_contact_center_refused{app="main"}`, `cc_polls_total{outcome="chat_session_auth_header_bad_app_id"}`}},
	{"the stream of events is full", (*world).fills, []string{`cc_publish_errors_total{stream="CC_EVENTS"}`}},
	{"there is room", (*world).makesRoom, []string{`cc_backpressure_seconds_total{at="publishing"}`}},
	{"another one puts up a chat's fence", (*world).stealsFence, []string{`cc_fences_lost_total`}},
	{"a chat ends", (*world).ends, []string{`cc_sessions_closed_total{reason="ended"}`}},
	{"a replica comes, and gets its share", (*world).shares, []string{`cc_handovers_total`, `cc_takeovers_total{cause="handed_over"}`}},
	{"it dies, and its chats find no place", (*world).dies, []string{`cc_takeovers_total{cause="died"}`, `cc_chats_waiting`}},
	{"the contact center is away", (*world).isAway, []string{`cc_calls_throttled`, `cc_backpressure_seconds_total{at="contact_center"}`}},
	{"the connection breaks", (*world).breaks, []string{`cc_nats_reconnects_total`}},
}

// movedElsewhere are the metrics that another test moves.
var movedElsewhere = map[string]string{}

// Each metric moves by what it says, and by nothing that this test forgets.
func TestEveryMetricMoves(t *testing.T) {
	t.Parallel()
	w := &world{outsider: outsider{newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, func(r *rig) {
		r.config.MaxCalls, r.config.MaxChats = 2, placesHere
	})}}
	moved := map[string]bool{}
	for _, s := range steps {
		w.moves(s)
		for _, series := range s.moves {
			name, _ := selected(series)
			moved[name] = true
		}
	}
	for _, name := range described(w.first.metrics) {
		if !moved[name] && movedElsewhere[name] == "" {
			t.Errorf("nothing moves %s", name)
		}
	}
	w.checkLint()
	w.checkLabels()
	w.goesBack()
}

func (w *world) moves(s step) {
	w.Helper()
	seen := w.watchFor(s.moves)
	s.do(w)
	for _, series := range s.moves {
		w.awaits(s.what+": "+series+" moves", seen[series])
	}
}

// watchFor looks again and again whether series move, also those that soon go back.
func (w *world) watchFor(series []string) map[string]chan struct{} {
	before, moved := map[string]float64{}, map[string]chan struct{}{}
	for _, one := range series {
		before[one], moved[one] = w.value(one), make(chan struct{})
	}
	go func() {
		for left := slices.Clone(series); len(left) > 0 && w.ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
			left = slices.DeleteFunc(left, func(one string) bool {
				has := w.value(one) > before[one]
				if has {
					close(moved[one])
				}
				return has
			})
		}
	}()
	return moved
}

var (
	selector = regexp.MustCompile(`^(\w+)(?:\{(.*)\})?$`)
	matcher  = regexp.MustCompile(`(\w+)="([^"]*)"`)
	nameIn   = regexp.MustCompile(`fqName: "(\w+)"`)
)

// selected is what a selector of PromQL selects.
func selected(series string) (name string, labels map[string]string) {
	parts := selector.FindStringSubmatch(series)
	labels = map[string]string{}
	for _, m := range matcher.FindAllStringSubmatch(parts[2], -1) {
		labels[m[1]] = m[2]
	}
	return parts[1], labels
}

// value is the sum of all series that are selected, over all replicas.
func (w *world) value(series string) (sum float64) {
	w.Helper()
	name, labels := selected(series)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, from := range w.replicas {
		families, err := from.Gather()
		if err != nil {
			w.Error(err)
		}
		for _, family := range families {
			for _, m := range family.GetMetric() {
				matching := 0
				for _, label := range m.GetLabel() {
					if value, asked := labels[label.GetName()]; asked && value == label.GetValue() {
						matching++
					}
				}
				if family.GetName() == name && matching == len(labels) {
					sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
				}
			}
		}
	}
	return sum
}

// described are the names of all metrics that are registered, moved or not.
func described(registry *prometheus.Registry) (names []string) {
	all := make(chan *prometheus.Desc)
	go func() { defer close(all); registry.Describe(all) }()
	for d := range all {
		names = append(names, nameIn.FindStringSubmatch(d.String())[1])
	}
	return names
}

func (w *world) starts() {
	w.first = w.start()
	w.show(w.first.metrics)
}

func (w *world) show(replica prometheus.Gatherer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replicas = append(w.replicas, replica)
}

func (w *world) opens() { w.chat, w.other = watchNew(w.rig), watchNew(w.rig) }

func (w *world) writes() { w.chat.says("hello") }

func (w *world) madeUp() { w.push(w.chat.chat, fields{"event": "chat_session_" + w.chat.chat}) }

func (w *world) nests() {
	deep := any("deep")
	for range 60 {
		deep = fields{"a": deep}
	}
	w.push(w.chat.chat, fields{"event": "chat_session_typing", "deep": deep})
}

func (w *world) typing(chat string) *nats.Msg {
	msg := nats.NewMsg("cc.chat.typing")
	msg.Header.Set(nats.MsgIdHdr, uuid.NewString())
	msg.Data = fmt.Appendf(nil, `{"chatId":%q}`, chat)
	return msg
}

func (w *world) repeats() {
	msg := w.typing(w.chat.chat)
	w.ask(msg)
	w.ask(msg)
}

func (w *world) givesOne() {
	w.again = durably(w.typing(w.chat.chat), w.chat.chat)
	w.keep(w.again)
}

func (w *world) hangsLive() {
	w.hang()
	for range 3 { // for two places
		w.calls.Go(func() { w.ask(w.typing(w.chat.chat)) })
	}
}

func (w *world) goesOn() {
	w.sim.ClearFaults()
	w.calls.Wait()
}

func (w *world) hangsDurable() {
	w.hang()
	for _, chat := range []string{w.chat.chat, w.other.chat} {
		w.keep(durably(w.typing(chat), chat))
	}
}

func (w *world) isLimited() {
	w.sim.ClearFaults() // what hung before goes on first
	w.eventually("no command is under way", func() bool { return w.value("cc_commands_running") == 0 && w.value("cc_commands_waiting") == 0 })
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 429, Times: 1})
	w.ask(w.typing(w.chat.chat))
}

func (w *world) failsOnce() {
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 503, Times: 1})
	w.keep(durably(w.typing(w.chat.chat), w.chat.chat))
}

func (w *world) givesUp() {
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Chat: w.other.chat, Kind: "status", Status: 503})
	w.keep(durably(writeStructured(given{
		command: "chat.send", id: uuid.NewString(), source: "//s", data: fields{"chatId": w.other.chat, "text": "x"},
		attributes: map[string]string{"expirytime": time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)},
	}), w.other.chat))
}

func (w *world) spoofs() {
	w.sim.ClearFaults()
	w.check(w.nc.PublishRequest("cc.chat.typing", "cc.chat.request", nil))
}

func (w *world) loses() {
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Chat: w.chat.chat, Kind: "lose", Times: 1})
	w.chat.says("lost")
}

func (w *world) losesSignal() {
	w.chat.signals("REQUEST_CALL")
	w.awaitStored(w.chat.chat, ".event.signaling", 1)
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Chat: w.chat.chat, Kind: "lose", Times: 1})
	w.chat.signals("OFFER_CALL")
}

func (w *world) isRefused() {
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: 403, Code: "3000"})
}

func (w *world) fills() {
	w.sim.ClearFaults()
	w.ask(w.typing(w.chat.chat)) // which is accepted
	w.eventually("the app is accepted", func() bool { return w.value("cc_contact_center_refused") == 0 })
	w.changeEvents(func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 2048, jetstream.DiscardNew })
	w.chat.says(strings.Repeat("x", 2048))
}

func (w *world) makesRoom() {
	w.changeEvents(func(c *jetstream.StreamConfig) { c.MaxBytes = -1 })
}

func (w *world) stealsFence() {
	_, err := w.js.Publish(w.ctx, w.other.fence(), nil)
	w.check(err)
	w.other.says("which it may not say any more")
}

func (w *world) ends() { w.must("chat.end", fields{"chatId": w.openChat()}) }

func (w *world) shares() {
	for range 4 {
		w.openChat()
	}
	w.second = w.startMortal()
	w.show(w.second.registry)
}

// dies leaves chats behind that find no place.
func (w *world) dies() {
	const before, all = 6, placesHere + 2
	for range all - before {
		w.openChat()
	}
	w.eventually("every chat is held once", func() bool { return w.value("cc_chats_open") == all })
	w.second.kill()
	w.eventually("what is left has no more places", func() bool { return w.value("cc_chats_open") == placesHere })
}

// isAway cuts all polls at once: each chat has its history to read then, and more
// of them have to wait than the budget lets go at once.
func (w *world) isAway() {
	w.inject(bpsim.Fault{Reads: true, Kind: "status", Status: 503})
	w.http.CloseClientConnections()
}

func (w *world) breaks() {
	w.sim.ClearFaults()
	conns, err := w.nats.Connz(&server.ConnzOptions{Username: true})
	w.check(err)
	for _, conn := range conns.Conns {
		if conn.AuthorizedUser == permissions.UserName(w.config.Prefix, permissions.Connector) {
			w.check(w.nats.DisconnectClientByID(conn.Cid))
		}
	}
}

// checkLint holds the names and types to what Prometheus's own tool wants.
func (w *world) checkLint() {
	families, err := w.first.metrics.Gather()
	w.check(err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	w.check(err)
	for _, p := range problems {
		w.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// bounded are what labels may say: names and codes, of which there are few. Each
// metric is told by its own test what the known ones are.
var bounded = map[string]*regexp.Regexp{
	"stream":  regexp.MustCompile(`^(KV_|OBJ_)?CC_[A-Z]+$`),
	"method":  regexp.MustCompile(`^[a-zA-Z]{3,50}$`),
	"version": regexp.MustCompile(`^0\.0\.0$`), "goversion": regexp.MustCompile(`^go1`),
	"": regexp.MustCompile(`^[a-z_.]{2,50}$`),
}

// checkLabels sees that no label says what only one chat, or a customer, would.
func (w *world) checkLabels() {
	for _, from := range w.replicas {
		families, err := from.Gather()
		w.check(err)
		for _, family := range families {
			for _, m := range family.GetMetric() {
				for _, label := range m.GetLabel() {
					pattern := bounded[label.GetName()]
					if pattern == nil {
						pattern = bounded[""]
					}
					if value := label.GetValue(); !pattern.MatchString(value) || strings.Contains(value, strings.ToLower(w.chat.chat)) {
						w.Errorf("%s has %s=%q", family.GetName(), label.GetName(), value)
					}
				}
			}
		}
	}
}

// goesBack sees that what is gone is shown no more: of a replica that was killed,
// and of one that leaves.
func (w *world) goesBack() {
	w.eventually("the first one is connected", func() bool { return w.value("cc_nats_connected") == 1 })
	w.first.stop()
	for _, gauge := range []string{
		"cc_chats_open", "cc_chats_waiting", "cc_polls_in_flight", "cc_commands_running", "cc_commands_waiting", "cc_calls_throttled", "cc_nats_connected",
	} {
		if value := w.value(gauge); value != 0 {
			w.Errorf("when all have left, %s is %v", gauge, value)
		}
	}
}
