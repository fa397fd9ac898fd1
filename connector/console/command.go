package console

import (
	"context"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/admin"
	"cc-connector/connector/client"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// order is a command that a page wants sent.
type order struct {
	Command string          `json:"command"`
	Lane    string          `json:"lane"`
	Chat    string          `json:"chat"`
	Data    json.RawMessage `json:"data"`
	ID      string          `json:"id"`
	Wait    *bool           `json:"wait"` // false: for no reply
}

const replyPatience = 40 * time.Second // a command on the live lane may take as long

// runCommand sends the data as they are: what the connector refuses is to be seen, too.
func (c *Console) runCommand(w http.ResponseWriter, r *http.Request) {
	o := order{Lane: "live", Data: json.RawMessage("{}")}
	err := readBody(w, r, &o)
	var msg *nats.Msg
	if err == nil {
		msg, err = c.command(o)
	}
	if err != nil {
		c.answer(w, nil, err)
		return
	}
	// Other pages may have of it what results tell.
	c.feed.tell("command", map[string]any{"subject": msg.Subject, "data": admin.Told(o.Command, o.Data), "lane": o.Lane, "id": msg.Header.Get(nats.MsgIdHdr), "at": time.Now().UTC()})
	ctx, cancel := context.WithTimeout(r.Context(), replyPatience)
	defer cancel()
	if o.Lane == "durable" {
		ack, err := c.cfg.JetStream.PublishMsg(ctx, msg)
		if err != nil {
			refuse(w, http.StatusBadGateway, err.Error())
			return
		}
		answer(w, http.StatusOK, map[string]any{"stream": ack.Stream, "seq": ack.Sequence})
		return
	}
	if o.Wait != nil && !*o.Wait {
		c.send(w, msg)
		return
	}
	answer(w, http.StatusOK, c.ask(ctx, msg))
}

// send is for what comes often, of which the reply says little: that somebody types.
func (c *Console) send(w http.ResponseWriter, msg *nats.Msg) {
	if err := c.cfg.NATS.PublishMsg(msg); err != nil {
		refuse(w, http.StatusBadGateway, err.Error())
		return
	}
	answer(w, http.StatusAccepted, struct{}{})
}

func (c *Console) ask(ctx context.Context, msg *nats.Msg) map[string]any {
	reply, err := c.cfg.NATS.RequestMsgWithContext(ctx, msg)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return map[string]any{"error": "nobody answers: no connector runs"}
	case errors.Is(err, context.DeadlineExceeded):
		return map[string]any{"error": "nobody has answered in time: what became of the command is not known"}
	case err != nil:
		return map[string]any{"error": err.Error()}
	}
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	if err != nil {
		return map[string]any{"error": "the reply cannot be read"}
	}
	text, err := json.Marshal(ce)
	if err != nil {
		return map[string]any{"error": "the reply cannot be read"}
	}
	return map[string]any{"cloudevent": json.RawMessage(text)}
}

// command is an order as a CloudEvent on the command's subject.
func (c *Console) command(o order) (*nats.Msg, error) {
	name, err := subjects.ParseCommand(o.Command)
	if err != nil {
		return nil, errors.Join(ErrUnfit, err)
	}
	subject := c.cfg.Prefix.Live(name)
	switch o.Lane {
	case "live":
	case "durable":
		token := subjects.ChatToken("")
		if o.Chat != "" {
			if token, err = subjects.EscapeChat(o.Chat); err != nil {
				return nil, errors.Join(ErrUnfit, err)
			}
		}
		subject = c.cfg.Prefix.Durable(name, token)
	default:
		return nil, errors.Join(ErrUnfit, errors.New("lane: must be live or durable"))
	}
	if o.ID == "" {
		o.ID = uuid.NewString()
	}
	e := event.New()
	e.SetID(o.ID)
	e.SetSource("urn:cc-connector:console")
	e.SetType(schema.CommandType(name.Noun(), name.Verb()))
	if err := e.SetData(event.ApplicationJSON, o.Data); err != nil {
		return nil, errors.Join(ErrUnfit, err)
	}
	msg, err := schema.Encode(e, schema.Structured)
	if err != nil {
		return nil, errors.Join(ErrUnfit, err)
	}
	msg.Subject = subject
	msg.Header.Set(nats.MsgIdHdr, o.ID)
	return msg, nil
}

// putFile puts a file where chat.file finds it.
func (c *Console) putFile(w http.ResponseWriter, r *http.Request) {
	var put map[string]string
	err := withFile(w, r, func(f multipart.File, h *multipart.FileHeader) error {
		store, err := client.New(c.cfg.NATS, client.Config{Prefix: c.cfg.Prefix})
		if err != nil {
			return err
		}
		object, err := store.Put(r.Context(), "", f)
		fileType := "attachment"
		if strings.HasPrefix(h.Header.Get("Content-Type"), "image/") {
			fileType = "image"
		}
		put = map[string]string{"object": object, "fileName": fileName(h), "fileType": fileType}
		return err
	})
	c.answer(w, put, err)
}
