package admin

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Letters are dead letters, in the order of their stream.
type Letters struct {
	Version int                 `json:"version"`
	Letters schema.List[Letter] `json:"letters"`
	More    bool                `json:"-"` // there may be others that are meant: Filter.Most, or time was over
	Stored  uint64              `json:"-"` // how many there are, whether or not they are meant
}

// Letter is a durable command that was given up, as its subject and the connector's
// headers tell of it.
type Letter struct {
	Sequence  uint64       `json:"sequence"` // in CC_DEADLETTER
	Command   string       `json:"command"`
	ChatID    string       `json:"chatId,omitempty"`
	CommandID string       `json:"commandId,omitempty"`
	Code      string       `json:"code,omitempty"`
	Message   string       `json:"message,omitempty"` // why, for people
	Attempts  int          `json:"attempts"`          // calls to the contact center that were made
	FirstSeen *schema.Time `json:"firstSeen,omitempty"`
	StoredAt  *schema.Time `json:"storedAt"` // when it was given up
	Age       float64      `json:"ageSeconds"`
}

// Filter says which letters are meant; the zero value: all.
type Filter struct {
	Command, ChatID, Code string
	Older, Newer          time.Duration // given up at least, at most so long ago; 0: whenever
	After                 uint64        // only those behind this one in the stream
	Most                  int           // 0: all
}

// Headers by which the connector tells of a dead letter: see package command.
const (
	headerCommandID    = "Cc-Command-Id"
	headerErrorCode    = "Cc-Error-Code"
	headerErrorMessage = "Cc-Error-Message"
	headerAttempts     = "Cc-Attempts"
	headerFirstSeen    = "Cc-First-Seen"
)

// Letters lists those that are meant. Where only some are
// wanted and time is over, it lists what it has found.
func (d *Dead) Letters(ctx context.Context, f Filter) (Letters, error) {
	listed := Letters{Version: Version, Stored: d.stream.CachedInfo().State.Msgs}
	subject, err := f.subject(d.cfg.Prefix)
	if err != nil {
		return listed, err
	}
	now := time.Now()
	for next := f.After + 1; ; {
		msg, err := d.nextLetter(ctx, next, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return listed, nil
		}
		if listed.More = f.Most > 0 && len(listed.Letters) > 0 && (err != nil && ctx.Err() != nil || len(listed.Letters) == f.Most); listed.More {
			return listed, nil
		}
		if err != nil {
			return listed, bus.Explain(d.deadName(), err)
		}
		if letter := d.letterOf(msg, now); f.means(letter) {
			listed.Letters = append(listed.Letters, letter)
		}
		next = msg.Sequence + 1
	}
}

func (d *Dead) deadName() string { return d.cfg.Prefix.StreamName("DEADLETTER") }

func (d *Dead) nextLetter(ctx context.Context, from uint64, subject string) (*bus.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	return d.stream.Next(ctx, from, subject)
}

// subject has the server look for what it can tell.
func (f Filter) subject(prefix subjects.Prefix) (string, error) {
	command, chat := subjects.Command("*.*"), subjects.ChatToken("")
	if f.Command != "" {
		var err error
		if command, err = subjects.ParseCommand(f.Command); err != nil {
			return "", err
		}
	}
	switch {
	case f.ChatID != "":
		token, err := subjects.EscapeChat(f.ChatID)
		if err != nil {
			return "", err
		}
		chat = token
	case f.Command == "", namesChat(f.Command):
		return prefix.AllDeadLetters(), nil
	}
	return prefix.DeadLetter(command, chat), nil
}

func namesChat(command string) bool {
	spec, known := schema.LookupCommand(command)
	return !known || spec.NamesChat()
}

func (f Filter) means(l Letter) bool {
	age := time.Duration(l.Age * float64(time.Second))
	return (f.Command == "" || f.Command == l.Command) && (f.ChatID == "" || f.ChatID == l.ChatID) &&
		(f.Code == "" || f.Code == l.Code) && (f.Older == 0 || age >= f.Older) && (f.Newer == 0 || age <= f.Newer)
}

// letterOf takes headers that anybody may have written.
func (d *Dead) letterOf(msg *bus.Stored, now time.Time) Letter {
	l := Letter{
		Sequence: msg.Sequence, StoredAt: schema.NewTime(msg.Time), Age: max(0, now.Sub(msg.Time).Seconds()),
		CommandID: shown(msg.Header.Get(headerCommandID)), Code: shown(msg.Header.Get(headerErrorCode)), Message: shown(msg.Header.Get(headerErrorMessage)),
	}
	if subject, err := d.cfg.Prefix.Parse(msg.Subject); err == nil && subject.Kind == subjects.KindDeadLetter {
		l.Command, l.ChatID = string(subject.Command), subject.Chat.ID()
	}
	if attempts, err := strconv.Atoi(msg.Header.Get(headerAttempts)); err == nil {
		l.Attempts = max(0, attempts)
	}
	if first, err := time.Parse(time.RFC3339, msg.Header.Get(headerFirstSeen)); err == nil && isWritable(first) {
		l.FirstSeen = schema.NewTime(first)
	}
	return l
}

// isWritable tells the times that JSON can tell.
func isWritable(t time.Time) bool { return t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 }

const shownMost = 1 << 10

// shown is a text that a terminal can be trusted with.
func shown(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, translate.Cut(strings.ToValidUTF8(s, "�"), shownMost))
}

// ErrNoLetter says that there is no dead letter of that sequence, or no more.
var ErrNoLetter = errors.New("there is no dead letter of this sequence: it was put back or deleted, or has expired")

func (d *Dead) letterAt(ctx context.Context, sequence uint64) (*bus.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	msg, err := d.stream.At(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) || sequence == 0 {
		return nil, ErrNoLetter
	}
	return msg, bus.Explain(d.deadName(), err)
}

// Delete removes a dead letter, and has the server overwrite it; ErrNoLetter.
func (d *Dead) Delete(ctx context.Context, sequence uint64) error {
	if sequence == 0 {
		return ErrNoLetter
	}
	erased, err := d.stream.Erase(ctx, sequence)
	if err == nil && !erased {
		err = ErrNoLetter
	}
	return err
}
