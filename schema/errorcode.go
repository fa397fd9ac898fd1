package schema

// ErrorCode is a result's error code: the protocol's own name, or one of the
// connector's. More may be added.
type ErrorCode string

// The contact center's errors, then the connector's.
const (
	CodeBadTenantURL           ErrorCode = "chat_session_bad_tenant_url"
	CodeNoAuthHeader           ErrorCode = "chat_session_no_auth_header"
	CodeAuthWrongFormat        ErrorCode = "chat_session_auth_header_wrong_format"
	CodeAuthBadScheme          ErrorCode = "chat_session_auth_header_bad_scheme"
	CodeAuthMissingAppID       ErrorCode = "chat_session_auth_header_missing_app_id"
	CodeAuthMissingClientID    ErrorCode = "chat_session_auth_header_missing_client_id"
	CodeAuthBadAppID           ErrorCode = "chat_session_auth_header_bad_app_id"
	CodeServerTimeout          ErrorCode = "chat_session_server_timeout"
	CodeServerNotAvailable     ErrorCode = "chat_session_server_not_available"
	CodeInvalidJSON            ErrorCode = "chat_session_invalid_json"
	CodeServerDisconnected     ErrorCode = "chat_session_server_disconnected"
	CodeNotFound               ErrorCode = "chat_session_not_found"
	CodeEntryNotFound          ErrorCode = "chat_session_entry_not_found"
	CodeInternalServerError    ErrorCode = "chat_session_internal_server_error"
	CodeUploadLimitExceeded    ErrorCode = "chat_session_upload_size_limit_exceeded"
	CodeFileNotFound           ErrorCode = "chat_session_file_not_found"
	CodeTooManyPolls           ErrorCode = "chat_session_too_many_poll_requests"
	CodeNoEvents               ErrorCode = "chat_session_no_events"
	CodeFileError              ErrorCode = "chat_session_file_error"
	CodeUnspecifiedServerError ErrorCode = "chat_session_unspecified_server_error"
	CodeCaseNotSpecified       ErrorCode = "chat_session_case_not_specified"
	CodeCRMServerError         ErrorCode = "chat_session_crm_server_error"
	CodeTooManyParameters      ErrorCode = "chat_session_too_many_parameters"
	CodeBadStatusCode          ErrorCode = "bad_status_code"
	CodeUnexpectedResponse     ErrorCode = "unexpected_response"

	CodeInvalidCommand ErrorCode = "invalid_command"
	CodeUnknownChat    ErrorCode = "unknown_chat"
	// CodeCommandConflict is of a command whose id another one has had. Whoever waits
	// for the other one's outcome must not take this for it, so the causationid is
	// not that id, but names the refused message alone: on the durable lane
	// <stream>:<sequence>:<time>, of which the publisher's PubAck has the first two;
	// on the live lane, where the reply tells the sender, nothing that anybody knows.
	CodeCommandConflict ErrorCode = "command_conflict"
	CodeExpired         ErrorCode = "expired"
	CodeUnavailable     ErrorCode = "unavailable"
	CodeTimeout         ErrorCode = "timeout"
	CodeInternal        ErrorCode = "internal"
)

// ErrorCodeInfo describes an error code.
type ErrorCodeInfo struct {
	Code     ErrorCode
	WireCode string // the contact center's number, "" if it has none
	Meaning  string
}

// ErrorCodes lists every code that a result may have.
var ErrorCodes = []ErrorCodeInfo{
	{CodeBadTenantURL, "1000", "tenantUrl is missing or not valid: the connector's configuration is wrong"},
	{CodeNoAuthHeader, "2000", "the call had no Authorization header"},
	{CodeAuthWrongFormat, "2001", "the Authorization header has the wrong format"},
	{CodeAuthBadScheme, "2002", "the Authorization header has the wrong scheme"},
	{CodeAuthMissingAppID, "2003", "the Authorization header has no app id"},
	{CodeAuthMissingClientID, "2004", "the Authorization header has no client id"},
	{CodeAuthBadAppID, "3000", "the app id is missing or not valid: the connector's configuration is wrong"},
	{CodeServerTimeout, "5000", "the chat server did not answer in time"},
	{CodeServerNotAvailable, "5001", "no chat server is available"},
	{CodeInvalidJSON, "5003", "the contact center could not read the request's body"},
	{CodeServerDisconnected, "5004", "the chat server was disconnected"},
	{CodeNotFound, "5005", "the contact center knows no such chat, or it has ended"},
	{CodeEntryNotFound, "5006", "the launch point was not found: the connector's configuration is wrong"},
	{CodeInternalServerError, "5500", "an error inside the contact center"},
	{CodeUploadLimitExceeded, "5501", "the file is too large"},
	{CodeFileNotFound, "5502", "the contact center has no such file"},
	{CodeTooManyPolls, "5509", "the chat is polled too often at once"},
	{CodeNoEvents, "5511", "there are no events"},
	{CodeFileError, "5558", "the contact center could not read or write the file"},
	{CodeUnspecifiedServerError, "5955", "an error inside the contact center that it does not name"},
	{CodeCaseNotSpecified, "5601", "the chat has no case yet: wait for the event case_set"},
	{CodeCRMServerError, "5602", "the CRM server answered the contact center with an error"},
	{CodeTooManyParameters, "5603", "too many parameters, such as two kinds of device token"},
	{CodeBadStatusCode, "", "the contact center answered with an error status and no known code"},
	{CodeUnexpectedResponse, "", "the contact center's answer cannot be read"},
	{CodeInvalidCommand, "", "the command was refused by validation: the message names the field"},
	{CodeUnknownChat, "", "the connector does not know the chat, or has forgotten it: attach it"},
	{CodeCommandConflict, "", "another command, chat or data has had the same identity"},
	{CodeExpired, "", "the command's time was over before it could succeed"},
	{CodeUnavailable, "", "the contact center or the connector cannot take the command now"},
	{CodeTimeout, "", "the contact center did not answer in time"},
	{CodeInternal, "", "the connector failed"},
}
