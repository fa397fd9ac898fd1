package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"cc-connector/connector/admin"
	"cc-connector/schema"
	"cc-connector/subjects"
)

type about struct {
	Workbench     bool                    `json:"workbench"`
	Prefix        subjects.Prefix         `json:"prefix"`
	Version       string                  `json:"version"`
	Replica       string                  `json:"replica"`
	NeedsToken    bool                    `json:"needsToken"`
	NATSURL       string                  `json:"natsURL"`
	ContactCenter string                  `json:"contactCenter"`
	Commands      []commandInfo           `json:"commands"`
	Weather       schema.List[Phenomenon] `json:"weather"`
	Scripts       schema.List[string]     `json:"scripts"`
}

type commandInfo struct {
	Name    string          `json:"name"`
	Subject string          `json:"subject"`
	Durable *string         `json:"durable"` // null: it has no durable lane
	Schema  json.RawMessage `json:"schema"`  // of its data
}

func (c *Console) serveAbout(w http.ResponseWriter, _ *http.Request) {
	a := about{
		Prefix: c.cfg.Prefix, Version: c.cfg.Version, Replica: c.cfg.Replica, NeedsToken: c.cfg.Token != nil,
		NATSURL: c.cfg.NATSURL, ContactCenter: "real", Commands: c.commands(),
	}
	if bench := c.cfg.Workbench; bench != nil {
		a.Workbench, a.Weather = true, bench.Weather.List()
		if bench.Agent != nil {
			a.ContactCenter, a.Scripts = "simulator", bench.Agent.Scripts()
		}
	}
	answer(w, http.StatusOK, a)
}

func (c *Console) commands() (all []commandInfo) {
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		name := subjects.Command(spec.Name)
		info := commandInfo{Name: spec.Name, Subject: c.cfg.Prefix.Live(name)}
		if spec.Durable {
			subject := c.cfg.Prefix.Durable(name, "")
			if spec.NamesChat() {
				subject += ".<chat>"
			}
			info.Durable = &subject
		}
		if d, known := schema.FindDocument("v1/command." + spec.Name + ".json"); known {
			info.Schema = d.Content
		}
		all = append(all, info)
	}
	return all
}

func (c *Console) serveStatus(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, c.cfg.status(r.Context()))
}

func (c *Console) serveContract(w http.ResponseWriter, _ *http.Request) {
	d, _ := schema.FindDocument("v1/asyncapi.json") // there always is one
	answer(w, http.StatusOK, json.RawMessage(d.Content))
}

var errNoMessage = errors.New("there is no such message: it is none of those that pages show")

// whole is a message that was opened.
type whole struct {
	message
	Raw string `json:"raw"` // as it was published: JSON that is read and written is not the same text
}

// message reads one from the stream, if pages may see it.
func (c *Console) message(ctx context.Context, text string) (whole, error) {
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil || seq == 0 {
		return whole{}, errNoMessage
	}
	e, err := admin.Event(ctx, c.cfg.JetStream, c.cfg.Admin, seq)
	if err != nil {
		return whole{}, err
	}
	m := readMessage(c.cfg.Prefix, stored{e.Sequence, e.Time, e.Subject, e.Header, e.Data})
	if m.Kind == "" { // the connector's own business
		return whole{}, errNoMessage
	}
	return whole{m, string(e.Data)}, nil
}

func (c *Console) serveMessage(w http.ResponseWriter, r *http.Request) {
	m, err := c.message(r.Context(), r.PathValue("seq"))
	c.answer(w, m, err)
}

// answer tells an error by what it is of.
func (c *Console) answer(w http.ResponseWriter, body any, err error) {
	var unfit *schema.FieldError
	switch {
	case err == nil:
		answer(w, http.StatusOK, body)
	case errors.Is(err, errNoMessage), errors.Is(err, admin.ErrNoEvent), errors.Is(err, admin.ErrNoLetter), errors.Is(err, ErrUnknown):
		refuse(w, http.StatusNotFound, err.Error())
	case errors.Is(err, admin.ErrUnfitLetter), errors.Is(err, ErrUnfit), errors.As(err, &unfit):
		refuse(w, http.StatusBadRequest, err.Error())
	default:
		refuse(w, http.StatusBadGateway, err.Error())
	}
}
