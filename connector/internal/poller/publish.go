package poller

import (
	"context"
	"errors"
	"slices"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/attachments"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// receive publishes what the contact center gave away, in its order, whoever
// read it.
func (h *holder) receive(ctx context.Context, events []brightpattern.Event, origin translate.Origin, read time.Time) error {
	drafts := h.translate(events)
	if attachments.HasFiles(drafts) {
		return h.receiveFiles(ctx, drafts, origin, read)
	}
	return h.publishAll(ctx, drafts, origin, read)
}

func (h *holder) publishAll(ctx context.Context, drafts []translate.ServerEvent, origin translate.Origin, read time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkHeld(); err != nil {
		return err
	}
	if origin == translate.FromAnswer {
		h.poller.Failpoints.Reach(failpoint.HandedOver)
	}
	for _, event := range drafts {
		if err := h.publish(ctx, event, origin, read); err != nil {
			return err
		}
	}
	h.saveEntry(ctx)
	return nil
}

// # Answers with files
//
// The events of a poll's answer are published as far as they need not wait for
// a file, then the file's event, and so on; h.mu is free while a file is waited
// for. Of the answer to a call all events are published together, or none: who
// handed them over has another holder publish them, or the history read, if
// this one does not. He does not wait for long, so the history is left to give
// them back where a file takes longer than that, and where this replica leaves.
// Events that no history may give back go out instead, without their files: the
// steps of a WebRTC call, and what ends a session, whose history may go with it.

// answerPatience is with the files in a call's answer. It is shorter than the
// patience of who hands the answer over.
const answerPatience = 3 * time.Second

// errFilesLate says that the history is to give back an answer's events.
var errFilesLate = errors.New("a file in the answer takes long to fetch")

// receiveFiles is receive for an answer that has files. What was told before
// out of the history is left out first: its file is not fetched again.
func (h *holder) receiveFiles(ctx context.Context, drafts []translate.ServerEvent, origin translate.Origin, read time.Time) error {
	drafts, err := h.untold(drafts)
	if err != nil {
		return err
	}
	files := h.poller.Files.Begin(ctx, h.attachedTo(), drafts, read)
	defer files.End()
	waiting, cancel := h.awaitingFiles(ctx, origin)
	defer cancel()
	for begin, end := 0, 0; begin < len(drafts); begin = end {
		if end = len(drafts); origin == translate.FromPoll {
			end = files.Part(begin)
		}
		if err := files.Await(waiting, begin, end); err != nil {
			if ctx.Err() != nil || h.areInHistory(drafts[begin:]) {
				return err
			}
			files.End() // the events say then that there are none
		}
		if err := h.publishAll(ctx, drafts[begin:end], origin, read); err != nil {
			return err
		}
	}
	return nil
}

// awaitingFiles ends when a replica leaves, and where somebody waits for the answer.
func (h *holder) awaitingFiles(ctx context.Context, origin translate.Origin) (context.Context, func()) {
	ctx, cancel := h.polling.untilLeaving(ctx)
	if origin != translate.FromAnswer {
		return ctx, cancel
	}
	ctx, end := context.WithTimeoutCause(ctx, answerPatience, errFilesLate)
	return ctx, func() { end(); cancel() }
}

// areInHistory tells whether the history gives events back, and nobody has to
// be told that others may be lost.
func (h *holder) areInHistory(events []translate.ServerEvent) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.traits.signaled && !slices.ContainsFunc(events, func(e translate.ServerEvent) bool { return e.Signaling || e.Ends != "" })
}

