package journal

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/tracing"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Identity is which command it is, and what its result says of it.
type Identity struct {
	Command     subjects.Command     `json:"command"`
	Source      string               `json:"source,omitempty"`
	ID          string               `json:"id"`
	Result      string               `json:"result"` // the id of its result
	Correlation string               `json:"correlationId"`
	TraceParent string               `json:"traceParent,omitempty"`
	TraceState  string               `json:"traceState,omitempty"`
	ChatID      brightpattern.ChatID `json:"chatId,omitempty"` // that it names

	// Key is what the journal knows the command by. It is the id of the result,
	// but for a read, which is read again for each message.
	Key string `json:"-"`

	// Place is where in its trace it is worked on here. It is not kept: who goes on
	// with the command elsewhere knows what its sender said of the trace.
	Place tracing.Place `json:"-"`
}

// Record is what the journal knows of a command.
type Record struct {
	Identity
	Fingerprint string `json:"fingerprint"` // of what it wants

	Run       string        `json:"run"`               // tells this record from another run's
	Replica   replicas.ID   `json:"replica,omitempty"` // that began it, or called last
	Message   uint64        `json:"message,omitempty"` // in the stream of commands; 0 on the live lane
	FirstSeen time.Time     `json:"firstSeen"`
	From      *uint64       `json:"from,omitempty"` // sequence that the stream of events had reached when it was begun: its event may be there before its outcome is here
	Attempts  int           `json:"attempts,omitempty"`
	LastCall  time.Time     `json:"lastCall,omitzero"`
	Calling   bool          `json:"calling,omitempty"`   // a call may be under way
	MayBeDone bool          `json:"mayBeDone,omitempty"` // the outcome of some call is not known
	LookUps   int           `json:"lookUps,omitempty"`   // that failed for the moment
	Number    *uint64       `json:"number,omitempty"`    // the message number that is bound to it
	LastError *schema.Error `json:"lastError,omitempty"`

	// FileID is what the contact center knows an uploaded file by. It is written
	// before anybody is told of the file.
	FileID brightpattern.FileID `json:"fileId,omitempty"`

	GivenUp *uint64 `json:"givenUp,omitempty"` // end of the stream of dead letters before its own

	// Client was derived for a chat.request that names none, before its first
	// call: whoever goes on with it asks for the same chat.
	Client brightpattern.ClientID `json:"client,omitempty"`

	Done *Outcome `json:"done,omitempty"`

	revision uint64
}

// Outcome is what a command came to.
type Outcome struct {
	At     time.Time            `json:"at"`
	ChatID brightpattern.ChatID `json:"chatId,omitempty"` // on whose subjects the result is published
	App    brightpattern.AppID  `json:"app,omitempty"`
	Result json.RawMessage      `json:"result,omitempty"` // nil if the command has none, or failed
	Error  *schema.Error        `json:"error,omitempty"`  // nil: it succeeded

	// Request is what the command asked for, as results tell it. An earlier version wrote none.
	Request json.RawMessage `json:"request,omitempty"`

	From uint64 `json:"from"` // sequence that the stream of events had reached before the result was published
}

// NewRecord is that of a command which is about to begin. Message is its place
// in the stream of commands, 0 on the live lane.
func NewRecord(identity Identity, fingerprint string, message uint64) *Record {
	return &Record{Identity: identity, Fingerprint: fingerprint, Run: uuid.NewString(), Message: message, FirstSeen: time.Now().UTC()}
}

// Sequence is where in the journal the record stands; 0 if it does not yet.
func (r *Record) Sequence() uint64 { return r.revision }

// IsSame tells whether two reads found the same record, unchanged.
func (r *Record) IsSame(other *Record) bool { return other != nil && r.revision == other.revision }
