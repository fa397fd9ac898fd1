package bpsim

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one method of the API: where it is, what it needs, what it does.
type route struct {
	method string
	verb   string
	path   string // below the base, with {chat}, {file} and {party}
	body   bodyKind
	rules  []rule // of a JSON body
	chat   chatNeed
	handle func(*Server, *call) answer

	segments []string
}

type bodyKind int

const (
	bodyNone bodyKind = iota
	bodyJSON
	bodyFile
)

// chatNeed says which chats a method works on.
type chatNeed int

const (
	noChat     chatNeed = iota
	openChat            // not one that has ended
	keptChat            // also an ended one
	activeChat          // the open chat of the client, which the path does not name
	latestChat          // the last chat of the client, open or ended
)

const basePath = "/clientweb/api/v2/"

var routes = prepare([]route{
	{method: PollEvents, verb: "GET", path: "chats/{chat}/events", chat: keptChat, handle: (*Server).poll},
	{method: SendEvents, verb: "POST", path: "chats/{chat}/events", body: bodyJSON, rules: sendRules, chat: openChat, handle: (*Server).send},
	{method: RequestChat, verb: "POST", path: "chats", body: bodyJSON, rules: requestRules, handle: (*Server).requestChat},
	{method: GetActiveChat, verb: "GET", path: "chats/active", chat: activeChat, handle: (*Server).active},
	{method: GetHistory, verb: "GET", path: "chats/{chat}/history", chat: keptChat, handle: (*Server).history},
	{method: GetCaseHistory, verb: "GET", path: "chats/{chat}/casehistory", chat: keptChat, handle: (*Server).caseHistory},
	{method: GetCaseHistory, verb: "GET", path: "casehistory", chat: latestChat, handle: (*Server).caseHistory},
	{method: CloseCase, verb: "POST", path: "chats/{chat}/closecase", chat: openChat, handle: (*Server).closeCase},
	{method: CloseCase, verb: "POST", path: "closecase", chat: activeChat, handle: (*Server).closeCase},
	{method: Subscribe, verb: "POST", path: "chats/{chat}/notifications", body: bodyJSON, rules: subscribeRules, chat: openChat, handle: (*Server).subscribe},
	{method: UploadFile, verb: "POST", path: "files", body: bodyFile, handle: (*Server).uploadFile},
	{method: GetFile, verb: "GET", path: "chats/{chat}/files/{file}", chat: keptChat, handle: (*Server).getFile},
	{method: GetProfilePhoto, verb: "GET", path: "chats/{chat}/profilephotos/{party}", chat: keptChat, handle: (*Server).getPhoto},
	{method: GetVersion, verb: "GET", path: "version", handle: (*Server).version},
	{method: CheckAvailability, verb: "GET", path: "availability", handle: (*Server).availability},
	{method: GetParameters, verb: "GET", path: "parameters", handle: (*Server).parameters},
	{method: GetConfiguration, verb: "GET", path: "configuration", handle: (*Server).configuration},
	{method: GetICEServers, verb: "GET", path: "iceservers", handle: (*Server).iceServers},
})

func prepare(table []route) []route {
	for i := range table {
		table[i].segments = strings.Split(table[i].path, "/")
	}
	return table
}

// findRoute matches segment by segment, before unescaping: an id may hold
// anything, slashes too.
func findRoute(verb string, u *url.URL) (*route, map[string]string, *refusal) {
	rest, below := strings.CutPrefix(u.EscapedPath(), basePath)
	if !below {
		return nil, nil, noMethod
	}
	given := strings.Split(rest, "/")
	refused := noMethod
	for i := range routes {
		ids, matches := routes[i].match(given)
		switch {
		case matches && routes[i].verb == verb:
			return &routes[i], ids, nil
		case matches:
			refused = wrongVerb
		}
	}
	return nil, nil, refused
}

func (rt *route) match(given []string) (map[string]string, bool) {
	if len(given) != len(rt.segments) {
		return nil, false
	}
	var ids map[string]string
	for i, segment := range rt.segments {
		if !strings.HasPrefix(segment, "{") {
			if given[i] != segment {
				return nil, false
			}
			continue
		}
		id, err := url.PathUnescape(given[i])
		if err != nil || id == "" {
			return nil, false
		}
		if ids == nil {
			ids = make(map[string]string, 2)
		}
		ids[segment] = id
	}
	return ids, true
}

func methodNames() (names []string) {
	for _, r := range routes {
		if !slices.Contains(names, r.method) {
			names = append(names, r.method)
		}
	}
	return names
}

func knownMethod(name string) bool {
	for i := range routes {
		if routes[i].method == name {
			return true
		}
	}
	return false
}

// readBodyOf reads and, where it is JSON, decodes the body of a call.
func (c *call) readBodyOf(r *http.Request) *refusal {
	limit := int64(maxJSON)
	if c.route.body == bodyFile {
		limit = maxMultipart
	}
	body, whole, err := readBody(r, limit)
	switch {
	case err != nil:
		return badRequest("the body broke off")
	case !whole && c.route.body == bodyFile:
		return uploadTooLarge
	case !whole:
		return badRequest("the body is too large")
	}
	c.body = body
	if c.route.body == bodyFile {
		_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		c.boundary = params["boundary"]
	}
	return nil
}

// checkBody comes after the checks of the headers.
func (c *call) checkBody() *refusal {
	if c.route.body == bodyNone && len(c.body) > 0 {
		return badRequest("this method has no body")
	}
	if c.route.body != bodyJSON {
		return nil
	}
	fs, err := parseFields(c.body)
	if err != nil {
		return undecodable
	}
	c.json = fs
	if wrong := breach(fs, c.route.rules); wrong != "" {
		return badRequest(wrong)
	}
	return nil
}
