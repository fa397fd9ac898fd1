package bpsim

// The protocol's methods, as faults and counts name them.
const (
	GetVersion        = "getVersion"
	CheckAvailability = "checkAvailability"
	GetParameters     = "getParameters"
	GetConfiguration  = "getConfiguration"
	GetICEServers     = "getIceServers"
	RequestChat       = "requestChat"
	GetActiveChat     = "getActiveChat"
	PollEvents        = "pollEvents"
	SendEvents        = "sendEvents"
	GetHistory        = "getHistory"
	GetCaseHistory    = "getCaseHistory"
	CloseCase         = "closeCase"
	Subscribe         = "subscribeNotifications"
	UploadFile        = "uploadFile"
	GetFile           = "getFile"
	GetProfilePhoto   = "getProfilePhoto"
)
