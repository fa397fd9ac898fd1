package poller

import (
	"context"
	"errors"
	"slices"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/throttle"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// # Recovery
//
// An answer that is lost on its way, or dies with the process that received
// it, is only to be had from the chat's history. So whoever takes a chat that
// may have been polled before, and whoever loses an answer, reads the history
// and publishes what is missing of it, before the next poll.
//
// There is no cursor to compare. The history holds every server event except
// signaling; the stream holds what was published. Each published event is
// paired with one of the history (see package translate), and what is left of
// the history is missing. A history that cannot be had, when an answer may have been lost,
// leaves a gap, and the chat's consumers are told so.
//
// A history also lists events that no poll has taken yet. They are published
// out of the history, and when a poll gives them away they are passed over.
// That could pass over a new event which looks just like a lost one; so the
// history is read once more, before the next poll, and pairing finds it.

// reconcile publishes what the history has and the stream has not, if the
// history is to be read. One that cannot be had for the moment stays due until
// the next poll has come back, or, when it is the last chance, leaves a gap.
// h.mu is held.
func (h *holder) reconcile(ctx context.Context, last bool) error {
	if last {
		h.reconciliation.chatEnds()
	}
	if !h.reconciliation.isDue() {
		return nil
	}
	asked := time.Now()
	history, err := h.readHistory(ctx, last)
	defer history.end()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case h.polling.ended() == replicaLeaves:
		return errLeaving
	case err == nil:
		return h.publishMissing(ctx, history, asked)
	}
	failure := failureOfHistory(err)
	h.noteSessionEnd(failure)
	switch verdict, missing := h.reconciliation.historyFailed(time.Now(), failure, last); verdict {
	case historyLater:
		h.noteMissingHistory(err)
	case historyGap:
		return h.reportGaps(ctx, missing, gapReason(err))
	}
	return nil
}

// noteSessionEnd takes in what a history that was not to be had says of the session.
func (h *holder) noteSessionEnd(failure historyFailure) {
	switch failure {
	case historyGone:
		if h.end.historyMissed() {
			h.wantClosed(h.end.reason(schema.ClosedGone), sessionEnded)
		}
	case historyUnfound:
		h.end.historyUnfound()
	case historyNotAsked:
	default:
		h.end.historyFailed()
	}
}

// reconcileBeforePoll does what can be done before the next poll.
func (h *holder) reconcileBeforePoll(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.reconciliation.isDueBeforePoll(h.polls.polled) {
		return nil
	}
	return h.reconcile(ctx, false)
}

// publishMissing publishes what is missing, and says so if an answer may have been lost.
func (h *holder) publishMissing(ctx context.Context, history past, asked time.Time) error {
	read, since := time.Now(), h.reconciliation.since
	h.end.historyFound()
	lost, hasEnded := h.chatLog.Missing(history.events), slices.ContainsFunc(history.events, isLastOfSession)
	missing := h.translate(lost)
	h.poller.Failpoints.Reach(failpoint.Read)
	defer h.poller.setAside(lost, history.end)()
	if err := h.publishFound(ctx, missing, read); err != nil {
		return err
	}
	if h.reconciliation.reason == answerMayBeLost {
		if err := h.reportRecovered(ctx, len(missing), since, read); err != nil {
			return err
		}
	}
	if hasEnded { // nothing can be given to anybody any more
		h.reconciliation.chatEnds()
	}
	return h.reportGaps(ctx, h.reconciliation.historyRead(asked, h.traits.signaled), schema.GapSignaling)
}

// publishFound publishes what a history has given back, each file's event when
// it says where the file is. Nothing may come between them: others could be told
// in the meantime what is counted as missing here. A replica that leaves does
// not wait for files: the next holder finds their events missing.
func (h *holder) publishFound(ctx context.Context, missing []translate.ServerEvent, read time.Time) error {
	ctx, span := h.poller.Traces.Recover(ctx, h.chat.ID, len(missing))
	defer span.End()
	files := h.poller.Files.Begin(ctx, h.attachedTo(), missing, read)
	defer files.End()
	waiting, cancel := h.polling.untilLeaving(ctx)
	defer cancel()
	for i, event := range missing {
		if err := files.Await(waiting, i, i+1); err != nil {
			return err
		}
		if err := h.publish(ctx, event, translate.FromHistory, read); err != nil {
			return err
		}
	}
	h.saveEntry(ctx)
	return nil
}

// isLastOfSession tells the events after which the contact center makes no more.
func isLastOfSession(event brightpattern.Event) bool {
	return event.Name == brightpattern.EventEnded || event.Name == brightpattern.EventInactivityTimeout
}

// fearOrphan says that a poll of the chat may have taken something, and may
// take more. h.mu is held.
func (h *holder) fearOrphan() {
	now := time.Now()
	h.reconciliation.callOrphaned(now, now.Add(orphanPatience))
}

func failureOfHistory(err error) historyFailure {
	switch {
	case errors.Is(err, errNoPlace):
		return historyNotAsked
	case throttle.IsMisconfigured(err):
		return historyRefused
	case brightpattern.IsUnfound(err):
		return historyUnfound
	case brightpattern.IsOdd(err):
		return historyOdd
	case brightpattern.IsTransient(err):
		return historyTransient
	case brightpattern.IsGone(err):
		return historyGone
	}
	return historyDenied
}

func (h *holder) noteMissingHistory(err error) {
	if errors.Is(err, errNoPlace) {
		h.log.Debug("the chat's history is not read now; it will be tried before each poll", "error", err)
		return
	}
	h.log.Warn("the chat's history cannot be read for the moment; it will be tried before each poll", "error", err)
}

func gapReason(err error) schema.GapReason {
	if brightpattern.IsUnreadable(err) {
		return schema.GapHistoryUnreadable
	}
	return schema.GapHistoryUnavailable
}

func (h *holder) reportRecovered(ctx context.Context, events int, from, to time.Time) error {
	if events == 0 {
		return nil
	}
	h.log.Info("events recovered from the history", "events", events)
	return h.announce(ctx, &schema.SessionRecovered{
		ChatID: string(h.chat.ID), Events: events, From: schema.NewTime(from), To: schema.NewTime(to),
	})
}

func (h *holder) reportGaps(ctx context.Context, gaps []gap, reason schema.GapReason) error {
	for _, missing := range gaps {
		if err := h.reportGap(ctx, missing, reason); err != nil {
			return err
		}
	}
	return nil
}

func (h *holder) reportGap(ctx context.Context, missing gap, reason schema.GapReason) error {
	h.log.Warn("events of the chat may be missing and cannot be had", "reason", reason)
	return h.announce(ctx, &schema.SessionGap{
		ChatID: string(h.chat.ID), From: schema.NewTime(missing.from), To: schema.NewTime(missing.to), Reason: reason,
	})
}
