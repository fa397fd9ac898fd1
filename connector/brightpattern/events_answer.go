package brightpattern

import (
	"errors"
	"io"
)

// Answers that list events: they may be large, and are read event by event.

// maxEvents is how many an answer may have, over all its sessions.
const maxEvents = 10000

var (
	errNotJSON       = errors.New("the body is not the JSON that was expected")
	errNotList       = errors.New("what should be a list is none")
	errNoEventList   = errors.New("the answer has no list of events")
	errTooManyEvents = errors.New("the answer has more events than allowed")
)

// refusal is what an answer of status 200 says that is an error all the same:
// the reference does not say with which status an error such as 5511 comes.
type refusal struct {
	code    Code
	message string
}

func (r *refusal) Error() string { return r.code.describe() }

// envelope is an answer around a list: {"<key>":[…]}.
type envelope struct {
	key     string
	isThere bool // it is an object at all
	listed  bool // it has the key
}

// read has list read what stands under the key; of keys that repeat the last
// one counts. An error code counts if, in the end, isEmpty.
func (e *envelope) read(f *feed, list func() error, isEmpty func() bool) error {
	switch first, err := f.next(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	case first == 'n':
		return readNull(f)
	}
	e.isThere = true
	said, broken := object{}, error(nil)
	err := f.object(func(key string) (err error) {
		if key != e.key {
			said[key], err = f.value()
			return err
		}
		e.listed = true
		if broken = list(); broken != errNotList {
			return broken
		}
		return nil
	})
	if err == nil {
		err = f.end()
	}
	if err != nil {
		return err
	}
	if code, message := said.refusal(); code != "" && isEmpty() {
		return &refusal{code, message}
	}
	return broken
}

func readNull(f *feed) error {
	value, err := f.value()
	if err != nil {
		return err
	}
	if string(value) != "null" {
		return errNotJSON
	}
	return f.end()
}

// tally counts the events, and sessions, of an answer.
type tally struct{ events int }

func (t *tally) add(f *feed) error {
	if t.events++; t.events > maxEvents {
		return errTooManyEvents
	}
	return f.pay(perEvent)
}

// readEvents reads a list of them.
func (t *tally) readEvents(f *feed) ([]Event, error) {
	events := []Event{}
	err := f.list(func() error {
		if err := t.add(f); err != nil {
			return err
		}
		raw, err := f.value()
		if err == nil {
			events = append(events, eventOf(raw))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// readEvents reads {"events":[…]}. Nothing at all, null, or an envelope without
// events are no events, and listed is false.
func readEvents(f *feed) (events []Event, listed bool, err error) {
	e, t := envelope{key: "events"}, tally{}
	err = e.read(f, func() (err error) {
		events, err = t.readEvents(f)
		return err
	}, func() bool { return len(events) == 0 })
	if err != nil {
		return nil, e.listed, err
	}
	return events, e.listed, nil
}

// readSessions reads {"sessions":[…]}; without the key, or with null, it is empty.
func readSessions(f *feed) ([]CaseSession, error) {
	e, t, sessions := envelope{key: "sessions"}, tally{}, []CaseSession{}
	err := e.read(f, func() error {
		sessions = []CaseSession{}
		return f.list(func() error { return t.readSession(f, &sessions) })
	}, func() bool { return t.events == 0 })
	if err == nil && !e.isThere {
		err = errNotJSON
	}
	if err != nil {
		return nil, err
	}
	return sessions, nil
}

// readSession passes over what is no session.
func (t *tally) readSession(f *feed, sessions *[]CaseSession) error {
	if err := t.add(f); err != nil {
		return err
	}
	if first, err := f.next(); err == nil && first != '{' {
		_, err = f.value()
		return err
	}
	var events []Event
	about := object{}
	err := f.object(func(key string) (err error) {
		if key == "events" {
			events, err = t.readEvents(f)
			return err
		}
		about[key], err = f.value()
		return err
	})
	if err == nil {
		*sessions = append(*sessions, CaseSession{ChatID(about.text("chat_id")), about.time("created_time"), events})
	}
	return err
}
