package bpsim

import "encoding/json"

func (s *Server) version(*call) answer {
	return ok(map[string]any{"server_version": "5.5.6.12345 (Stable)"})
}

func (s *Server) availability(*call) answer {
	out := map[string]any{"chat": "available"}
	addWait(out, int(s.asked.Add(1)-1))
	return ok(out)
}

func (s *Server) parameters(*call) answer {
	return ok(map[string]any{"parameters": []map[string]string{
		{"first_name": "FIRST_NAME"}, {"last_name": "LAST_NAME"}, {"phone": "PHONE"},
		{"email": "EMAIL"}, {"account": "ACCOUNT"}, {"company": "COMPANY"}, {"topic": "TEXT"},
	}})
}

func (s *Server) configuration(*call) answer {
	return ok(json.RawMessage(`{"widgets":[{"name":"Support","urls":["https://www.example.com/help"],` +
		`"definition":{"chatInitiation":{"type":"onDemand","position":"bottom-right"}},"styles":{"color":"#336699"}}]}`))
}

func (s *Server) iceServers(*call) answer {
	return ok(map[string]any{"servers": []map[string]string{
		{"url": "stun:stun.example.com:3478"},
		{"url": "turn:turn.example.com:3478", "username": "simulated", "credential": "simulated"},
	}})
}
