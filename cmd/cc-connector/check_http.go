package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"cc-connector/connector/check"
)

const (
	machineHTTPAddr  check.ID = "machine.http_addr"
	connectorReady   check.ID = "connector.ready"
	connectorProblem check.ID = "connector.problem"
)

// addressFindings says whether CC_HTTP_ADDR is free, or who answers there.
func addressFindings(ctx context.Context, addr string) []check.Finding {
	f := check.Finding{ID: machineHTTPAddr, Status: check.OK, About: addr}
	if addr == "" {
		f.Says = "nothing is served by HTTP: CC_HTTP_ADDR is off"
		return []check.Finding{f}
	}
	listener, err := net.Listen("tcp", addr)
	switch {
	case err == nil:
		_ = listener.Close()
		f.Says = "CC_HTTP_ADDR (" + addr + ") is free: no connector runs there"
		return []check.Finding{f}
	case errors.Is(err, syscall.EADDRINUSE):
		return whoAnswers(ctx, f)
	}
	f.Status, f.Says = check.Wrong, fmt.Sprintf("nothing can be served at CC_HTTP_ADDR: %v", err)
	f.Do = "choose an address of this machine, and a port that this user may listen at"
	return []check.Finding{f}
}

// whoAnswers asks whoever listens at the address.
func whoAnswers(ctx context.Context, f check.Finding) []check.Finding {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	asked, err := askedAddr(f.About)
	var said readinessAnswer
	is := false
	if err == nil {
		said, is = askReadiness(ctx, "http://"+asked+"/readyz")
	}
	if !is {
		f.Status, f.Says, f.Do = check.Wrong, "another program listens at CC_HTTP_ADDR ("+f.About+")", "end it, or choose another address"
		return []check.Finding{f}
	}
	f.Says = "a connector answers at CC_HTTP_ADDR (" + f.About + ")"
	return append([]check.Finding{f}, said.findings()...)
}

func askReadiness(ctx context.Context, url string) (said readinessAnswer, is bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return said, false
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // whatever proxy the environment names
	answer, err := client.Do(request)
	if err != nil {
		return said, false
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, readinessMost))
	if err != nil {
		return said, false
	}
	return readReadiness(answer.StatusCode, answer.Header.Get("Content-Type"), body)
}

const readinessMost = 64 << 10

// readinessAnswer is what a connector says of itself at /readyz.
type readinessAnswer struct {
	Status   string             `json:"status"`
	Version  string             `json:"version"`
	Problems []readinessProblem `json:"problems"`
}

type readinessProblem struct {
	Part    string `json:"part"`
	Name    string `json:"name"`
	Message string `json:"message"`
}

// readReadiness reads an answer; is tells whether a connector gave it. Earlier
// versions say "ok", or in one text what does not work.
func readReadiness(status int, kind string, body []byte) (said readinessAnswer, is bool) {
	if json.Unmarshal(body, &said) == nil {
		return said, said.Status == "ready" || said.Status == "not_ready"
	}
	text := strings.TrimSpace(string(body))
	switch {
	case status == http.StatusOK && text == "ok":
		return readinessAnswer{Status: "ready"}, true
	case status == http.StatusServiceUnavailable && strings.HasPrefix(kind, "text/plain"):
		return readinessAnswer{Status: "not_ready", Problems: []readinessProblem{{Message: strings.ToValidUTF8(text, "?")}}}, true
	}
	return readinessAnswer{}, false
}

// findings are the connector's own words.
func (a readinessAnswer) findings() (found []check.Finding) {
	for _, p := range a.Problems {
		about := strings.TrimSpace(p.Part + " " + p.Name)
		found = append(found, check.Finding{ID: connectorProblem, Status: check.Wrong, About: about,
			Says: "the connector is not ready: " + cmp.Or(p.Message, about), Do: "see what it says, and its log"})
	}
	switch {
	case a.Status == "ready":
		return append(found, check.Finding{ID: connectorReady, Status: check.OK, Says: "the connector is ready" + a.called()})
	case found == nil:
		return []check.Finding{{ID: connectorReady, Status: check.Wrong, Says: "the connector is not ready" + a.called(), Do: "see its log"}}
	}
	return found
}

func (a readinessAnswer) called() string {
	if a.Version == "" {
		return ""
	}
	return " (version " + a.Version + ")"
}
