package translate

import (
	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// translators say for each known wire event what consumers see of it. They
// are pure: no clock, no network.
var translators = map[brightpattern.EventName]func(brightpattern.Event, schema.EventHeader) schema.Event{
	brightpattern.EventStatus: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Status{EventHeader: h, State: e.State, EstimatedWaitTime: e.EstimatedWait}
	},
	brightpattern.EventCaseSet: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.CaseSet{EventHeader: h, CaseID: (*string)(e.CaseID)}
	},
	brightpattern.EventPartyJoined: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.PartyJoined{EventHeader: h, PartyID: string(e.PartyID), FirstName: e.FirstName, LastName: e.LastName, DisplayName: e.DisplayName, PartyType: e.PartyType}
	},
	brightpattern.EventPartyLeft: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.PartyLeft{EventHeader: h, PartyID: string(e.PartyID), PartyType: e.PartyType}
	},
	brightpattern.EventInfo: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Info{EventHeader: h, ServiceName: e.ServiceName}
	},
	brightpattern.EventMessage: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Message{EventHeader: h, MessageID: string(e.MessageID), PartyID: string(e.PartyID), Text: e.Text, HTML: e.HTML, Channel: e.Channel}
	},
	brightpattern.EventMessageDelivered: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.MessageDelivered{EventHeader: h, RefMessageID: string(e.RefMessageID), PartyID: string(e.PartyID)}
	},
	brightpattern.EventMessageRead: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.MessageRead{EventHeader: h, RefMessageID: string(e.RefMessageID), PartyID: string(e.PartyID)}
	},
	brightpattern.EventTyping: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Typing{EventHeader: h, PartyID: string(e.PartyID)}
	},
	brightpattern.EventNotTyping: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.NotTyping{EventHeader: h, PartyID: string(e.PartyID)}
	},
	brightpattern.EventLocation: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Location{EventHeader: h, MessageID: string(e.MessageID), PartyID: string(e.PartyID), URL: e.URL, Latitude: e.Latitude, Longitude: e.Longitude}
	},
	brightpattern.EventFile: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.File{EventHeader: h, MessageID: string(e.MessageID), PartyID: string(e.PartyID), FileID: string(e.FileID), FileName: e.FileName, FileType: e.FileType}
	},
	brightpattern.EventFormShow: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.FormShow{EventHeader: h, FormRequestID: string(e.FormRequestID), FormName: e.FormName, FormTimeout: e.FormTimeout, Channel: e.Channel}
	},
	brightpattern.EventFormData: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.FormData{EventHeader: h, PartyID: string(e.PartyID), FormRequestID: string(e.FormRequestID), FormName: e.FormName, Data: e.Data}
	},
	brightpattern.EventSecureFormShow: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.SecureFormShow{EventHeader: h, FormRequestID: string(e.FormRequestID), FormID: e.FormID}
	},
	brightpattern.EventSecureFormData: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		h.Raw = nil // secrets
		return &schema.SecureFormData{EventHeader: h, PartyID: string(e.PartyID), FormRequestID: string(e.FormRequestID), FormName: e.FormName}
	},
	brightpattern.EventSecureFormCancel: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.SecureFormCancel{EventHeader: h, FormRequestID: string(e.FormRequestID), PartyID: string(e.PartyID)}
	},
	brightpattern.EventTimeoutWarning: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.TimeoutWarning{EventHeader: h, Message: e.HTML}
	},
	brightpattern.EventInactivityTimeout: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.InactivityTimeout{EventHeader: h, Message: e.HTML}
	},
	brightpattern.EventEnded: func(_ brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Ended{EventHeader: h}
	},
	brightpattern.EventSignaling: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Signaling{EventHeader: h, MessageID: string(e.MessageID), PartyID: string(e.PartyID), Signal: e.Data}
	},
	brightpattern.EventCobrowsingRequested: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.CobrowsingRequested{EventHeader: h, MessageID: string(e.MessageID)}
	},
	brightpattern.EventCobrowsingStarted: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.CobrowsingStarted{EventHeader: h, PartyID: string(e.PartyID), ProviderType: e.ProviderType, URL: e.CobrowsingURL}
	},
	brightpattern.EventCobrowsingRejected: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.CobrowsingRejected{EventHeader: h, PartyID: string(e.PartyID)}
	},
	brightpattern.EventCobrowsingEnded: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.CobrowsingEnded{EventHeader: h, PartyID: string(e.PartyID)}
	},
	brightpattern.EventNavigation: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Navigation{EventHeader: h, MessageID: string(e.MessageID), PartyID: string(e.PartyID), Title: e.Title, Page: e.Page}
	},
	brightpattern.EventDisconnect: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.Disconnect{EventHeader: h, PartyID: string(e.PartyID)}
	},
	brightpattern.EventEnd: func(e brightpattern.Event, h schema.EventHeader) schema.Event {
		return &schema.End{EventHeader: h, PartyID: string(e.PartyID)}
	},
}

// Event says what consumers see of a wire event; nothing that the
// contact center adds is lost, it stands in Raw.
func Event(chat brightpattern.ChatID, e brightpattern.Event) schema.Event {
	simple, _ := simplify(e)
	return translated(chat, simple)
}

func translated(chat brightpattern.ChatID, e brightpattern.Event) schema.Event {
	header := schema.EventHeader{ChatID: string(chat), Timestamp: schema.NewTime(e.Time), Raw: e.Raw}
	if translate, known := translators[e.Name]; known {
		return translate(e, header)
	}
	return &schema.Unknown{EventHeader: header, EventName: string(subjects.NameOfEvent(string(e.Name)))}
}

// History lists the events of a history in time order.
func History(chat brightpattern.ChatID, events []brightpattern.Event) []schema.NamedEvent {
	named := make([]schema.NamedEvent, 0, len(events))
	for _, event := range InTimeOrder(events) {
		named = append(named, schema.NamedEvent{Event: Event(chat, event)})
	}
	return named
}
