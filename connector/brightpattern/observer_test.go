package brightpattern_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
)

// Every observer learns of each call what it was, what it came to and how long it
// took, in the call's own context.
func TestObservers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = w.Write([]byte(`{"events":[]}`))
	}))
	defer server.Close()
	client, err := brightpattern.New(brightpattern.Config{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	type key struct{}
	var mu sync.Mutex
	var seen [2][]brightpattern.Observation
	for i := range seen {
		client.Observe(func(ctx context.Context, call brightpattern.Observation) {
			mu.Lock()
			defer mu.Unlock()
			if ctx.Value(key{}) != "the caller's" {
				t.Error("the context is another one")
			}
			seen[i] = append(seen[i], call)
		})
	}
	ctx, cred := context.WithValue(t.Context(), key{}, "the caller's"), brightpattern.Credentials{App: "app", Client: "client"}
	began := time.Now()
	if _, err := client.Poll(ctx, cred, "chat"); err != nil {
		t.Fatal(err)
	}
	file, err := client.File(ctx, cred, "chat", "file")
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Body.Close()
	refused := client.CloseCase(ctx, cred, "chat")
	all := time.Since(began)
	for _, calls := range seen {
		if len(calls) != 3 || !calls[0].IsPoll || calls[0].Method != "pollEvents" || calls[1].IsPoll || calls[1].Method != "getFile" || calls[2].Err != refused {
			t.Fatalf("an observer has seen %+v", calls)
		}
		for _, call := range calls {
			if call.Took <= 0 || call.Took > all || call.Credentials != cred {
				t.Errorf("%+v", call)
			}
		}
	}
	if kind := brightpattern.Kind(refused); kind != "refused" || brightpattern.Status(refused) != http.StatusTooManyRequests {
		t.Errorf("it came to %s", kind)
	}
	if kind := brightpattern.Kind(nil); kind != "ok" {
		t.Errorf("no error came to %s", kind)
	}
}
