package connector_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/admin"
	"cc-connector/connector/brightpattern/bpsim"
)

// recordReplica has a replica be alive that is none.
func (r *rig) recordReplica(id string) {
	r.Helper()
	bucket, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	_, err = bucket.Put(r.ctx, "replica."+id, []byte(`{"maxChats":5,"chats":3}`))
	r.check(err)
}

// An open chat is told with its holder, and what that knows of it.
func TestOpenChatsAreListed(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	first := r.start()
	a, one := r.admin(), watchNew(r)
	one.says("Hello")
	one.awaitStored(one.chat, ".event.message", 1)
	one.untilListening()
	r.eventually("the chat's poll was answered, and all of it is known", func() bool {
		listed, err := a.Chats(r.ctx)
		r.check(err)
		if len(listed.Chats) != 1 || listed.Open != 1 || len(listed.Replicas) != 1 {
			t.Fatalf("listed are %+v", listed)
		}
		c, holder := listed.Chats[0], listed.Replicas[0]
		if c.ChatID != one.chat || c.State != admin.Held || c.Replica != holder.ID || !holder.Answered || holder.Chats != 1 || c.App != "main" || c.OpenedAt == nil || time.Since(c.OpenedAt.Time) > patience {
			t.Fatalf("the chat is %+v, its replica %+v", c, holder)
		}
		return c.PolledAgo != nil && *c.PolledAgo >= 0 && c.Sequence == 2 && c.Reconcile == "in_sync"
	})
	other := watchNew(r)
	found, err := a.Chat(r.ctx, other.chat)
	r.check(err)
	if len(found.Chats) != 1 || found.Chats[0].ChatID != other.chat {
		t.Errorf("one chat is told as %+v", found)
	}
	if _, err := a.Chat(r.ctx, "nowhere"); !errors.Is(err, admin.ErrUnknownChat) {
		t.Errorf("an unknown chat: %v", err)
	}
	r.must("chat.detach", fields{"chatId": other.chat})
	if found, err = a.Chat(r.ctx, other.chat); err != nil || found.Chats[0].State != admin.Closed || found.Chats[0].ClosedReason != "detached" {
		t.Errorf("a closed chat is told as %+v, %v", found, err)
	}
	r.silentReplicas(a, one)
	first.stop()
	r.waitingChat(one)
}

// silentReplicas may hold a chat of which nobody else tells: that is said.
func (r *rig) silentReplicas(a *admin.Admin, held watched) {
	r.Helper()
	deaf, err := r.nc.SubscribeSync("cc.internal.replica.frozen")
	r.check(err)
	r.check(r.nc.Flush())
	r.recordReplica("frozen")
	r.recordReplica("earlier")
	impatient := r.admin(func(cfg *admin.Config) { cfg.Answer = 500 * time.Millisecond })
	listed, err := impatient.Chats(r.ctx)
	r.check(err)
	for id, want := range map[string]string{"frozen": "in time", "earlier": "earlier version"} {
		i := slices.IndexFunc(listed.Replicas, func(found admin.Replica) bool { return found.ID == id })
		if i < 0 || listed.Replicas[i].Answered || !strings.Contains(listed.Replicas[i].Problem, want) || listed.Replicas[i].Chats != 3 {
			r.Errorf("%s is told as %+v", id, listed.Replicas)
		}
	}
	if len(listed.Chats) != 1 || listed.Chats[0].ChatID != held.chat {
		r.Errorf("listed are %+v", listed.Chats)
	}
	r.check(deaf.Unsubscribe())
	bucket, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	r.check(bucket.Purge(r.ctx, "replica.frozen"))
	r.check(bucket.Purge(r.ctx, "replica.earlier"))
}

// waitingChat is one that nobody holds: of it there is what stands in JetStream.
func (r *rig) waitingChat(w watched) {
	r.Helper()
	listed, err := r.admin().Chats(r.ctx)
	r.check(err)
	if listed.Open != 1 || listed.Waiting != 1 || len(listed.Replicas) != 0 {
		r.Fatalf("listed are %+v", listed)
	}
	c := listed.Chats[0]
	if c.ChatID != w.chat || c.State != admin.Waiting || c.Sequence != 2 || c.App != "main" || c.OpenedAt == nil || c.PolledAgo != nil || c.Replica != "" {
		r.Errorf("the waiting chat is %+v", c)
	}
	r.recordReplica("earlier")
	listed, err = r.admin().Chats(r.ctx)
	r.check(err)
	if listed.Unknown != 1 || listed.Waiting != 0 || listed.Chats[0].State != admin.Unknown {
		r.Errorf("beside one that tells nothing, listed are %+v", listed)
	}
	r.unreadableChats(w)
}

// unreadableChats are listed with the others, and it is said what of them cannot be read.
func (r *rig) unreadableChats(w watched) {
	r.Helper()
	bucket, err := r.js.KeyValue(r.ctx, "CC_CHATS")
	r.check(err)
	for _, token := range []string{tokenOf(w.chat), "bad-entry"} {
		_, err = bucket.Put(r.ctx, token, []byte(`{"sequence":"many"`))
		r.check(err)
	}
	_, err = r.js.Publish(r.ctx, "cc.internal.session.bad-token", []byte("{"))
	r.check(err)
	a := r.admin()
	listed, err := a.Chats(r.ctx)
	r.check(err)
	told := make(map[string]string)
	for _, c := range listed.Chats {
		told[c.ChatID] = c.Problem
	}
	if len(told) != 2 || !strings.Contains(told[w.chat], "CC_CHATS") || !strings.Contains(told["bad-token"], "session token") {
		r.Errorf("of what cannot be read it is said %q", told)
	}
	found, err := a.Chat(r.ctx, "bad-entry")
	if err != nil || len(found.Chats) != 1 || found.Chats[0].State != admin.Unknown || !strings.Contains(found.Chats[0].Problem, "CC_CHATS") {
		r.Errorf("a chat whose entry cannot be read is told as %+v, %v", found, err)
	}
}
