package bpsim

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// Errors of the control methods.
var (
	ErrUnknownChat = errors.New("chat: there is none with this id")
	ErrOver        = errors.New("chat: its session is over")
)

func (s *Server) find(id string) (*chat, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.chats[id]
	if c == nil {
		return nil, ErrUnknownChat
	}
	return c, nil
}

// allChats in the order in which they were made, forgotten ones too.
func (s *Server) allChats() []*chat {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*chat, 0, len(s.chats))
	for _, c := range s.chats {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *chat) int { return a.ordinal - b.ordinal })
	return out
}

// Chats lists all chats in the order in which they were made.
func (s *Server) Chats() []ChatInfo {
	out := []ChatInfo{}
	for _, c := range s.allChats() {
		c.mu.Lock()
		out = append(out, c.info())
		c.mu.Unlock()
	}
	return out
}

// Push makes the contact center say something: a server event, as a
// json.RawMessage (kept to the byte) or as anything that encodes to a JSON
// object, known to the API or not. A timestamp is added if there is none,
// unless "timestamp" is null. The event takes its effect: a status changes the
// state, a party joins, a case is set, a session ends.
func (s *Server) Push(chat string, event any) error {
	fs, err := parseEvent(event)
	if err != nil {
		return err
	}
	c, err := s.find(chat)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return ErrOver
	}
	c.push(fs, s.opt.Now())
	return nil
}

// File is one that an agent sends.
type File struct {
	Name    string
	Kind    string // Content-Type; "" leaves it to be guessed
	Party   string // who sends it; "" is an agent
	Content []byte
}

// SendFile has an agent send a file, and returns its id.
func (s *Server) SendFile(chat string, f File) (id string, err error) {
	if _, err := s.find(chat); err != nil {
		return "", err
	}
	if len(f.Content) > maxUpload {
		return "", errors.New("body: the contact center keeps no file larger than 25 MiB")
	}
	kind := orDefault(f.Kind, http.DetectContentType(f.Content))
	fileType := "attachment"
	if strings.HasPrefix(kind, "image/") {
		fileType = "image"
	}
	id = s.newID()
	s.files.put(id, storedFile{kind, f.Content})
	return id, s.Push(chat, object("event", kindFile, "party_id", orDefault(f.Party, "agent"), "msg_id", "file-"+id,
		"file_id", id, "file_name", f.Name, "file_type", fileType).encode())
}

// End ends the session, as an agent or the scenario does.
func (s *Server) End(chat string) error { return s.Push(chat, object("event", kindEnded).encode()) }

// SetCase sets the case of the session, or clears it if caseID is empty.
func (s *Server) SetCase(chat, caseID string) error {
	return s.Push(chat, object("event", kindCaseSet, "case_id", caseID).encode())
}

// Forget makes the session as if it had never been: every call answers 5005,
// a held poll too. Its record stays.
func (s *Server) Forget(chat string) error {
	c, err := s.find(chat)
	if err != nil {
		return err
	}
	s.forget(c)
	return nil
}

// Record tells what has happened to a chat, also to a forgotten one.
func (s *Server) Record(chat string) (Record, error) {
	c, err := s.find(chat)
	if err != nil {
		return Record{}, err
	}
	return c.record(), nil
}

// Calls counts by method the calls that were carried out, whether or not their
// answer arrived. Methods that were not called are absent.
func (s *Server) Calls() map[string]int {
	out := map[string]int{}
	for method, n := range s.counts {
		if n := int(n.Load()); n > 0 {
			out[method] = n
		}
	}
	return out
}
