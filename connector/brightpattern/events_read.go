package brightpattern

import "encoding/json"

// misspelt is how the reference also writes the inactivity timeout.
const misspelt EventName = "chat_session_inactvity_timeout"

// ParseEvent reads an event. It never fails: what is not an object has nothing
// but Raw. Raw shares raw's memory if nothing had to be replaced.
func ParseEvent(raw json.RawMessage) Event {
	if !ShapeOf(raw).isJSON(raw) {
		return Event{Raw: readable(raw)}
	}
	return eventOf(raw)
}

// eventOf reads what is known to be JSON.
func eventOf(raw json.RawMessage) Event {
	raw = readable(raw)
	o, ok := pick(raw, eventFields)
	if !ok {
		return Event{Raw: raw}
	}
	e := o.event()
	e.Raw = raw
	if repair, ok := repairs[e.Name]; ok {
		repair(&e, o)
	}
	return e
}

// eventFields are those that an Event is made of.
var eventFields = setOf("event", "timestamp", "party_id", "session_id", "type", "first_name", "last_name", "display_name",
	"msg_id", "ref_msg_id", "msg", "msg_text", "channel", "state", "ewt", "case_id", "service_name", "latitude", "longitude", "url",
	"file_id", "file_name", "file_type", "form_request_id", "form_name", "form_id", "form_timeout", "destination_party_id", "data",
	"provider_type", "cobrowsing_url", "title", "page")

func setOf(names ...string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

func (o object) event() Event {
	return Event{
		Name:             EventName(o.str("event")),
		Time:             o.time("timestamp"),
		PartyID:          PartyID(o.text("party_id")),
		PartyType:        o.text("type"),
		FirstName:        o.text("first_name"),
		LastName:         o.text("last_name"),
		DisplayName:      o.text("display_name"),
		MessageID:        MessageID(o.text("msg_id")),
		RefMessageID:     MessageID(o.text("ref_msg_id")),
		HTML:             o.text("msg"),
		Text:             o.text("msg_text"),
		Channel:          o.text("channel"),
		State:            o.text("state"),
		EstimatedWait:    o.number("ewt"),
		CaseID:           o.caseID(),
		ServiceName:      o.text("service_name"),
		Latitude:         o.number("latitude"),
		Longitude:        o.number("longitude"),
		URL:              o.text("url"),
		FileID:           FileID(o.text("file_id")),
		FileName:         o.text("file_name"),
		FileType:         o.text("file_type"),
		FormRequestID:    FormRequestID(o.text("form_request_id")),
		FormName:         o.text("form_name"),
		FormID:           o.text("form_id"),
		FormTimeout:      o.number("form_timeout"),
		DestinationParty: PartyID(o.text("destination_party_id")),
		Data:             o.nested("data"),
		ProviderType:     o.text("provider_type"),
		CobrowsingURL:    o.text("cobrowsing_url"),
		Title:            o.text("title"),
		Page:             o.text("page"),
	}
}

// caseID is not nil if the event says anything about a case; null clears it like "".
func (o object) caseID() *CaseID {
	if !o.has("case_id") {
		return nil
	}
	id := CaseID(o.text("case_id"))
	return &id
}

// repairs are the differences between servers, by event.
var repairs = map[EventName]func(*Event, object){
	misspelt:              func(e *Event, _ object) { e.Name = EventInactivityTimeout },
	EventMessageDelivered: repairReceipt,
	EventMessageRead:      repairReceipt,
	EventFile: func(e *Event, o object) {
		if e.PartyID == "" {
			e.PartyID = PartyID(o.text("session_id"))
		}
	},
}

// repairReceipt: some servers name the confirmed message in msg_id, where it
// is not the receipt's own id.
func repairReceipt(e *Event, _ object) {
	if e.RefMessageID == "" {
		e.RefMessageID, e.MessageID = e.MessageID, ""
	}
}
