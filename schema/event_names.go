package schema

// Name returns "status".
func (*Status) Name() string { return "status" }

// Name returns "case_set".
func (*CaseSet) Name() string { return "case_set" }

// Name returns "party_joined".
func (*PartyJoined) Name() string { return "party_joined" }

// Name returns "party_left".
func (*PartyLeft) Name() string { return "party_left" }

// Name returns "info".
func (*Info) Name() string { return "info" }

// Name returns "message".
func (*Message) Name() string { return "message" }

// Name returns "message_delivered".
func (*MessageDelivered) Name() string { return "message_delivered" }

// Name returns "message_read".
func (*MessageRead) Name() string { return "message_read" }

// Name returns "typing".
func (*Typing) Name() string { return "typing" }

// Name returns "not_typing".
func (*NotTyping) Name() string { return "not_typing" }

// Name returns "location".
func (*Location) Name() string { return "location" }

// Name returns "file".
func (*File) Name() string { return "file" }

// Name returns "form_show".
func (*FormShow) Name() string { return "form_show" }

// Name returns "form_data".
func (*FormData) Name() string { return "form_data" }

// Name returns "secure_form_show".
func (*SecureFormShow) Name() string { return "secure_form_show" }

// Name returns "secure_form_data".
func (*SecureFormData) Name() string { return "secure_form_data" }

// Name returns "secure_form_cancel".
func (*SecureFormCancel) Name() string { return "secure_form_cancel" }

// Name returns "timeout_warning".
func (*TimeoutWarning) Name() string { return "timeout_warning" }

// Name returns "inactivity_timeout".
func (*InactivityTimeout) Name() string { return "inactivity_timeout" }

// Name returns "ended".
func (*Ended) Name() string { return "ended" }

// Name returns "signaling".
func (*Signaling) Name() string { return "signaling" }

// Name returns "cobrowsing_requested".
func (*CobrowsingRequested) Name() string { return "cobrowsing_requested" }

// Name returns "cobrowsing_rejected".
func (*CobrowsingRejected) Name() string { return "cobrowsing_rejected" }

// Name returns "cobrowsing_started".
func (*CobrowsingStarted) Name() string { return "cobrowsing_started" }

// Name returns "cobrowsing_ended".
func (*CobrowsingEnded) Name() string { return "cobrowsing_ended" }

// Name returns "navigation".
func (*Navigation) Name() string { return "navigation" }

// Name returns "disconnect".
func (*Disconnect) Name() string { return "disconnect" }

// Name returns "end".
func (*End) Name() string { return "end" }
