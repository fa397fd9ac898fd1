package brightpattern

import "strings"

// Code is an error code of the wire.
type Code string

// The codes of the reference.
const (
	CodeBadTenantURL              Code = "1000"
	CodeNoAuthHeader              Code = "2000"
	CodeAuthHeaderWrongFormat     Code = "2001"
	CodeAuthHeaderBadScheme       Code = "2002"
	CodeAuthHeaderMissingAppID    Code = "2003"
	CodeAuthHeaderMissingClientID Code = "2004"
	CodeAuthHeaderBadAppID        Code = "3000"
	CodeServerTimeout             Code = "5000"
	CodeServerNotAvailable        Code = "5001"
	CodeInvalidJSON               Code = "5003"
	CodeServerDisconnected        Code = "5004"
	CodeNotFound                  Code = "5005" // the session is gone, or never was
	CodeEntryNotFound             Code = "5006" // the launch point
	CodeInternalServerError       Code = "5500"
	CodeUploadSizeLimitExceeded   Code = "5501"
	CodeFileNotFound              Code = "5502"
	CodeTooManyPollRequests       Code = "5509"
	CodeNoEvents                  Code = "5511" // an empty poll, no error
	CodeFileError                 Code = "5558"
	CodeCaseNotSpecified          Code = "5601"
	CodeCRMServerError            Code = "5602"
	CodeTooManyParameters         Code = "5603"
	CodeUnspecifiedServerError    Code = "5955"
)

// codeNames follow the names of the protocol's error constants, in snake case.
var codeNames = map[Code]string{
	CodeBadTenantURL:              "bad_tenant_url",
	CodeNoAuthHeader:              "no_auth_header",
	CodeAuthHeaderWrongFormat:     "auth_header_wrong_format",
	CodeAuthHeaderBadScheme:       "auth_header_bad_scheme",
	CodeAuthHeaderMissingAppID:    "auth_header_missing_app_id",
	CodeAuthHeaderMissingClientID: "auth_header_missing_client_id",
	CodeAuthHeaderBadAppID:        "auth_header_bad_app_id",
	CodeServerTimeout:             "server_timeout",
	CodeServerNotAvailable:        "server_not_available",
	CodeInvalidJSON:               "invalid_json",
	CodeServerDisconnected:        "server_disconnected",
	CodeNotFound:                  "not_found",
	CodeEntryNotFound:             "entry_not_found",
	CodeInternalServerError:       "internal_server_error",
	CodeUploadSizeLimitExceeded:   "upload_size_limit_exceeded",
	CodeFileNotFound:              "file_not_found",
	CodeTooManyPollRequests:       "too_many_poll_requests",
	CodeNoEvents:                  "no_events",
	CodeFileError:                 "file_error",
	CodeCaseNotSpecified:          "case_not_specified",
	CodeCRMServerError:            "crm_server_error",
	CodeTooManyParameters:         "too_many_parameters",
	CodeUnspecifiedServerError:    "unspecified_server_error",
}

// Name is the protocol's name of the code, such as "chat_session_not_found";
// "" of a code that the reference does not know.
func (c Code) Name() string {
	if name, ok := codeNames[c]; ok {
		return "chat_session_" + name
	}
	return ""
}

// describe is for an error text. What is not a number is not repeated there.
func (c Code) describe() string {
	if name := c.Name(); name != "" {
		return string(c) + " " + name
	}
	if strings.Trim(string(c), "0123456789") != "" {
		return "unknown code"
	}
	return "unknown code " + string(c)
}
