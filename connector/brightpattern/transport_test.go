package brightpattern

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// three makes a poll, a POST and a plain GET, and expects each to fail for the
// same reason.
func three(t *testing.T, client *Client, reason Reason, polled, posted Effect) {
	t.Helper()
	ctx := overall(t)
	var poll, post, get error
	var calls sync.WaitGroup
	calls.Go(func() { _, poll = client.Poll(ctx, caller, theChat) })
	calls.Go(func() { _, post = client.Send(ctx, caller, theChat, Typing{}) })
	calls.Go(func() { _, get = client.History(ctx, caller, theChat) })
	calls.Wait()
	expect(t, poll, reason, polled)
	expect(t, post, reason, posted)
	expect(t, get, reason, EffectNone)
}

func TestConnectionCut(t *testing.T) {
	cases := map[string]string{
		"before the answer":     "",
		"in the status line":    "HTTP/1.1 2",
		"in the head":           "HTTP/1.1 200 OK\r\nContent-Le",
		"before the body":       "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n",
		"in the body":           "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"events\"",
		"in a chunk":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{\"events\"",
		"before the last chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{\"events\":[]}\r\n",
		"no HTTP at all":        "SSH-2.0-OpenSSH_9.6\r\n",
	}
	for name, answer := range cases {
		t.Run(name, func(t *testing.T) {
			server := rawServer(t, func(int) (string, bool) { return answer, true })
			three(t, clientOf(t, Config{BaseURL: server.url()}), ReasonCut, EffectUnknown, EffectUnknown)
		})
	}
}

// An error answer is known by its status, even if its body breaks off.
func TestErrorBodyCut(t *testing.T) {
	server := rawServer(t, func(int) (string, bool) {
		return "HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n{\"error_code\":", true
	})
	three(t, clientOf(t, Config{BaseURL: server.url()}), ReasonRefused, EffectNone, EffectNone)
}

// What stands around the pieces of an answer may be longer than anybody needs.
func TestAnswerInChunksWithMuchAroundThem(t *testing.T) {
	long := strings.Repeat("x", 700)
	server := rawServer(t, func(int) (string, bool) {
		return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd;a=" + long + "\r\n{\"events\":[]}\r\n0\r\nX-More: " + long + "\r\n\r\n", true
	})
	if events, err := clientOf(t, Config{BaseURL: server.url()}).Poll(overall(t), caller, theChat); err != nil || len(events) != 0 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// The transport would repeat all GETs here. Of the poll that must not be: its
// first request may have been answered.
func TestPollIsNotRepeatedSilently(t *testing.T) {
	server := rawServer(t, func(n int) (string, bool) {
		if n == 1 {
			return "", true
		}
		return noEvents, false
	})
	client := clientOf(t, Config{BaseURL: server.url()})
	ctx := overall(t)
	if _, err := client.Poll(ctx, caller, theChat); err != nil {
		t.Fatal(err)
	}
	_, err := client.Poll(ctx, caller, theChat)
	expect(t, err, ReasonCut, EffectUnknown)
	client.Close()
	if requests := server.finish(); len(requests) != 2 {
		t.Errorf("requests: %q", requests)
	}
}

// The same where another idle connection waits, which the second try would get
// at once. How far it then comes is a race: hence the rounds.
func TestPollIsNotRepeatedOnAnotherIdleConnection(t *testing.T) {
	for range 30 {
		pollWithTwoIdleConnections(t)
	}
}

func pollWithTwoIdleConnections(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	server := rawServer(t, func(n int) (string, bool) {
		if n >= 2 {
			return "", true
		}
		both.Done()
		both.Wait() // so that there are two connections
		return noEvents, false
	})
	client := clientOf(t, Config{BaseURL: server.url()})
	ctx := overall(t)
	var polls sync.WaitGroup
	for range 2 {
		polls.Go(func() {
			if _, err := client.Poll(ctx, caller, theChat); err != nil {
				t.Error(err)
			}
		})
	}
	polls.Wait()
	_, err := client.Poll(ctx, caller, theChat)
	if expect(t, err, ReasonCut, EffectUnknown); !errors.Is(err, errRepeated) {
		t.Error(err)
	}
	client.Close()
	if requests := server.finish(); len(requests) != 3 {
		t.Errorf("requests: %q", requests)
	}
}

// The race above seldom comes so far that a connection is at hand: then it must
// be useless before the transport can write to it.
func TestSecondConnectionIsClosed(t *testing.T) {
	x := newExchange(overall(t), &call{kind: poll}, time.Hour)
	defer x.end()
	mine, theirs := net.Pipe()
	defer mine.Close()
	defer theirs.Close()
	x.headOut.Store(true)
	x.nextTry()
	x.gotConn(httptrace.GotConnInfo{Conn: mine, Reused: true})
	_ = mine.SetWriteDeadline(time.Now()) // nobody reads what would be written
	if _, err := mine.Write([]byte("GET")); !errors.Is(err, io.ErrClosedPipe) || x.ctx.Err() == nil {
		t.Errorf("the connection is open (%v), or the exchange goes on", err)
	}
}

func TestPostIsNotRepeatedSilently(t *testing.T) {
	server := rawServer(t, func(n int) (string, bool) {
		if n == 1 {
			return "", true
		}
		return noEvents, false
	})
	client := clientOf(t, Config{BaseURL: server.url()})
	ctx := overall(t)
	if _, err := client.Send(ctx, caller, theChat, Typing{}); err != nil {
		t.Fatal(err)
	}
	_, err := client.Send(ctx, caller, theChat, Typing{})
	expect(t, err, ReasonCut, EffectUnknown)
	if requests := server.close(); len(requests) != 2 {
		t.Errorf("requests: %q", requests)
	}
}

// Reading twice does no harm: there the transport's repetition is welcome.
func TestHistoryMayBeRepeated(t *testing.T) {
	server := rawServer(t, func(n int) (string, bool) { return noEvents, n == 1 })
	client := clientOf(t, Config{BaseURL: server.url()})
	for range 3 {
		if _, err := client.History(overall(t), caller, theChat); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	client := clientOf(t, Config{BaseURL: "http://" + listener.Addr().String()})
	three(t, client, ReasonUnreachable, EffectNone, EffectNone)
}

func TestUntrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(answering(200, "{}"))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	three(t, clientOf(t, Config{BaseURL: server.URL}), ReasonUnreachable, EffectNone, EffectNone)

	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := clientOf(t, Config{BaseURL: server.URL, TLS: &tls.Config{RootCAs: roots}})
	if _, err := client.Poll(overall(t), caller, theChat); err != nil {
		t.Error(err)
	}
}

// A handshake that never comes: the request did not go out, whatever the clock says.
func TestSilentHandshake(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	base := "https://" + listener.Addr().String()
	client := clientOf(t, Config{BaseURL: base, Timeout: 20 * time.Millisecond, PollTimeout: 20 * time.Millisecond})
	three(t, client, ReasonUnreachable, EffectNone, EffectNone)
}

// connectable is a time-out that is not over before there is a connection, on
// the busiest machine.
const connectable = 2 * time.Second

// until holds every request until its client is gone.
func until(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	server := start(t, until)
	client := clientOf(t, Config{BaseURL: server.URL, Timeout: connectable, PollTimeout: connectable})
	three(t, client, ReasonTimeout, EffectUnknown, EffectUnknown)
}

func TestTimeoutInTheBody(t *testing.T) {
	t.Parallel()
	server := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"events":[`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	client := clientOf(t, Config{BaseURL: server.URL, Timeout: connectable, PollTimeout: connectable})
	three(t, client, ReasonTimeout, EffectUnknown, EffectUnknown)
}

func TestCallersDeadline(t *testing.T) {
	t.Parallel()
	client := serve(t, until)
	ctx, cancel := context.WithTimeout(context.Background(), connectable)
	defer cancel()
	_, err := client.Poll(ctx, caller, theChat)
	expect(t, err, ReasonTimeout, EffectUnknown)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	_, err = client.Poll(ctx, caller, theChat)
	expect(t, err, ReasonTimeout, EffectNone)
}

func TestCanceled(t *testing.T) {
	held := make(chan struct{})
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(held)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := context.AfterFunc(overall(t), cancel)
	defer stop()
	go func() { <-held; cancel() }()
	_, err := client.Poll(ctx, caller, theChat)
	expect(t, err, ReasonCanceled, EffectUnknown)
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	_, err = client.Send(ctx, caller, theChat, Typing{})
	expect(t, err, ReasonCanceled, EffectNone)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := start(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirection was followed") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, status)
		})
		_, err := client.Send(overall(t), caller, theChat, Typing{})
		if e := expect(t, err, ReasonRefused, EffectNone); e.Status != status {
			t.Errorf("status %d, want %d", e.Status, status)
		}
		_, err = client.Poll(overall(t), caller, theChat)
		expect(t, err, ReasonRefused, EffectNone)
	}
}

func TestUnreadable(t *testing.T) {
	bodies := map[string]string{
		"html":              "<html><body>Sign in</body></html>",
		"text":              "OK",
		"broken off":        `{"events":[{"event":"chat_session_message"`,
		"an array":          `[{"event":"chat_session_ended"}]`,
		"a string":          `"events"`,
		"events not a list": `{"events":{"event":"chat_session_ended"}}`,
		"two documents":     `{"events":[]}{"events":[]}`,
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			three(t, serve(t, answering(200, body)), ReasonUnreadable, EffectUnknown, EffectUnknown)
		})
	}
}

func TestOversizeWithoutLength(t *testing.T) {
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for range 17 {
			_, _ = w.Write(chunk)
			_ = http.NewResponseController(w).Flush()
		}
	})
	_, err := client.Poll(overall(t), caller, theChat)
	expect(t, err, ReasonUnreadable, EffectUnknown)
}

// A body that is announced as too large is not waited for.
func TestOversizeIsKnownFromTheHead(t *testing.T) {
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", strconv.Itoa(eventsBody+1))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	three(t, client, ReasonUnreadable, EffectUnknown, EffectUnknown)
}

func TestConnectionsAreReused(t *testing.T) {
	server := rawServer(t, func(n int) (string, bool) { return noEvents, false })
	client := clientOf(t, Config{BaseURL: server.url()})
	for range 5 {
		if _, err := client.Poll(overall(t), caller, theChat); err != nil {
			t.Fatal(err)
		}
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.conns) != 1 {
		t.Errorf("%d connections for 5 polls in a row", len(server.conns))
	}
}
