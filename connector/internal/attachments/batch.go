package attachments

import (
	"context"
	"slices"
	"sync"
	"time"

	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// Batch are the files of one answer. It belongs to one goroutine.
type Batch struct {
	fetches []*fetch // of each event; nil: it has no file
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// fetch is one file on its way. The event says what became of it when done is
// closed, and is nobody else's to touch before that.
type fetch struct {
	file *schema.File
	done chan struct{}
}

// HasFiles tells whether any of the events is of a file.
func HasFiles(events []translate.ServerEvent) bool { return slices.ContainsFunc(events, isFile) }

func isFile(event translate.ServerEvent) bool {
	_, is := event.Data.(*schema.File)
	return is
}

// Begin fetches the files of an answer's events, read then. The batch is to be
// ended.
func (f *Fetcher) Begin(ctx context.Context, chat Chat, events []translate.ServerEvent, read time.Time) *Batch {
	b := &Batch{fetches: make([]*fetch, len(events)), cancel: func() {}}
	queue := make(chan *fetch, len(events))
	for i, event := range events {
		if file, is := event.Data.(*schema.File); is {
			b.fetches[i] = &fetch{file: file, done: make(chan struct{})}
			queue <- b.fetches[i]
		}
	}
	close(queue)
	if len(queue) == 0 {
		return b
	}
	ctx, b.cancel = context.WithDeadline(ctx, read.Add(f.cfg.Timeout))
	for range min(len(queue), perAnswerMost) {
		b.running.Go(func() {
			for next := range queue {
				f.fetch(ctx, chat, next.file)
				close(next.done)
			}
		})
	}
	return b
}

// Await returns when the events say what has become of their files, those from
// begin to before end. An error is why ctx has ended before.
func (b *Batch) Await(ctx context.Context, begin, end int) error {
	for _, f := range b.fetches[begin:end] {
		if f == nil || f.isDone() {
			continue
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (f *fetch) isDone() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Part is the end of the events that can be published together: those before
// the next one that has to wait for a file.
func (b *Batch) Part(begin int) (end int) {
	for end = begin + 1; end < len(b.fetches) && b.fetches[end] == nil; end++ {
	}
	return end
}

// End gives up what is under way. When it returns every event says what has
// become of its file.
func (b *Batch) End() {
	b.cancel()
	b.running.Wait()
}
