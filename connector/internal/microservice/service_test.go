package microservice

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// A request counts when it is noted, from whatever goroutine, with the time
// that it took and the failure that it came to.
func TestStatistics(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	s := New(r.NC, "1.2.3", map[string]string{"prefix": "cc"}, intake.NewGuard("cc", nil, natstest.Log()), natstest.Log())
	noted := make(chan struct{})
	r.Check(s.Add("chat-send", "cc.chat.send", func(e *Endpoint, msg *nats.Msg) {
		failure := ""
		if string(msg.Data) == "bad" {
			failure = "invalid_command:data: is bad"
		}
		go func() {
			e.Note(failure, time.Second)
			noted <- struct{}{}
		}()
	}))
	r.Check(s.Add("chat-read", "cc.chat.read", func(*Endpoint, *nats.Msg) { t.Error("nobody asks for it") }))
	r.Check(s.Answer())
	r.Check(r.NC.Flush()) // NATS knows who listens
	client := r.Connect()
	for _, data := range []string{"bad", "good", "bad"} {
		r.Check(client.Publish("cc.chat.send", []byte(data)))
		<-noted
	}
	var stats micro.Stats
	ask(r, client, "$SRV.STATS.cc-connector."+s.identity.ID, &stats)
	if len(stats.Endpoints) != 2 || stats.Type != micro.StatsResponseType || stats.Version != "1.2.3" {
		t.Fatalf("the statistics are %+v", stats)
	}
	e := stats.Endpoints[0]
	if e.NumRequests != 3 || e.NumErrors != 2 || e.LastError != "invalid_command:data: is bad" || e.ProcessingTime != 3*time.Second || e.AverageProcessingTime != time.Second {
		t.Errorf("the endpoint has %+v", e)
	}
	if stats.Endpoints[1].NumRequests != 0 {
		t.Errorf("the other one has %+v", stats.Endpoints[1])
	}
	r.Check(s.Stop())
}

// It is found by all three ways to ask, and tells of every endpoint.
func TestQuestions(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	s := New(r.NC, "1.2.3", map[string]string{"prefix": "cc"}, intake.NewGuard("cc", nil, natstest.Log()), natstest.Log())
	r.Check(s.Add("chat-send", "cc.chat.send", func(*Endpoint, *nats.Msg) {}))
	r.Check(s.Answer())
	r.Check(r.NC.Flush()) // NATS knows who listens
	client := r.Connect()
	for _, of := range []string{"", "." + Name, "." + Name + "." + s.identity.ID} {
		var ping micro.Ping
		if ask(r, client, "$SRV.PING"+of, &ping); ping.Name != Name || ping.ID != s.identity.ID || ping.Type != micro.PingResponseType {
			t.Errorf("$SRV.PING%s is answered %+v", of, ping)
		}
		var info micro.Info
		ask(r, client, "$SRV.INFO"+of, &info)
		if len(info.Endpoints) != 1 || info.Endpoints[0].Name != "chat-send" || info.Endpoints[0].Subject != "cc.chat.send" || info.Endpoints[0].QueueGroup != Name {
			t.Errorf("$SRV.INFO%s is answered %+v", of, info)
		}
	}
	r.Check(client.Publish("$SRV.PING", nil)) // nobody waits for an answer to that
	r.Check(s.Stop())
}

func ask(r *natstest.Rig, client *nats.Conn, subject string, into any) {
	r.Helper()
	answer, err := client.Request(subject, nil, 30*time.Second)
	r.Check(err)
	r.Check(json.Unmarshal(answer.Data, into))
}

// What the service says of itself is one message on the smallest bus, whatever
// has failed.
func TestSmallestBusHoldsTheAnswers(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	prefix := subjects.Prefix(strings.Repeat("p", 32))
	s := New(r.NC, "1.2.3", map[string]string{"prefix": string(prefix), "tenant": strings.Repeat("t", 253)}, intake.NewGuard(prefix, nil, natstest.Log()), natstest.Log())
	for _, spec := range schema.Commands {
		r.Check(s.Add(spec.Noun()+"-"+spec.Verb(), prefix.Live(subjects.Command(spec.Name)), func(*Endpoint, *nats.Msg) {}))
	}
	for _, e := range s.endpoints {
		e.Note(strings.Repeat("x", 1<<20), math.MaxInt64)
		e.stats.NumRequests, e.stats.NumErrors, e.stats.AverageProcessingTime = math.MaxInt, math.MaxInt, math.MaxInt64
	}
	for name, say := range map[string]func() any{"ping": s.ping, "info": s.info, "statistics": s.statistics} {
		data, err := schema.JSON(say())
		if err != nil || len(data) > bus.LeastPayload {
			t.Errorf("%s has %d bytes, %v", name, len(data), err)
		}
	}
}
