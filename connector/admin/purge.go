package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/inquiry"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// Purged is what a purge has removed, and what it could not remove.
type Purged struct {
	Version int    `json:"version"`
	ChatID  string `json:"chatId"`
	// Detached tells that an open chat is detached, whatever became of the rest.
	Detached bool                 `json:"detached,omitempty"`
	Removed  schema.List[Removed] `json:"removed"`
	Failed   schema.List[string]  `json:"failed"` // what could not be removed, or may have been written since
	Notes    schema.List[string]  `json:"notes"`  // what is left, where, and until when
}

// Removed is how much of a kind was removed from a stream, bucket or object store.
type Removed struct {
	From  string `json:"from"`
	What  string `json:"what"`
	Count int    `json:"count"`
}

// Why nothing was purged.
var (
	ErrOpen     = errors.New("the chat is open, and nothing of it was removed: detach it first, or give --detach")
	ErrEarlier  = errors.New("a replica of an earlier version runs, which would attach the chat, and nothing of it was removed: end the update first (if there is none, a replica has just ended: purge again when CC_FAILOVER_AFTER is over)")
	ErrNobody   = errors.New("the chat cannot be detached, and nothing of it was removed: no connector answers; start one")
	ErrReopened = errors.New("the chat was opened while it was purged, and the purge was broken off: what is said to be removed is gone, all else stands; purge the chat again when it is closed")
)

// Purge removes all that is kept of a chat that is not open; detach has an open one
// detached first. What could not be removed is in the answer, and an error tells only
// why nothing, or not all, was tried.
func (a *Admin) Purge(ctx context.Context, id string, detach bool) (Purged, error) {
	report := Purged{Version: Version, ChatID: id}
	key, err := keyOf(id)
	if err != nil {
		return report, err
	}
	if err := a.checkVersions(ctx, key); err != nil {
		return report, err
	}
	if report.Detached, err = a.close(ctx, key, detach); err != nil {
		return report, err
	}
	p := a.newPurge(key, &report)
	err = p.run(ctx)
	p.tell()
	return report, err
}

// newPurge has removed nothing yet.
func (a *Admin) newPurge(key chats.Key, report *Purged) *purge {
	return &purge{
		Admin: a, key: key, report: report, marked: time.Now(), done: make(map[Removed]int),
		openings: make(map[chats.OpeningID]bool), objects: make(map[bus.ObjectName]bool), large: make(map[bus.ObjectName]bool), refs: make(map[string]bool),
		commands: make(map[string]bool), works: make(map[string]work),
	}
}

// checkVersions is an error beside a replica that knows no mark. It would attach the
// chat at once, and the stream of events swallow what has the ids that it had before.
func (a *Admin) checkVersions(ctx context.Context, key chats.Key) error {
	alive, err := a.registry.Alive(ctx)
	for id := range alive {
		if _, asked := a.asker.Chats(ctx, id, key.Token); !errors.Is(asked, inquiry.ErrEarlier) {
			continue // one that is silent is told to forget the chat later, and fails that
		}
		var still map[replicas.ID]replicas.Replica
		still, err = a.registry.Alive(ctx)
		if _, lives := still[id]; lives {
			return ErrEarlier
		}
	}
	if err != nil {
		return fmt.Errorf("nothing was removed, as it is not known which replicas are alive: %w", err)
	}
	return nil
}

// close has nobody poll the chat from now on, and tells whether it had to be detached.
func (a *Admin) close(ctx context.Context, key chats.Key, detach bool) (detached bool, err error) {
	_, isOpen, err := a.tokenOf(ctx, key.Token)
	if err != nil && !isOpen {
		return false, err
	}
	if isOpen && !detach {
		return false, ErrOpen
	}
	if isOpen {
		if err := a.detach(ctx, key); err != nil {
			return false, err
		}
	}
	if err := a.mark(ctx, key, a.cfg.UnderWay+reserve); err != nil {
		return isOpen, fmt.Errorf("nothing was removed: %w", err)
	}
	_, isReopened, err := a.tokenOf(ctx, key.Token)
	if isReopened { // somebody was faster
		a.unmark(ctx, key)
		return isOpen, ErrOpen
	}
	return isOpen, err
}

// reserve is for how much longer than commands are waited for a mark lasts. It is
// written anew in half of that.
const reserve = time.Minute

// mark has nobody open the chat for as long as that could go wrong.
func (a *Admin) mark(ctx context.Context, key chats.Key, later time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	return chats.MarkPurged(ctx, a.streams, key, later)
}

// unmark lets the chat be opened again: nothing of it was removed.
func (a *Admin) unmark(ctx context.Context, key chats.Key) {
	_ = chats.UnmarkPurged(context.WithoutCancel(ctx), a.streams, key) // else it expires soon
}

// renew has the mark last for the whole purge.
func (p *purge) renew(ctx context.Context) error {
	err := p.mark(ctx, p.key, p.cfg.UnderWay+reserve)
	if err != nil {
		return fmt.Errorf("the chat may be attached again too early: %w", err)
	}
	p.marked = time.Now()
	return nil
}

// keepMarked is renew in what may take long.
func (p *purge) keepMarked(ctx context.Context) error {
	if time.Since(p.marked) < reserve/2 {
		return nil
	}
	return p.renew(ctx)
}

