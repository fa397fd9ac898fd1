package bpsim

import (
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// Options configure a simulated contact center. The zero value works.
type Options struct {
	// Tenant is the tenantUrl that is accepted; empty accepts any bare host name.
	Tenant string
	// Apps are the appIds that are known; empty accepts any.
	Apps []string
	// Hold is how long a poll is held with nothing new. Default 10s.
	Hold time.Duration
	// Script names what happens in every new chat: "support", "echo", "survey" or
	// "none" (the default). New panics on another name; see [Scripts].
	Script string
	// ScriptParameter is a parameter of Request Chat that names the script of the
	// chat, instead of Script; a name that is none of [Scripts] is passed over.
	ScriptParameter string
	// Pace multiplies the pauses of scripts: 1 is lifelike, 0 (the default)
	// is without pauses.
	Pace float64
	// IDs makes the ids of chats, files, parties and cases, which must differ.
	// It is never called twice at once. Neither IDs nor Now may call the Server.
	// Default: random UUIDs.
	IDs func() string
	// InactivityTimeout ends a session in which the customer has sent nothing
	// for that long; a warning comes at half of it. Default 10m; negative: never.
	InactivityTimeout time.Duration
	// KeepEnded is how long the history of an ended session stays readable.
	// Default 10m; negative: until Forget.
	KeepEnded time.Duration
	// Linger is how long a session goes on after a status failed or completed,
	// in which a survey may come; then it is over without a word. Default 0: it
	// is over at once.
	Linger time.Duration
	// StalePoll is how long a poll whose client has gone keeps its place and
	// takes events with it; up to a second has been seen in the field. Default 0.
	StalePoll time.Duration
	// AnswerSends makes the answer to a send carry the pending server events,
	// as version 1 and older servers do.
	AnswerSends bool
	// Uneven has polls leave out the time and the party of some events, and the
	// history tell more than polls do: what they left out, other fields, numbers
	// as texts and ids as numbers. It lists the client's files with the chat as
	// their party, as their session, or without either.
	Uneven bool
	// Now is the clock of the timestamps (not of the timers). Default time.Now.
	Now func() time.Time
	// Log receives refusals and faults, never what chats contain. Default: none.
	Log *slog.Logger
}

const (
	defaultHold       = 10 * time.Second
	defaultInactivity = 10 * time.Minute
	defaultKeepEnded  = 10 * time.Minute
)

func (o Options) withDefaults() Options {
	o.Hold = orDefault(o.Hold, defaultHold)
	o.InactivityTimeout = orDefault(o.InactivityTimeout, defaultInactivity)
	o.KeepEnded = orDefault(o.KeepEnded, defaultKeepEnded)
	o.Script = orDefault(o.Script, "none")
	if o.IDs == nil {
		o.IDs = uuid.NewString
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
