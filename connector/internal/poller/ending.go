package poller

import (
	"context"
	"errors"
	"sync"
)

// ending is why the polling of a chat ends. It is the cause of the context
// that the polls run under.
type ending int

const (
	notEnded       ending = iota
	sessionEnded          // as a poll, a history or the log says: no poll is under way that could hold something
	closeRequested        // by a command, or by the answer to one: a poll under way is cut, and may hold something
	replicaLeaves         // the chat is handed over at once
	chatIsSurplus         // the chat is handed over to a replica that has too few
	leaseEnded            // the holding is over
)

// isHandOver tells the endings after which another replica goes on.
func (e ending) isHandOver() bool { return e == replicaLeaves || e == chatIsSurplus }

func (e ending) Error() string {
	return [...]string{"not ended", "the session has ended", "the chat is to be closed", "this replica is leaving",
		"another replica has fewer chats than its share", "the lease has ended"}[e]
}

// polling is what a chat's polls run under. It ends before the lease does when
// the chat is to be closed or handed over; the first reason counts.
type polling struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	round  *round
}

func newPolling(parent context.Context) polling {
	ctx, cancel := context.WithCancelCause(parent)
	return polling{ctx, cancel, &round{}}
}

// round is a poll and the pause after it. It can be cut short, so that the next
// poll begins at once.
type round struct {
	mu    sync.Mutex
	cut   context.CancelFunc // nil when there is nothing to cut
	isCut bool               // since its poll began
}

// beginPoll begins a round by its poll, which is to be ended.
func (p polling) beginPoll() (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(p.ctx)
	p.round.begin(cancel)
	return ctx, func() { p.round.finish(); cancel() }
}

// beginPause begins the pause after the poll, which is to be ended, too.
func (p polling) beginPause() (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(p.ctx)
	p.round.goOn(cancel)
	return ctx, func() { p.round.finish(); cancel() }
}

func (r *round) begin(cut context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut, r.isCut = cut, false
}

func (r *round) goOn(cut context.CancelFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut = cut; r.isCut {
		cut()
	}
}

func (r *round) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = nil
}

// cutRound has the next poll begin at once; between two rounds it does so anyway.
func (p polling) cutRound() {
	p.round.mu.Lock()
	defer p.round.mu.Unlock()
	p.round.isCut = true
	if p.round.cut != nil {
		p.round.cut()
	}
}

func (p polling) end(why ending) { p.cancel(why) }

// ended is why, or notEnded.
func (p polling) ended() ending {
	cause := context.Cause(p.ctx)
	if why, ours := cause.(ending); ours {
		return why
	}
	if cause != nil {
		return leaseEnded
	}
	return notEnded
}

// errLeaving breaks off what the next holder will do anyway.
var errLeaving = errors.New("this replica is leaving")

// untilLeaving ends a context also when this replica leaves: the next holder
// will do that work anyway.
func (p polling) untilLeaving(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.ctx, func() {
		if p.ended() == replicaLeaves {
			cancel(errLeaving)
		}
	})
	return ctx, func() { stop(); cancel(nil) }
}
