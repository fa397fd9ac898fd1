package attachments

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/throttle"
	"cc-connector/schema"
)

// kept is a file in the store.
type kept struct {
	bus.KeptFile
	contentType string
}

const longestPause = 2 * time.Second // between two tries

// fetch has the event say where its file is, or why it cannot be had.
func (f *Fetcher) fetch(ctx context.Context, chat Chat, file *schema.File) {
	found, err := f.untilKept(ctx, chat, file)
	if err != nil {
		file.Error = codeOf(err)
		f.note(ctx, chat, file.Error, err)
		return
	}
	f.Failpoints.Reach(failpoint.FileKept)
	file.Object, file.ContentType, file.SHA256 = string(found.Object), found.contentType, found.SHA256
	file.Size = &found.Size
	f.Metrics.Kept(found.Size)
}

func (f *Fetcher) note(ctx context.Context, chat Chat, code schema.ErrorCode, err error) {
	log := f.Log.With("chat", string(chat.ID))
	if errors.Is(ctx.Err(), context.Canceled) {
		f.Metrics.Missed(metrics.FileGivenUp)
		log.Debug("a file that an agent sent is given up here")
		return
	}
	f.Metrics.Missed(string(code))
	log.Warn("a file that an agent sent cannot be had", "code", string(code), "error", err)
}

// untilKept tries again until ctx ends what may pass, and then says why it was
// in vain: the end of the time is the reason only if nothing else was.
func (f *Fetcher) untilKept(ctx context.Context, chat Chat, file *schema.File) (kept, error) {
	if !canBeAskedFor(file.FileID) {
		return kept{}, errNoID
	}
	name := bus.ObjectName(string(chat.Token) + "/" + uuid.NewString())
	var failed error
	found, err := backoff.Retry(ctx, func() (kept, error) {
		if !f.mayTry(failed != nil) {
			return kept{}, errSpared
		}
		found, err := f.keep(ctx, chat, file, name)
		if err == nil {
			return found, nil
		}
		if failed == nil || ctx.Err() == nil {
			failed = err
		}
		if !mayPass(err) {
			return kept{}, retry.Final(err)
		}
		return kept{}, throttle.AskedToWait(err)
	}, backoff.WithBackOff(retry.NewBackOff(retry.FirstPause, longestPause)), backoff.WithMaxElapsedTime(0))
	if err != nil && failed != nil {
		err = failed
	}
	return found, err
}

// errSpared says that the contact center was left alone. Polls come first: who
// waits for the budget has his turn before any file that is tried again.
var errSpared = errors.New("the contact center is left alone for the moment")

func (f *Fetcher) mayTry(again bool) bool {
	return !again && !f.Budget.IsAway() || f.Budget.TryPay()
}

// keep tries once.
func (f *Fetcher) keep(ctx context.Context, chat Chat, file *schema.File, name bus.ObjectName) (kept, error) {
	if err := f.places.Acquire(ctx, 1); err != nil {
		return kept{}, errNoPlace
	}
	defer f.places.Release(1)
	content, err := f.Client.File(ctx, chat.Credentials, chat.ID, brightpattern.FileID(file.FileID))
	if err != nil {
		return kept{}, err
	}
	defer content.Body.Close()
	switch {
	case content.Size > f.cfg.MaxBytes:
		return kept{}, bus.ErrTooMuch
	case isPage(content.Type) && !mayBePage(file):
		return kept{}, errPage
	}
	found, err := f.Publisher.KeepFile(ctx, name, content.Body, f.cfg.MaxBytes)
	return kept{found, contentType(content.Type)}, err
}
