package clients

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"cc-connector/connector/internal/bus"
)

// secret is what turns a client into its reference.
type secret struct {
	Key  []byte    `json:"key"`
	Made time.Time `json:"made"`
}

const secretKey = "secret" // in the connector's own memory

func newSecret() secret {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return secret{key, time.Now().UTC()}
}

// precedes tells whether the secret counts before another one.
func (s secret) precedes(other secret) bool {
	if !s.Made.Equal(other.Made) {
		return s.Made.Before(other.Made)
	}
	return bytes.Compare(s.Key, other.Key) < 0
}

// hash is a keyed one of a list of strings, of which no two share an input.
func (s secret) hash(parts ...string) []byte {
	mac := hmac.New(sha256.New, s.Key)
	for _, part := range parts {
		_, _ = mac.Write(binary.AppendUvarint(nil, uint64(len(part))))
		_, _ = io.WriteString(mac, part)
	}
	return mac.Sum(nil)
}

const shortestKey = 16

func readSecret(data []byte) (s secret, err error) {
	if err = json.Unmarshal(data, &s); err == nil && len(s.Key) < shortestKey {
		err = fmt.Errorf("its key has %d bytes", len(s.Key))
	}
	if err != nil {
		return secret{}, fmt.Errorf("the secret that clients are known by: %w: %w", bus.ErrUnreadable, err)
	}
	return s, nil
}

// held is the secret of this replica, as it stands in the memory.
type held struct {
	secret
	since time.Time // it stands there: later than before where the memory was lost
}

// agree has this replica hold the secret that all others hold.
func (c *Clients) agree(ctx context.Context) error {
	for {
		found, err := c.find(ctx)
		if err != nil {
			return err
		}
		ours := c.held.Load()
		if found.Revision != 0 {
			theirs, err := readSecret(found.Data)
			if err != nil {
				return err
			}
			if ours == nil || !ours.precedes(theirs) {
				c.hold(held{theirs, found.Created})
				return nil
			}
		}
		if err := c.offer(ctx, ours, found.Revision); err != nil {
			return err
		}
	}
}

// find reads the secret. A memory that was lost, and made again, is left the time
// to be told it by those who have it.
func (c *Clients) find(ctx context.Context) (bus.Value, error) {
	found, err := c.bucket.Get(ctx, secretKey)
	if err != nil || found.Revision != 0 || c.held.Load() != nil {
		return found, err
	}
	if waited, err := c.bucket.AwaitSettled(ctx); err != nil || !waited {
		return found, err
	}
	return c.bucket.Get(ctx, secretKey)
}

// offer writes this replica's secret, a new one if it has none, unless somebody
// else has written since.
func (c *Clients) offer(ctx context.Context, ours *held, revision uint64) error {
	offered := newSecret()
	if ours != nil {
		offered = ours.secret
		c.log.Warn("the secret that clients are known by was lost from the connector's memory, or replaced: it is put back")
	}
	_, err := bus.Save(ctx, c.bucket, secretKey, offered, revision, 0)
	if bus.IsConflict(err) {
		return nil
	}
	return err
}

func (c *Clients) hold(h held) {
	if before := c.held.Load(); before != nil && !bytes.Equal(before.Key, h.Key) {
		c.log.Warn("another replica has an earlier secret that clients are known by: their references change")
	}
	c.held.Store(&h)
}
