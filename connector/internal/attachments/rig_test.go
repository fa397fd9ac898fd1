package attachments

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/throttle"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// rig is a fetcher between a contact center that a test writes and a real store.
type rig struct {
	*natstest.Rig
	fetcher *Fetcher
	streams *bus.Streams
	served  *prometheus.Registry
}

func newRig(t *testing.T, contactCenter http.HandlerFunc, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t), served: prometheus.NewRegistry()}
	front := httptest.NewServer(contactCenter)
	t.Cleanup(front.Close)
	client, err := brightpattern.New(brightpattern.Config{BaseURL: front.URL, Timeout: time.Minute})
	r.Check(err)
	t.Cleanup(client.Close)
	m, err := metrics.New(r.served)
	r.Check(err)
	r.streams = r.Streams()
	cfg := Config{MaxBytes: brightpattern.MaxFile, Timeout: time.Minute}
	for _, do := range change {
		do(&cfg)
	}
	r.fetcher = New(Needs{
		Client: client, Publisher: r.Publisher(r.streams), Budget: throttle.NewBudget(m.ContactCenter.Throttled), Metrics: m.Files, Log: natstest.Log(),
	}, cfg)
	return r
}

// inTime are limits that end what is tried again and again, and what is endless.
func inTime(c *Config) { c.Timeout, c.MaxBytes = 3*time.Second, 1<<20 }

var theChat = Chat{ID: "chat/1", Token: "chat=2F1", Credentials: brightpattern.Credentials{App: "app-1", Client: "me"}}

// event is one of a file, as the contact center says it.
func event(id, name, fileType string) translate.ServerEvent {
	raw, err := json.Marshal(map[string]string{
		"event": "chat_session_file", "party_id": "p", "msg_id": "1", "file_id": id, "file_name": name, "file_type": fileType,
	})
	if err != nil {
		panic(err)
	}
	return translate.ReadServerEvent(theChat.ID, brightpattern.ParseEvent(raw))
}

// eventsOf are so many, of as many files.
func eventsOf(files int) (events []translate.ServerEvent) {
	for i := range files {
		events = append(events, event(fmt.Sprint("f", i), "a.bin", "attachment"))
	}
	return events
}

func fileOf(e translate.ServerEvent) *schema.File { return e.Data.(*schema.File) }

// fetch returns what the events say in the end.
func (r *rig) fetch(events ...translate.ServerEvent) []translate.ServerEvent {
	r.Helper()
	batch := r.fetcher.Begin(r.Ctx, theChat, events, time.Now())
	defer batch.End()
	r.Check(batch.Await(r.Ctx, 0, len(events)))
	return events
}

// fetchOne is fetch for an attachment.
func (r *rig) fetchOne(id string) *schema.File {
	r.Helper()
	return fileOf(r.fetch(event(id, "a.bin", "attachment"))[0])
}

// content is an object's, as readers have it.
func (r *rig) content(object string) []byte {
	r.Helper()
	data, err := schema.ReadObject(r.Ctx, r.NC, natstest.Prefix.StreamName("FILES"), object)
	r.Check(err)
	return data
}

func (r *rig) checkFailed(file *schema.File, want schema.ErrorCode) {
	r.Helper()
	if file.Error != want || file.Object != "" || file.ContentType != "" || file.Size != nil || file.SHA256 != "" {
		r.Errorf("the event says %+v, want %s", file, want)
	}
}

func (r *rig) store() jetstream.Stream {
	r.Helper()
	stream, err := r.JS.Stream(r.Ctx, "OBJ_"+natstest.Prefix.StreamName("FILES"))
	r.Check(err)
	return stream
}

// objects is how the store of files is set up.
func (r *rig) objects() jetstream.StreamConfig { return r.store().CachedInfo().Config }

// stored are the messages in the store of files.
func (r *rig) stored() uint64 { return r.store().CachedInfo().State.Msgs }

// gone waits until the fetcher has left.
func gone(request *http.Request) { <-request.Context().Done() }

// canceled is a context that ends when the test says so.
func canceled(r *rig) (context.Context, context.CancelFunc) { return context.WithCancel(r.Ctx) }
