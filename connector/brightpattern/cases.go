package brightpattern

import (
	"context"
	"time"
)

// CaseSession is one of the chats that belong to a case.
type CaseSession struct {
	ChatID  ChatID
	Created time.Time // UTC; zero if the server does not say
	Events  []Event   // in the server's order, which promises none
}

// CaseHistory is what was said in all sessions of the chat's case. Without a
// case it fails with CodeCaseNotSpecified or a bare status 406.
func (c *Client) CaseHistory(ctx context.Context, cred Credentials, chat ChatID) ([]CaseSession, error) {
	var sessions []CaseSession
	call := call{method: "getCaseHistory", path: c.casePath(chat, "casehistory"), limit: eventsBody}
	err := c.sendFor(ctx, cred, &call, func(f *feed) (err error) {
		sessions, err = readSessions(f)
		return err
	})
	return sessions, err
}

// CloseCase closes the chat's case.
func (c *Client) CloseCase(ctx context.Context, cred Credentials, chat ChatID) error {
	return c.send(ctx, cred, call{method: "closeCase", kind: post, path: c.casePath(chat, "closecase")}, acknowledged)
}

func (c *Client) casePath(chat ChatID, what string) []string {
	if c.casePaths == CasePathsTenant {
		return []string{what}
	}
	return []string{"chats", string(chat), what}
}
