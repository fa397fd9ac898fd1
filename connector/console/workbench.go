package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"

	"cc-connector/schema"
)

// Workbench is what pages may do beside looking.
type Workbench struct {
	Weather Weather
	Agent   Agent // nil: the contact center is a real one
}

// Phenomenon is something that can go wrong, and what the connector promises then.
type Phenomenon struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Promise string `json:"promise"`
	Kind    Kind   `json:"kind"`
}

// Kind is how long something goes wrong.
type Kind string

// The kinds.
const (
	Once   Kind = "once"
	Switch Kind = "switch" // until it is switched off
)

// Weather has things go wrong.
type Weather interface {
	List() []Phenomenon
	Set(ctx context.Context, name string, on bool) error // ErrUnknown
}

// Agent is the contact center's side.
type Agent interface {
	Chats() []AgentChat
	Act(chat, action string, data json.RawMessage) error // ErrUnknown, ErrUnfit
	SendFile(chat, name, contentType string, content []byte) error
	Scripts() []string
}

// Errors of the workbench's parts.
var (
	ErrUnknown = errors.New("there is none of this name")
	ErrUnfit   = errors.New("this cannot be done")
)

// AgentChat is a chat as the contact center has it.
type AgentChat struct {
	Chat         string            `json:"chat"`
	State        string            `json:"state"` // waiting, active, ended
	Customer     string            `json:"customer"`
	WaitingSince time.Time         `json:"waitingSince"`
	Transcript   schema.List[Line] `json:"transcript"` // the latest ones
	Forms        schema.List[Form] `json:"forms"`
}

// Line is something that was said or done.
type Line struct {
	From string    `json:"from"` // customer, agent, system
	Name string    `json:"name"` // of the event, without chat_session_
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// Form is what the customer has filled in.
type Form struct {
	RequestID string          `json:"formRequestId"`
	Name      string          `json:"formName"`
	Data      json.RawMessage `json:"data"`
}

const (
	bodyMost   = 1 << 20
	fileMost   = 25 << 20
	formMemory = 1 << 20
)

func readBody(w http.ResponseWriter, r *http.Request, into any) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMost))
	if err != nil {
		return errors.Join(ErrUnfit, errors.New("the body is too large, or broke off"))
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil
	}
	if json.Unmarshal(text, into) != nil {
		return errors.Join(ErrUnfit, errors.New("the body is not the JSON that is wanted"))
	}
	return nil
}

func (c *Console) serveAgentChats(w http.ResponseWriter, _ *http.Request) {
	agent, err := c.agent()
	if err != nil {
		c.answer(w, nil, err)
		return
	}
	c.answer(w, schema.List[AgentChat](agent.Chats()), nil)
}

var errRealAgents = errors.New("the contact center is a real one: its agents are people")

func (c *Console) agent() (Agent, error) {
	if c.cfg.Workbench.Agent == nil {
		return nil, errors.Join(ErrUnfit, errRealAgents)
	}
	return c.cfg.Workbench.Agent, nil
}

func (c *Console) act(w http.ResponseWriter, r *http.Request) {
	agent, err := c.agent()
	if err == nil && r.PathValue("action") == "file" {
		err = withFile(w, r, func(f multipart.File, h *multipart.FileHeader) error {
			content, err := io.ReadAll(f)
			if err != nil {
				return err
			}
			return agent.SendFile(r.PathValue("chat"), fileName(h), h.Header.Get("Content-Type"), content)
		})
	} else if err == nil {
		var data json.RawMessage
		if err = readBody(w, r, &data); err == nil {
			err = agent.Act(r.PathValue("chat"), r.PathValue("action"), data)
		}
	}
	c.answer(w, struct{}{}, err)
}

// withFile reads a form with one file.
func withFile(w http.ResponseWriter, r *http.Request, do func(multipart.File, *multipart.FileHeader) error) error {
	r.Body = http.MaxBytesReader(w, r.Body, fileMost+formMemory)
	unfit := errors.Join(ErrUnfit, fmt.Errorf("the body must be a form with one file of at most %d MiB", fileMost>>20))
	if r.ParseMultipartForm(formMemory) != nil {
		return unfit
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	for _, headers := range r.MultipartForm.File {
		file, err := headers[0].Open()
		if err != nil {
			return err
		}
		defer file.Close()
		return do(file, headers[0])
	}
	return unfit
}

func fileName(h *multipart.FileHeader) string { return path.Base(h.Filename) }

func (c *Console) setWeather(w http.ResponseWriter, r *http.Request) {
	body := struct {
		On *bool `json:"on"`
	}{}
	name := r.PathValue("name")
	err := readBody(w, r, &body)
	if err == nil {
		err = c.cfg.Workbench.Weather.Set(r.Context(), name, body.On == nil || *body.On)
	}
	if err != nil {
		c.answer(w, nil, err)
		return
	}
	promise := ""
	for _, p := range c.cfg.Workbench.Weather.List() {
		if p.Name == name {
			promise = p.Promise
		}
	}
	c.answer(w, map[string]string{"promise": promise}, nil)
}
