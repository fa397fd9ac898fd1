package clients

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// Ref is a client's reference: what everybody may know it by. It is a NATS token.
type Ref string

// Clients are those that this replica works for. They may be used from any
// goroutine, when Look has succeeded once.
type Clients struct {
	bucket   *bus.Bucket
	registry *replicas.Registry
	keep     func() time.Duration
	log      *slog.Logger

	held  atomic.Pointer[held]
	known *lru.Cache[Ref, brightpattern.ClientID]
}

// Commands find so many clients without asking NATS.
const knownMost = 1 << 15

// New keeps clients for as long as what is known of a closed chat is kept.
func New(bucket *bus.Bucket, registry *replicas.Registry, keep func() time.Duration, log *slog.Logger) *Clients {
	known, _ := lru.New[Ref, brightpattern.ClientID](knownMost) // fails for no size
	return &Clients{bucket: bucket, registry: registry, keep: keep, log: log, known: known}
}

// Look agrees with the other replicas on the secret, and looks whether one of
// an earlier version is among them.
func (c *Clients) Look(ctx context.Context) error {
	if err := c.agree(ctx); err != nil {
		if errors.Is(err, bus.ErrUnreadable) {
			err = retry.Final(err)
		}
		return err
	}
	return c.registry.Look(ctx)
}

// Tend looks again and again until ctx ends.
func (c *Clients) Tend(ctx context.Context) {
	trouble := &retry.Trouble{Log: c.log, Doing: "looking after the secret that clients are known by"}
	for {
		retry.Sleep(ctx, c.registry.Every())
		if ctx.Err() != nil {
			return
		}
		if err := c.Look(ctx); err != nil && ctx.Err() == nil {
			trouble.Note(err)
		}
	}
}

// EarlierLives tells whether a replica of a version is there that knows no
// references, or may be.
func (c *Clients) EarlierLives() bool { return c.registry.Oldest() < replicas.FormatReferences }

// Ref is the client's reference.
func (c *Clients) Ref(client brightpattern.ClientID) Ref { return c.held.Load().ref(client) }

func (s secret) ref(client brightpattern.ClientID) Ref {
	return Ref(hex.EncodeToString(s.hash("reference", string(client))[:16]))
}

// Derive makes a client out of a command's identity: the same for the same command.
func (c *Clients) Derive(source, id string) brightpattern.ClientID {
	sum := c.held.Load().hash("client", source, id)
	return brightpattern.ClientID(uuid.NewHash(sha256.New(), uuid.Nil, sum, 8).String())
}

// Seal turns what everybody could try out into what nobody can.
func (c *Clients) Seal(text string) string {
	return hex.EncodeToString(c.held.Load().hash("sealed", text))
}

// record is a client as it is kept.
type record struct {
	ClientID brightpattern.ClientID `json:"clientId"`
}

func clientKey(ref Ref) string { return "client." + string(ref) }

// Kept is when and under which reference a client was kept.
type Kept struct {
	Ref   Ref
	again time.Time // it is due to be kept again
	since time.Time // the secret has stood in the memory in which it is kept
}

// margin is more than may pass until what names a kept client is written.
const margin = 2 * bus.AnswerPatience

// Keep has the client found by its reference, for as long as what is known of a
// closed chat is kept from now on.
func (c *Clients) Keep(ctx context.Context, client brightpattern.ClientID) (Kept, error) {
	h := c.held.Load()
	ref := h.ref(client)
	keep := c.keep()
	data, err := schema.JSON(record{client})
	if err == nil {
		err = c.bucket.Put(ctx, clientKey(ref), data, bus.WholeSeconds(keep)+margin)
	}
	if err != nil {
		return Kept{}, err
	}
	c.known.Add(ref, client)
	pause := keep/4 + rand.N(keep/4+1) // not all at once
	return Kept{ref, time.Now().Add(pause), h.since}, nil
}

// IsDue tells whether a client that is still needed must be kept again.
func (c *Clients) IsDue(k Kept) bool {
	return time.Now().After(k.again) || !k.since.Equal(c.held.Load().since)
}

// Find returns "" for a reference under which no client is kept.
func (c *Clients) Find(ctx context.Context, ref Ref) (brightpattern.ClientID, error) {
	if client, known := c.known.Get(ref); known {
		return client, nil
	}
	found, _, err := bus.Load[record](ctx, c.bucket, clientKey(ref))
	if err == nil && found.ClientID != "" {
		c.known.Add(ref, found.ClientID)
	}
	return found.ClientID, err
}

// Forget has whoever needs the client read it.
func (c *Clients) Forget(client brightpattern.ClientID) { c.known.Remove(c.Ref(client)) }
