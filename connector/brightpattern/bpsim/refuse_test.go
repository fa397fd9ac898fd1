package bpsim_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
)

const scheme = "MOBILE-API-140-327-PLAIN "

func auth(value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", value) }
}

func tenant(values ...string) func(*http.Request) {
	return func(r *http.Request) { r.URL.RawQuery = url.Values{"tenantUrl": values}.Encode() }
}

func without(header string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Del(header) }
}

func with(header, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(header, value) }
}

func TestRequestsThatTheAPIDoesNotAllowAreRefused(t *testing.T) {
	w := start(t, bpsim.Options{Tenant: "tenant.example.com", Apps: []string{"app", "other"}})
	c := w.client("client")
	for name, test := range map[string]struct {
		spoil  func(*http.Request)
		status int
		code   string
	}{
		"no tenant":                {tenant(), 400, "1000"},
		"empty tenant":             {tenant(""), 400, "1000"},
		"two tenants":              {tenant("tenant.example.com", "tenant.example.com"), 400, "1000"},
		"tenant with scheme":       {tenant("https://tenant.example.com"), 400, "1000"},
		"tenant with port":         {tenant("tenant.example.com:443"), 400, "1000"},
		"tenant with path":         {tenant("tenant.example.com/"), 400, "1000"},
		"another tenant":           {tenant("other.example.com"), 400, "1000"},
		"no authorization":         {without("Authorization"), 401, "2000"},
		"scheme alone":             {auth("MOBILE-API-140-327-PLAIN"), 401, "2001"},
		"no pairs":                 {auth(scheme + "app"), 401, "2001"},
		"unbalanced quote":         {auth(scheme + `appId="app, clientId="client"`), 401, "2001"},
		"something else":           {auth(scheme + `appId="app", clientId="client", more="1"`), 401, "2001"},
		"appId twice":              {auth(scheme + `appId="app", appId="app"`), 401, "2001"},
		"another scheme":           {auth(`Basic appId="app", clientId="client"`), 401, "2002"},
		"no appId":                 {auth(scheme + `clientId="client"`), 401, "2003"},
		"empty appId":              {auth(scheme + `appId="", clientId="client"`), 401, "2003"},
		"no clientId":              {auth(scheme + `appId="app"`), 401, "2004"},
		"the browsers' clientId":   {auth(scheme + `appId="app", clientId="WebChat"`), 401, "2004"},
		"unknown appId":            {auth(scheme + `appId="nobody", clientId="client"`), 403, "3000"},
		"no user agent":            {with("User-Agent", ""), 400, ""},
		"another user agent":       {with("User-Agent", "curl/8"), 400, ""},
		"no cache control":         {without("Cache-Control"), 400, ""},
		"no content type":          {without("Content-Type"), 400, ""},
		"another content type":     {with("Content-Type", "text/plain; charset=UTF-8"), 400, ""},
		"content type, no charset": {with("Content-Type", "application/json"), 400, ""},
		"wrong verb":               {func(r *http.Request) { r.Method = "PUT" }, 405, ""},
		"unknown path":             {func(r *http.Request) { r.URL.Path += "s" }, 404, ""},
		"another version":          {func(r *http.Request) { r.URL.Path = "/clientweb/api/v1/chats" }, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.request(context.Background(), "POST", "chats", `{"parameters":{}}`)
			test.spoil(r)
			got, err := c.do(r)
			if err != nil {
				t.Fatal(err)
			}
			got.expect(t, test.status, test.code)
		})
	}
	if n := len(w.sim.Chats()); n != 0 {
		t.Errorf("%d chats were made by refused requests", n)
	}
	if calls := w.sim.Calls(); len(calls) != 0 {
		t.Errorf("refused calls were counted: %v", calls)
	}
}

func TestAuthorizationIsReadInAllItsForms(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	for _, value := range []string{
		`appId="app", clientId="client"`, `appId=app, clientId=client`, `clientId=client,appId=app`, `appId="app",clientId=client`,
	} {
		r := c.request(context.Background(), "POST", "chats", `{"parameters":{}}`)
		auth(scheme + value)(r)
		got, err := c.do(r)
		if err != nil || got.status != 200 {
			t.Errorf("%s: status %d, %v", value, got.status, err)
		}
	}
	if n := len(c.sim.Chats()); n != 1 {
		t.Errorf("the forms name %d clients, want 1", n)
	}
}

func TestBodiesThatTheAPIDoesNotAllowAreRefused(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	chat := c.chat()
	for _, test := range []struct{ path, body, code, names string }{
		{"chats", `{`, "5003", "decoded"},
		{"chats", `[]`, "5003", "decoded"},
		{"chats", `{"parameters":{}} x`, "5003", "decoded"},
		{"chats", `{"from":"me"}`, "", "parameters"},
		{"chats", `{"parameters":[]}`, "", "parameters"},
		{"chats", `{"parameters":{"a":1}}`, "", "parameters"},
		{"chats", `{"parameters":{"a":{}}}`, "", "parameters"},
		{"chats", `{"parameters":{"user_platform":"iOS"}}`, "200", ""},
		{"chats", `{"parameters":{"a":"b","user_platform":{"os":"iOS","n":1}},"from":"me","phone_number":"1"}`, "200", ""},
		{"chats", `{"parameters":{},"from":1}`, "", "from"},
		{"chats", `{"parameters":{},"phone_number":1}`, "", "phone_number"},
		{"chats", `{"parameters":{},"form":"me"}`, "", "a field that the API does not have"},
		{"chats/" + chat + "/events", `nothing`, "5003", "decoded"},
		{"chats/" + chat + "/events", `{}`, "", "events"},
		{"chats/" + chat + "/events", `{"events":null}`, "", "events"},
		{"chats/" + chat + "/events", `{"events":[1]}`, "", "events[0]"},
		{"chats/" + chat + "/closecase", `{}`, "", "no body"},
		{"chats/" + chat + "/notifications", `{"token":"x"}`, "", "a field that the API does not have"},
	} {
		got := c.post(test.path, test.body)
		if test.code == "200" {
			got.expect(t, 200, "")
			continue
		}
		got.expect(t, 400, test.code)
		if !strings.Contains(string(got.body), test.names) {
			t.Errorf("%s: %s does not name %q", test.body, got.body, test.names)
		}
	}
}

func TestAPollNeedsItsTimestamp(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	r := c.request(context.Background(), "GET", "chats/"+c.chat()+"/events", "")
	tenant("tenant.example.com")(r)
	got, err := c.do(r)
	if err != nil {
		t.Fatal(err)
	}
	got.expect(t, 400, "")
}
