package check

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

const (
	permissionPublish   ID = "permission.publish"
	permissionSubscribe ID = "permission.subscribe"
	permissionReply     ID = "permission.reply"
)

const (
	grantRights = `give the connector's user what "cc-connector permissions" prints`
	grantInbox  = "set CC_NATS_INBOX_PREFIX to the prefix that the user may subscribe to, or allow it this one"
)

// reserved begins the reply subjects that nats-server keeps for itself: it refuses
// what a client publishes with one, after it has looked at the subject.
const reserved = "_R_."

// noRequest is what is published: nothing that JetStream would take for a request,
// if the server let it pass all the same. An empty purge would purge everything.
var noRequest = []byte("a trial of permissions")

// trialPatience is for the server's answers, which need no JetStream.
const trialPatience = 3 * time.Second

// rights are what the user may do, by the subjects as its permissions have them.
// The zero value takes everything for allowed.
type rights struct{ refused map[string]bool }

func (r rights) mayPublish(pattern string) bool { return !r.refused["publish "+pattern] }

func (r rights) maySubscribe(pattern string) bool { return !r.refused["subscribe "+pattern] }

// trial finds out what the user of a connection may do.
type trial struct {
	nc     *nats.Conn
	user   permissions.User // as it should be
	extras map[string]bool  // for its tools and its page alone
	prefix subjects.Prefix
	token  string // makes all subjects this trial's own

	mu      sync.Mutex
	said    []string // by the server
	changed chan struct{}
}

func newTrial(nc *nats.Conn, prefix subjects.Prefix, domain string) *trial {
	user := permissions.Users(prefix, "check")[0]
	extra := permissions.User{Publish: append(permissions.ForTools(prefix), permissions.ForPage(prefix)...)}
	both := permissions.InDomain([]permissions.User{user, extra}, domain)
	t := &trial{nc: nc, user: both[0], extras: make(map[string]bool), prefix: prefix, token: "check-" + nuid.Next(), changed: make(chan struct{})}
	for _, subject := range both[1].Publish {
		t.extras[subject] = true
	}
	t.user.Subscribe[0].Subject = t.inbox() // which may have another name here
	nc.SetErrorHandler(t.hear)
	return t
}

func (t *trial) inbox() string { return cmp.Or(t.nc.Opts.InboxPrefix, "_INBOX") + ".>" }

func (t *trial) hear(_ *nats.Conn, _ *nats.Subscription, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, err.Error())
	close(t.changed)
	t.changed = make(chan struct{})
}

// heard is all that the server has said.
func (t *trial) heard() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.said, "\n")
}

