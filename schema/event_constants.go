package schema

// The names of [Events], as they stand in subjects and types. That of info is
// EventServiceInfo, for EventInfo is what the table has of each.
const (
	EventStatus              = "status"
	EventCaseSet             = "case_set"
	EventPartyJoined         = "party_joined"
	EventPartyLeft           = "party_left"
	EventServiceInfo         = "info"
	EventMessage             = "message"
	EventMessageDelivered    = "message_delivered"
	EventMessageRead         = "message_read"
	EventTyping              = "typing"
	EventNotTyping           = "not_typing"
	EventLocation            = "location"
	EventFile                = "file"
	EventFormShow            = "form_show"
	EventFormData            = "form_data"
	EventSecureFormShow      = "secure_form_show"
	EventSecureFormData      = "secure_form_data"
	EventSecureFormCancel    = "secure_form_cancel"
	EventTimeoutWarning      = "timeout_warning"
	EventInactivityTimeout   = "inactivity_timeout"
	EventEnded               = "ended"
	EventSignaling           = "signaling"
	EventCobrowsingRequested = "cobrowsing_requested"
	EventCobrowsingRejected  = "cobrowsing_rejected"
	EventCobrowsingStarted   = "cobrowsing_started"
	EventCobrowsingEnded     = "cobrowsing_ended"
	EventNavigation          = "navigation"
	EventDisconnect          = "disconnect"
	EventEnd                 = "end"
)
