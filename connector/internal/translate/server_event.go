package translate

import (
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// ServerEvent is an event of the contact center on its way to the stream.
type ServerEvent struct {
	Likeness
	Data       schema.Event            // what consumers see of it
	Time       time.Time               // its own; zero if it has none
	Ends       brightpattern.EndReason // why the session has ended with it; "" if it has not
	Signaling  bool                    // no history gives it back
	Simplified bool                    // Data do not hold all of it as it came
}

// ReadServerEvent translates a wire event of a chat.
func ReadServerEvent(chat brightpattern.ChatID, wire brightpattern.Event) ServerEvent {
	ends, _ := wire.EndsSession()
	simple, simplified := simplify(wire)
	return ServerEvent{
		Likeness: LikenessOf(wire), Data: translated(chat, simple), Time: wire.Time, Ends: ends,
		Signaling: wire.Name == brightpattern.EventSignaling, Simplified: simplified,
	}
}
