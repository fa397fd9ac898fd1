package brightpattern

import (
	"context"
	"encoding/json"
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
	err := c.send(ctx, cred, call, func(body []byte) (err error) {
		sessions, err = parseSessions(body)
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

func parseSessions(body []byte) ([]CaseSession, error) {
	raws, err := parseList(body, "sessions")
	if err != nil {
		return nil, err
	}
	sessions := make([]CaseSession, 0, len(raws))
	for _, raw := range raws {
		o, ok := parseObject(raw)
		if !ok {
			continue
		}
		events, err := o.events()
		if err != nil {
			return nil, err
		}
		sessions = append(sessions, CaseSession{ChatID(o.text("chat_id")), o.time("created_time"), events})
	}
	return sessions, nil
}

// parseList reads {"<key>":[…]}; without the key, or with null, it is empty.
func parseList(body []byte, key string) ([]json.RawMessage, error) {
	o, ok := parseObject(body)
	if !ok {
		return nil, errNotJSON
	}
	var list []json.RawMessage
	if o.has(key) && json.Unmarshal(o[key], &list) != nil {
		return nil, errNotJSON
	}
	return list, nil
}
