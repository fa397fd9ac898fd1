package brightpattern

import (
	"errors"
	"io"
	"strings"
)

// Answers that list events: they may be large, and are read event by event.

// maxEvents is how many an answer may have, over all its sessions.
const maxEvents = 10000

var (
	errNotJSON       = errors.New("the body is not the JSON that was expected")
	errNotList       = errors.New("what should be a list is none")
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
	named   bool // it has the key
	listed  bool // with a list
	others  bool // it says other things
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
		first, err := f.next()
		if err != nil {
			return err
		}
		e.named, e.listed = true, first == '['
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
	e.others = len(said) > 0 && strings.TrimSpace(said.text("error_code")) != noError
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

// readEvents reads {"events":[…]}. Nothing at all, null, or an empty envelope are
// no events, and listed is false. One with other things in it, and no word of
// events, is somebody else's answer.
func readEvents(f *feed) (events []Event, listed bool, err error) {
	e, t := envelope{key: "events"}, tally{}
	err = e.read(f, func() (err error) {
		events, err = t.readEvents(f)
		return err
	}, func() bool { return len(events) == 0 })
	if err == nil && e.others && !e.named {
		err = lacking("events")
	}
	if err != nil {
		return nil, e.listed, err
	}
	return events, e.listed, nil
}

// readSessions reads {"sessions":[…]}.
func readSessions(f *feed) ([]CaseSession, error) {
	e, t, sessions := envelope{key: "sessions"}, tally{}, []CaseSession{}
	err := e.read(f, func() error {
		sessions = []CaseSession{}
		return f.list(func() error { return t.readSession(f, &sessions) })
	}, func() bool { return t.events == 0 })
	switch {
	case err == nil && !e.isThere:
		err = errNotJSON
	case err == nil && !e.listed:
		err = lacking("sessions")
	}
	if err != nil {
		return nil, err
	}
	return sessions, nil
}

// readSession needs the chat's id and its events; the time may be missing.
func (t *tally) readSession(f *feed, sessions *[]CaseSession) error {
	if err := t.add(f); err != nil {
		return err
	}
	var events []Event
	listed := false
	about := object{}
	err := f.object(func(key string) (err error) {
		if key == "events" {
			first, err := f.next()
			if err == nil {
				listed = first == '['
				events, err = t.readEvents(f)
			}
			return err
		}
		about[key], err = f.value()
		return err
	})
	switch {
	case err == nil && !about.isString("chat_id"):
		err = lacking("chat_id of a session")
	case err == nil && !listed:
		err = lacking("events of a session")
	case err == nil:
		*sessions = append(*sessions, CaseSession{ChatID(about.str("chat_id")), about.time("created_time"), events})
	}
	return err
}
