package bpsim

import "slices"

// caseHistory tells all sessions of the chat's case, the newest first: their
// order is not promised.
func (s *Server) caseHistory(c *call) answer {
	id := c.chat.currentCase()
	if id == "" {
		return noCase.answer()
	}
	sessions := []map[string]any{}
	for _, other := range s.allChats() {
		if other.isOfCase(id) {
			sessions = append(sessions, other.session())
		}
	}
	slices.Reverse(sessions)
	return ok(map[string]any{"sessions": sessions})
}

func (c *chat) isOfCase(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.gone && c.caseID == id
}

func (c *chat) session() map[string]any {
	return map[string]any{"chat_id": c.id, "created_time": c.created.Unix(), "events": c.history()}
}

// closeCase leaves the case set: closing it takes nothing from the session.
func (s *Server) closeCase(c *call) answer {
	if c.chat.currentCase() == "" {
		return noCase.answer()
	}
	return ok(struct{}{})
}
