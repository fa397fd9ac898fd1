package natstest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	"cc-connector/schema"
)

// Hand speaks NATS's protocol without a client: what no client would write, a
// server takes.
type Hand struct {
	testing.TB
	conn  net.Conn
	lines *bufio.Reader
}

// ByHand signs in to a server; the user may be "".
func ByHand(t testing.TB, address, user, password string) *Hand {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	h := &Hand{t, conn, bufio.NewReader(conn)}
	if _, err := h.lines.ReadString('\n'); err != nil { // INFO
		t.Fatal(err)
	}
	options := map[string]any{"verbose": false, "pedantic": false, "headers": true, "lang": "hand", "version": "1", "protocol": 1}
	if user != "" {
		options["user"], options["pass"] = user, password
	}
	connect, err := schema.JSON(options)
	if err != nil {
		t.Fatal(err)
	}
	h.write("CONNECT " + string(connect) + "\r\n")
	h.Flush()
	return h
}

// ByHand is another connection, without a client.
func (r *Rig) ByHand() *Hand { return ByHand(r, r.Server.Addr().String(), "", "") }

func (h *Hand) write(text string) {
	h.Helper()
	if _, err := h.conn.Write([]byte(text)); err != nil {
		h.Fatal(err)
	}
}

// Publish sends a message whose block of headers is anything.
func (h *Hand) Publish(subject, headers, data string) {
	h.Helper()
	h.write(fmt.Sprintf("HPUB %s %d %d\r\n%s%s\r\n", subject, len(headers), len(headers)+len(data), headers, data))
}

// Flush returns when the server has taken everything.
func (h *Hand) Flush() {
	h.Helper()
	h.write("PING\r\n")
	for {
		line, err := h.lines.ReadString('\n')
		switch {
		case err != nil:
			h.Fatal(err)
		case strings.HasPrefix(line, "-ERR"):
			h.Fatalf("the server says %s", line)
		case strings.HasPrefix(line, "PONG"):
			return
		}
	}
}

// NoMessages are blocks of headers that a client takes for the server's word,
// if no data follow, or cannot read at all.
func NoMessages() (statuses, unreadable []string) {
	for _, status := range []string{
		"100 Idle Heartbeat", "100 FlowControl Request", "100", "400 Bad Request", "404 No Messages", "404 Message Not Found", "408 Request Timeout", "408 Interest Expired",
		"409 Consumer Deleted", "409 Leadership Change", "409 Server Shutdown", "409 Batch Completed", "409 Message Size Exceeds MaxBytes", "409 Consumer is push based",
		"409 Exceeded MaxWaiting", "409", "412 Required Api Level", "423 Nats-Pin-Id mismatch", "423", "503 No Responders", "503", "999 what", "abc",
	} { // in the first line a stream would not keep it
		code, description, _ := strings.Cut(status, " ")
		statuses = append(statuses, fmt.Sprintf("NATS/1.0\r\nStatus: %s\r\nDescription: %s\r\n"+
			"Nats-Pin-Id: x\r\nNats-Sequence: 1\r\nNats-Stream: ANOTHER\r\nNats-Subject: another\r\nNats-Consumer-Stalled: another\r\n\r\n", code, description))
	}
	return statuses, []string{
		"NATS/1.0\r\nno colon\r\n\r\n", "NATS/1.0\r\nX: y\r\nno colon\r\n\r\n", "NATS/1.0\r\nX: no end\r\n",
		"NATS/1.0\r\n", "NATS/2.0\r\n\r\n", "\r\n\r\n", "x", "NATS/1.0\r\nStatus 404\r\n\r\n",
	}
}