// purge is one that is under way. What it has to find before it removes it, because
// nothing else tells where it stands, it keeps over its passes.
type purge struct {
	*Admin
	key    chats.Key
	report *Purged
	done   map[Removed]int

	openings map[chats.OpeningID]bool
	objects  map[bus.ObjectName]bool // that its messages name
	large    map[bus.ObjectName]bool // of which that were too large for them
	refs     map[string]bool         // what its clients are known by
	commands map[string]bool         // its commands, by what the journal knows them by
	works    map[string]work         // those that stand in the journal, by their keys there
	scanned  uint64                  // how far the journal is read
	marked   time.Time               // when its mark was written
	failed   []string                // of the pass
	unturned []string                // buckets that have begun no other file
	earlier  bool                    // a replica may be of an earlier version, which is not told anything
}

const (
	passesMost = 8
	passPause  = 250 * time.Millisecond // what is on its way arrives meanwhile
)

// run makes passes until one finds nothing more, or finds the chat open.
func (p *purge) run(ctx context.Context) error {
	_ = p.dropWaiting(ctx) // then none of them is begun; each pass does so, too
	p.forget(ctx)
	p.awaitCommands(ctx)
	err := p.passes(ctx)
	if ctx.Err() != nil {
		p.fail(errors.New("the purge was interrupted, and what was still there stands: purge once more"))
		return context.Cause(ctx)
	}
	p.turnOver(ctx)
	p.forget(ctx)
	if err == nil {
		err = p.checkClosed(ctx)
	}
	p.settleMark(ctx, err)
	return cmp.Or(context.Cause(ctx), err)
}

// settleMark has the mark last for as long as the chat's last ids are known.
func (p *purge) settleMark(ctx context.Context, err error) {
	if errors.Is(err, ErrReopened) && p.total() == 0 {
		p.unmark(ctx, p.key)
		return
	}
	if err := p.mark(ctx, p.key, 0); err != nil { // the one before lasts longer
		p.fail(fmt.Errorf("for how long the chat cannot be attached again is not known: %w", err))
	}
}

// passes is an error for a chat that somebody has opened meanwhile, who had not seen
// the mark: from then on nothing of it is removed.
func (p *purge) passes(ctx context.Context) error {
	early := p.failed
	defer func() { p.failed = append(early, p.failed...) }()
	for pass := range passesMost {
		p.failed = nil
		if err := p.checkClosed(ctx); err != nil {
			return err
		}
		before := p.total()
		p.pass(ctx)
		if p.total() == before && pass > 0 || ctx.Err() != nil {
			return nil
		}
		retry.Sleep(ctx, passPause)
	}
	return nil
}

func (p *purge) checkClosed(ctx context.Context) error {
	_, isOpen, err := p.tokenOf(ctx, p.key.Token)
	if err == nil && isOpen {
		err = ErrReopened
	}
	return err
}

func (p *purge) total() (n int) {
	for _, count := range p.done {
		n += count
	}
	return n
}

// pass removes what there is. What tells where more of it stands goes last: who
// breaks off finds it again.
func (p *purge) pass(ctx context.Context) {
	for _, step := range []func(context.Context) error{
		p.renew, p.gather, p.dropWaiting, p.dropLetters, p.dropFiles, p.dropRecords, p.dropState, p.dropEntry, p.dropEvents, p.dropStrayResults,
	} {
		if err := step(ctx); err != nil && ctx.Err() == nil {
			p.fail(err)
		}
	}
}

func (p *purge) fail(err error) { p.failed = append(p.failed, err.Error()) }

// turnOver has the server write the buckets' files anew soon, if anything was removed.
func (p *purge) turnOver(ctx context.Context) {
	if p.total() == 0 {
		return
	}
	for _, b := range []*bus.Bucket{p.streams.Journal, p.streams.State, p.streams.Chats} {
		if err := b.TurnOver(ctx); err != nil {
			p.unturned = append(p.unturned, b.Name())
		}
	}
}

// count notes what was removed.
func (p *purge) count(from, what string, n int) {
	if n > 0 {
		p.done[Removed{From: from, What: what}] += n
	}
}

func (p *purge) tell() {
	for what, n := range p.done {
		what.Count = n
		p.report.Removed = append(p.report.Removed, what)
	}
	slices.SortFunc(p.report.Removed, func(a, b Removed) int {
		return slices.Compare([]string{a.From, a.What}, []string{b.From, b.What})
	})
	slices.Sort(p.failed)
	p.report.Failed = append(p.report.Failed, slices.Compact(p.failed)...)
	p.report.Notes = p.notes()
}

// forget has every replica drop what it remembers. One that does not may go by it for
// some seconds more.
func (p *purge) forget(ctx context.Context) {
	alive, err := p.registry.Alive(ctx)
	if err != nil {
		p.fail(fmt.Errorf("which replicas are alive is not known: %w", err))
		return
	}
	for id := range alive {
		switch err := p.asker.Forget(ctx, id, p.key.Token); {
		case errors.Is(err, inquiry.ErrEarlier): // it goes by what it remembers for a few seconds only
			p.earlier = true
		case err != nil:
			p.fail(fmt.Errorf("replica %s was not told to forget the chat (%w): purge once more when it is gone, or answers", id, err))
		}
	}
}
