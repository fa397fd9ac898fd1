package permissions

import (
	"strings"
	"time"

	"cc-connector/subjects"
)

// User is a user of the bus, and what it may do. Everything else is refused.
type User struct {
	Name        string // unique over all prefixes of an account: cc-connector
	Doc         string
	InboxPrefix string // first token of the subjects on which its replies come
	Publish     []string
	Subscribe   []Subscription
	Hidden      []string   // never delivered, though a subscription matches
	Responses   *Responses // nil: it answers nobody
}

// Subscription is a subject, or a filter, that a user may subscribe to.
type Subscription struct {
	Subject string
	Queue   string // not "": only as a member of this queue group
}

// Responses bounds what a user may publish to the reply subject of a message that it got.
type Responses struct {
	Max     int
	Expires time.Duration
}

// Role is what a user is for.
type Role string

// The roles.
const (
	Connector        Role = "connector"
	CommanderLive    Role = "commander-live"
	CommanderDurable Role = "commander-durable"
	CommanderChat    Role = "commander-chat"
	Consumer         Role = "consumer"
	Auditor          Role = "auditor"
)

// Users are all users of a prefix, the connector first. chat is the one that
// the commander of one chat is for.
func Users(prefix subjects.Prefix, chat subjects.ChatToken) []User {
	b := bus{prefix}
	return []User{
		b.connector(), b.commanderLive(), b.commanderDurable(), b.commanderChat(chat),
		Reader(prefix, UserName(prefix, Consumer)), b.auditor(),
	}
}

// UserName is the name of a prefix's user: cc-connector; of the prefix a.b, a_b-connector.
func UserName(prefix subjects.Prefix, role Role) string {
	return strings.ReplaceAll(string(prefix), ".", "_") + "-" + string(role)
}

// InboxPrefix is a user's own.
func InboxPrefix(prefix subjects.Prefix, role Role) string { return inboxOf(UserName(prefix, role)) }

func inboxOf(user string) string { return "_INBOX_" + user }

func (b bus) user(role Role, doc string) User { return newUser(UserName(b.prefix, role), doc) }

// newUser has its inbox, and nothing else yet.
func newUser(name, doc string) User {
	inbox := inboxOf(name)
	return User{Name: name, Doc: doc, InboxPrefix: inbox, Subscribe: []Subscription{{Subject: inbox + ".>"}}}
}

func (u *User) mayPublish(subjects ...string) { u.Publish = append(u.Publish, subjects...) }

func (u *User) maySubscribe(subjects ...string) {
	for _, subject := range subjects {
		u.Subscribe = append(u.Subscribe, Subscription{Subject: subject})
	}
}
