package bpsim

import "net/http"

// refusal is an error answer of the API.
type refusal struct {
	status  int
	code    string // empty: the references have no code for it
	message string
}

// The statuses are the references' where they name one for the method.
var (
	badTenant      = &refusal{http.StatusBadRequest, "1000", "tenantUrl is missing or invalid"}
	noAuth         = &refusal{http.StatusUnauthorized, "2000", "the Authorization header is missing"}
	authFormat     = &refusal{http.StatusUnauthorized, "2001", "the Authorization header has a wrong format"}
	authScheme     = &refusal{http.StatusUnauthorized, "2002", "the Authorization header has a wrong scheme"}
	noAppID        = &refusal{http.StatusUnauthorized, "2003", "the Authorization header has no appId"}
	noClientID     = &refusal{http.StatusUnauthorized, "2004", "the Authorization header has no clientId"}
	webChatClient  = &refusal{http.StatusUnauthorized, "2004", "clientId WebChat is reserved for browsers"}
	unknownApp     = &refusal{http.StatusForbidden, "3000", "appId is unknown"}
	shuttingDown   = &refusal{http.StatusServiceUnavailable, "5001", "no chat server is available"}
	undecodable    = &refusal{http.StatusBadRequest, "5003", "the JSON request body cannot be decoded"}
	noSession      = &refusal{http.StatusNotFound, "5005", "chat session not found"}
	internalError  = &refusal{http.StatusInternalServerError, "5500", "internal server error"}
	uploadTooLarge = &refusal{http.StatusBadRequest, "5501", "upload size limit exceeded"}
	noFile         = &refusal{http.StatusNotFound, "5502", "file not found"}
	manyPolls      = &refusal{http.StatusTooManyRequests, "5509", "too many concurrent polls of this session"}
	manyPolls400   = &refusal{http.StatusBadRequest, "5509", "too many concurrent polls of this session"}
	noEvents       = &refusal{http.StatusBadRequest, "5511", "no events"}
	noCase         = &refusal{http.StatusNotAcceptable, "5601", "no case is specified for this session"}
	manyParameters = &refusal{http.StatusNotAcceptable, "5603", "too many parameters"}
	noMethod       = &refusal{http.StatusNotFound, "", "the API has no such path"}
	wrongVerb      = &refusal{http.StatusMethodNotAllowed, "", "the API has no such HTTP method on this path"}
)

// badRequest is for what the API does not allow without having a code for it.
// The message names the fault and never quotes the request.
func badRequest(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, message: message}
}

func (r *refusal) answer() answer {
	body := map[string]any{"error_message": r.message}
	if r.code != "" {
		body["error_code"] = spellCode(r.code)
	}
	return answer{status: r.status, contentType: jsonType, body: encode(body), refused: true}
}

// spellCode gives even codes as numbers and odd ones as strings: both occur.
func spellCode(code string) any {
	if last := code[len(code)-1]; last%2 == 0 {
		return rawNumber(code)
	}
	return code
}
