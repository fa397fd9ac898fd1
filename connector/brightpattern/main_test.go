package brightpattern

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var caller = Credentials{App: "app-1", Client: "client-1"}

const theChat ChatID = "chat-1"

// overall keeps a test from hanging; nothing depends on its length.
func overall(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(func() {
		if ctx.Err() != nil {
			t.Error("the test ended by its overall deadline")
		}
		cancel()
	})
	return ctx
}

func clientOf(t *testing.T, config Config) *Client {
	t.Helper()
	client, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	return clientOf(t, Config{BaseURL: start(t, handler).URL})
}

func start(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func failure(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

func expect(t *testing.T, err error, reason Reason, effect Effect) *Error {
	t.Helper()
	e := failure(t, err)
	if e.Reason != reason || e.Effect != effect {
		t.Errorf("%v: got %s, effect %s; want %s, effect %s", err, e.Reason, e.Effect, reason, effect)
	}
	return e
}

// raw is a server below HTTP: it reads requests and answers bytes.
type raw struct {
	listener net.Listener
	wait     sync.WaitGroup

	mu       sync.Mutex
	requests []string
	conns    []net.Conn
}

// rawAnswer gets the number of the request, from 0, and returns what to write,
// and whether to close the connection then.
type rawAnswer func(n int) (answer string, closing bool)

func rawServer(t *testing.T, answer rawAnswer) *raw {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &raw{listener: listener}
	s.wait.Go(func() { s.accept(answer) })
	t.Cleanup(func() { s.close() })
	return s
}

func (s *raw) url() string { return "http://" + s.listener.Addr().String() }

func (s *raw) accept(answer rawAnswer) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		s.wait.Go(func() { s.talk(conn, answer) })
	}
}

func (s *raw) talk(conn net.Conn, answer rawAnswer) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		text, closing := answer(s.note(request))
		if _, err := io.WriteString(conn, text); err != nil || closing {
			return
		}
	}
}

func (s *raw) note(request *http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request.Method+" "+request.URL.Path)
	return len(s.requests) - 1
}

// finish waits until the client has closed its connections, so that whatever
// it wrote has been read, and returns the requests that came.
func (s *raw) finish() []string {
	_ = s.listener.Close()
	s.wait.Wait()
	return s.requests
}

// close ends all connections and returns the requests that came.
func (s *raw) close() []string {
	_ = s.listener.Close()
	s.mu.Lock()
	for _, conn := range s.conns {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.wait.Wait()
	return s.requests
}

const noEvents = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"events\":[]}"