// untold leaves out what was told out of the history.
func (h *holder) untold(drafts []translate.ServerEvent) ([]translate.ServerEvent, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkHeld(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(drafts, h.wasTold), nil
}

// wasTold answers yes once for each event that was told out of the history. A
// new one may look just like it, which the history tells. h.mu is held.
func (h *holder) wasTold(event translate.ServerEvent) bool {
	told := h.chatLog.WasTold(event.Likeness)
	if told {
		h.reconciliation.raise(eventMissing)
	}
	return told
}

func (h *holder) attachedTo() attachments.Chat {
	return attachments.Chat{ID: h.chat.ID, Token: h.chat.Token, Credentials: h.token.Credentials()}
}

func (h *holder) translate(events []brightpattern.Event) []translate.ServerEvent {
	translated := make([]translate.ServerEvent, len(events))
	for i, event := range events {
		translated[i] = translate.ReadServerEvent(h.chat.ID, event)
	}
	return translated
}

// publish is the one door to the chat's log for events. h.mu is held.
func (h *holder) publish(ctx context.Context, event translate.ServerEvent, origin translate.Origin, read time.Time) error {
	if origin != translate.FromHistory && h.wasTold(event) {
		return nil
	}
	if err := h.appendEvent(ctx, event, origin, read); err != nil {
		return err
	}
	h.poller.Failpoints.Reach(failpoint.Published)
	h.poller.Events.Published(event.Data.Name(), string(origin), event.Time, read)
	h.traits.signaled = h.traits.signaled || event.Signaling
	h.traits.answered = h.traits.answered || origin == translate.FromAnswer
	counts := h.chatLog.Counts()
	h.entry.Apply(event.Data, counts.Sequence, counts.Position)
	if event.Ends != "" {
		h.wantClosed(h.end.reason(schema.CloseReason(event.Ends)), endingBy(origin))
	} else {
		h.end.eventCame(h.entry.State, time.Now())
	}
	if h.chatLog.IsBurst(h.poller.retention()) {
		h.trySaveCheckpoint(ctx)
	}
	return nil
}

// appendEvent publishes what no message can hold as far as it can be: a holder
// that gave up would meet the event again, and so would the next one.
func (h *holder) appendEvent(ctx context.Context, event translate.ServerEvent, origin translate.Origin, read time.Time) error {
	try := func(event translate.ServerEvent) error {
		return h.append(ctx, func() error {
			return h.chatLog.AppendEvent(ctx, event, origin, read, h.reconciliation.completeUntil())
		})
	}
	err := try(event)
	if bus.IsUnfit(err) { // the stream may take less than was known
		err = try(event)
	}
	switch {
	case bus.IsUnfit(err):
		h.noteSimpler(metrics.SimplerUnfit, "error", err)
		return try(event.Bare(err.Error()))
	case err == nil && event.Simplified:
		h.noteSimpler(metrics.SimplerNested)
	}
	return err
}

// noteSimpler counts each, and logs the first.
func (h *holder) noteSimpler(reason string, more ...any) {
	h.poller.Events.Simplified.Inc(reason)
	if h.traits.simplified {
		return
	}
	h.traits.simplified = true
	h.log.With(more...).Warn("an event could not be published just as it came; others of the chat are only counted", "reason", reason)
}

// endingBy is how the polling ends when the session's end has come that way. A
// poll under way is cut when it came by an answer, and what it held is looked for.
func endingBy(origin translate.Origin) ending {
	if origin == translate.FromAnswer {
		return closeRequested
	}
	return sessionEnded
}

// announce publishes a session message.
func (h *holder) announce(ctx context.Context, payload schema.Session) error {
	err := h.append(ctx, func() error {
		return h.chatLog.AppendSession(ctx, h.token, payload, h.reconciliation.completeUntil())
	})
	if err == nil {
		h.poller.Metrics.Announced(payload)
		counts := h.chatLog.Counts()
		h.entry.Reach(counts.Sequence, counts.Position)
	}
	return err
}

// append publishes under the chat's fence, which is put up again if the stream
// has lost it: see package chatlog. h.mu is held.
func (h *holder) append(ctx context.Context, publish func() error) error {
	err := publish()
	if !errors.Is(err, bus.ErrFenced) || !h.lease.IsSure() || h.chatLog.Restore(ctx) != nil {
		return err
	}
	h.log.Warn("the stream of events had lost the chat's fence; it is up again")
	if h.chatLog.IsAnotherStream() { // the next holder has to read back what is published from now on
		h.chatLog.CountFromFence()
		h.entry.Displace()
		h.saveEntry(ctx) // before anybody looks for what is published from now on
		if err := h.mustSaveCheckpoint(ctx); err != nil {
			return err
		}
	}
	return publish()
}
