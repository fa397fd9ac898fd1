package chats

import "context"

// Taking is a message number that is being taken for a command, while its record
// is made. Nil is that of a command which needs none.
type Taking struct {
	done   chan struct{} // closed when the rest is there
	number *Number
	err    error
}

// BeginTaking takes the next number of a chat. It is bound to a durable command, by
// its key in the journal.
func (c *Chats) BeginTaking(ctx context.Context, key Key, command string) *Taking {
	t := &Taking{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		var known Known
		if known, t.err = c.Know(ctx, key); t.err != nil {
			return
		}
		if command != "" {
			t.number, t.err = c.BindNumber(ctx, key, known.Closed, command)
		} else {
			t.number, t.err = c.TakeNumber(ctx, key, known.Closed)
		}
	}()
	return t
}

// Decide waits for the number, and keeps it or gives it back.
func (t *Taking) Decide(ctx context.Context, keep bool) {
	if t == nil {
		return
	}
	<-t.done
	switch {
	case t.err != nil:
	case keep:
		t.number.Keep()
	default:
		t.number.Return(ctx)
	}
}

// Value is the number that was kept, or why there is none.
func (t *Taking) Value() (uint64, error) {
	if t.err != nil {
		return 0, t.err
	}
	return t.number.Value(), nil
}
