package schema

// Direction says who causes an event.
type Direction string

// The directions. A client's events are seen in histories only.
const (
	FromServer Direction = "server"
	FromClient Direction = "client"
	FromBoth   Direction = "both"
)

// EventInfo describes one kind of event.
type EventInfo struct {
	Name      string // as in subjects and types
	Wire      string // as the contact center names it
	Direction Direction
	Doc       string
	empty     func() Event
}

// Events lists every event that the contact center's reference, its help pages
// and its SDKs name.
var Events = []EventInfo{
	{EventStatus, "chat_session_status", FromServer, "The chat's state or estimated waiting time changed.", func() Event { return &Status{} }},
	{EventCaseSet, "chat_session_case_set", FromServer, "A case was set for the chat, or cleared.", func() Event { return &CaseSet{} }},
	{EventPartyJoined, "chat_session_party_joined", FromServer, "A party, such as an agent, joined the chat.", func() Event { return &PartyJoined{} }},
	{EventPartyLeft, "chat_session_party_left", FromServer, "A party left the chat.", func() Event { return &PartyLeft{} }},
	{EventServiceInfo, "chat_session_info", FromServer, "Names the service that handles the chat.", func() Event { return &Info{} }},
	{EventMessage, "chat_session_message", FromBoth, "A message.", func() Event { return &Message{} }},
	{EventMessageDelivered, "chat_session_message_delivered", FromBoth, "A message was delivered.", func() Event { return &MessageDelivered{} }},
	{EventMessageRead, "chat_session_message_read", FromBoth, "A message was read.", func() Event { return &MessageRead{} }},
	{EventTyping, "chat_session_typing", FromBoth, "A party began to type.", func() Event { return &Typing{} }},
	{EventNotTyping, "chat_session_not_typing", FromBoth, "A party stopped typing.", func() Event { return &NotTyping{} }},
	{EventLocation, "chat_session_location", FromBoth, "A party shared a location.", func() Event { return &Location{} }},
	{EventFile, "chat_session_file", FromBoth, "A party sent a file.", func() Event { return &File{} }},
	{EventFormShow, "chat_session_form_show", FromServer, "The client is to show a form.", func() Event { return &FormShow{} }},
	{EventFormData, "chat_session_form_data", FromClient, "The client sent a form's data.", func() Event { return &FormData{} }},
	{EventSecureFormShow, "chat_session_secure_form_show", FromServer, "The client is to show a secure form.", func() Event { return &SecureFormShow{} }},
	{EventSecureFormData, "chat_session_secure_form_data", FromClient, "The client sent a secure form's data, which is withheld.", func() Event { return &SecureFormData{} }},
	{EventSecureFormCancel, "chat_session_secure_form_cancel", FromBoth, "A secure form was cancelled.", func() Event { return &SecureFormCancel{} }},
	{EventTimeoutWarning, "chat_session_timeout_warning", FromServer, "The chat will end soon for inactivity.", func() Event { return &TimeoutWarning{} }},
	{EventInactivityTimeout, "chat_session_inactivity_timeout", FromServer, "The session ended for inactivity.", func() Event { return &InactivityTimeout{} }},
	{EventEnded, "chat_session_ended", FromServer, "The session ended.", func() Event { return &Ended{} }},
	{EventSignaling, "chat_session_signaling", FromBoth, "A step of a WebRTC call; never in a history.", func() Event { return &Signaling{} }},
	{EventCobrowsingRequested, "chat_session_cobrowsing_requested", FromServer, "The agent asks for co-browsing.", func() Event { return &CobrowsingRequested{} }},
	{EventCobrowsingRejected, "chat_session_cobrowsing_rejected", FromClient, "The client rejected co-browsing.", func() Event { return &CobrowsingRejected{} }},
	{EventCobrowsingStarted, "chat_session_cobrowsing_started", FromClient, "The client started co-browsing.", func() Event { return &CobrowsingStarted{} }},
	{EventCobrowsingEnded, "chat_session_cobrowsing_ended", FromClient, "The client ended co-browsing.", func() Event { return &CobrowsingEnded{} }},
	{EventNavigation, "chat_session_navigation", FromClient, "The client went to another page.", func() Event { return &Navigation{} }},
	{EventDisconnect, "chat_session_disconnect", FromClient, "The client ended the conversation; the session goes on.", func() Event { return &Disconnect{} }},
	{EventEnd, "chat_session_end", FromClient, "The client ended the session.", func() Event { return &End{} }},
}

var eventsByName = func() map[string]EventInfo {
	byName := make(map[string]EventInfo, len(Events))
	for _, info := range Events {
		byName[info.Name] = info
	}
	return byName
}()

func eventInfo(name string) (EventInfo, bool) {
	info, known := eventsByName[name]
	return info, known
}