// await returns when the server has said something of each kind, or nil.
func (t *trial) await(ctx context.Context, holds func(said string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, trialPatience)
	defer cancel()
	for {
		t.mu.Lock()
		said, changed := strings.Join(t.said, "\n"), t.changed
		t.mu.Unlock()
		if holds(said) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run tries everything.
func (t *trial) run(ctx context.Context) (rights, []Finding) {
	r := rights{refused: make(map[string]bool)}
	if !t.answers(ctx) {
		return r, append(t.refusals(t.heard(), r), untried(permissionPublish, "", "what else the user may do is not known: nats-server has not shown that what is tried has no side effects"))
	}
	undo := t.subscribe()
	said, err := t.publish(ctx)
	undo()
	if err != nil {
		return r, []Finding{untried(permissionPublish, "", "what the user may do is not known: nats-server did not answer in %s", Shown(trialPatience))}
	}
	found := append(t.subscriptions(said, r), t.publications(said, r)...)
	return r, append(found, t.responses(ctx, r))
}

// answers tells whether the server refuses what has a reserved reply subject. That
// the user may not publish to a subject does not show it: the next one is tried.
func (t *trial) answers(ctx context.Context) bool {
	reply := t.reply("first")
	for _, pattern := range t.own() {
		subject := t.example(pattern)
		if t.nc.PublishRequest(subject, reply, noRequest) != nil {
			return false
		}
		err := t.await(ctx, func(said string) bool { return isAnswered(said, subject, reply) })
		if err != nil || isReserved(t.heard(), reply) {
			return err == nil
		}
	}
	return false
}

// own are the subjects, but for commands, to which nobody but the connector
// publishes: the one first on which nobody would hear anything.
func (t *trial) own() []string {
	all := []string{t.prefix.Internal(">")}
	for _, pattern := range t.user.Publish {
		if strings.HasPrefix(pattern, string(t.prefix)+".") && !t.extras[pattern] && pattern != all[0] {
			all = append(all, pattern)
		}
	}
	return all
}

func (t *trial) reply(of string) string { return reserved + t.token + "." + of }

func isAnswered(said, subject, reply string) bool {
	return isRefused(said, subject) || isReserved(said, reply)
}

func isReserved(said, reply string) bool { return strings.Contains(said, fmt.Sprintf("%q", reply)) }

func isRefused(said, subject string) bool {
	return strings.Contains(said, fmt.Sprintf("Publish to %q", subject))
}

// example is a subject that a permission covers, and nobody else has.
func (t *trial) example(pattern string) string {
	return strings.NewReplacer("*", t.token, ">", t.token).Replace(pattern)
}

// publish has the server say of each subject whether the user may publish there.
func (t *trial) publish(ctx context.Context) (said string, err error) {
	for i, pattern := range t.user.Publish {
		if err := t.nc.PublishRequest(t.example(pattern), t.reply(fmt.Sprint(i)), noRequest); err != nil {
			return "", err
		}
	}
	err = t.await(ctx, func(now string) bool {
		said = now
		for i, pattern := range t.user.Publish {
			if !isAnswered(now, t.example(pattern), t.reply(fmt.Sprint(i))) {
				return false
			}
		}
		return true
	})
	return said, err
}

// subscribe makes the subscriptions. What is refused the server says before it
// answers what is published behind them.
func (t *trial) subscribe() (undo func()) {
	var made []*nats.Subscription
	for _, s := range t.user.Subscribe {
		if sub, err := t.nc.QueueSubscribeSync(t.example(s.Subject), s.Queue); err == nil {
			made = append(made, sub)
		}
	}
	return func() {
		for _, sub := range made {
			_ = sub.Unsubscribe() // one that was refused is none any more
		}
	}
}

func (t *trial) subscriptions(said string, r rights) (found []Finding) {
	for _, s := range t.user.Subscribe {
		if !strings.Contains(said, fmt.Sprintf("Subscription to %q", t.example(s.Subject))) {
			continue
		}
		r.refused["subscribe "+s.Subject] = true
		as, do := "", grantRights
		if s.Queue != "" {
			as = " in the queue group " + s.Queue
		}
		if s.Subject == t.inbox() {
			do = grantInbox
		}
		found = append(found, wrong(permissionSubscribe, s.Subject, do, "the user may not subscribe to %s%s", s.Subject, as))
	}
	if found == nil {
		return []Finding{fine(permissionSubscribe, "", "the user may subscribe to all %d subjects that it needs", len(t.user.Subscribe))}
	}
	return found
}

func (t *trial) publications(said string, r rights) []Finding {
	if found := t.refusals(said, r); found != nil {
		return found
	}
	return []Finding{fine(permissionPublish, "", "the user may publish to all %d subjects that it needs", len(t.user.Publish))}
}

// refusals are the subjects to which the user may not publish.
func (t *trial) refusals(said string, r rights) (found []Finding) {
	for _, pattern := range t.user.Publish {
		if !isRefused(said, t.example(pattern)) {
			continue
		}
		r.refused["publish "+pattern] = true
		if t.extras[pattern] {
			found = append(found, warn(permissionPublish, pattern, grantRights, "the user may not publish to %s: a connector runs without it, but not its page and each command of cc-connector", pattern))
			continue
		}
		found = append(found, wrong(permissionPublish, pattern, grantRights, "the user may not publish to %s", pattern))
	}
	return found
}

// responses tries whether the user may answer a message that it got, on a subject
// of its own: commands name any subject for their replies.
func (t *trial) responses(ctx context.Context, r rights) Finding {
	internal := t.prefix.Internal(">")
	if !r.mayPublish(internal) || !r.maySubscribe(internal) || !r.maySubscribe(t.inbox()) {
		return untried(permissionReply, "", "whether the user may reply to commands is not known: it cannot ask itself")
	}
	answered, err := t.replyToOneself(ctx)
	switch {
	case err != nil:
		return untried(permissionReply, "", "whether the user may reply to commands is not known: nats-server did not answer in time")
	case !answered:
		return wrong(permissionReply, "", grantRights+" (allow_responses)", "the user may not reply to commands")
	}
	return fine(permissionReply, "", "the user may reply to the messages that it gets")
}

func (t *trial) replyToOneself(ctx context.Context) (answered bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialPatience)
	defer cancel()
	questions, err := t.nc.SubscribeSync(t.prefix.Internal(t.token, "question"))
	if err != nil {
		return false, err
	}
	defer func() { _ = questions.Unsubscribe() }()
	answers, err := t.nc.SubscribeSync(t.nc.NewInbox())
	if err != nil {
		return false, err
	}
	defer func() { _ = answers.Unsubscribe() }()
	if err := t.nc.PublishRequest(questions.Subject, answers.Subject, nil); err != nil {
		return false, err
	}
	question, err := questions.NextMsgWithContext(ctx)
	if err != nil {
		return false, err
	}
	if err := question.Respond(nil); err != nil {
		return false, err
	}
	if err := t.nc.FlushWithContext(ctx); err != nil {
		return false, err
	}
	waiting, _, err := answers.Pending() // it came before the flush ended, or not at all
	return waiting > 0, err
}
