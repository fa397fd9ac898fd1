package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	goldenTime   = NewTime(time.Date(2026, 3, 2, 20, 59, 8, 250e6, time.UTC))
	goldenHeader = EventHeader{ChatID: "K1x", Timestamp: goldenTime, Raw: json.RawMessage(`{"event":"…","timestamp":"1772485148","zoom":1.50,"a":"<b>"}`)}
)

// golden holds payloads as other programs see them; a change here is a change for them.
var golden = map[string]any{
	"event.status":              &Status{goldenHeader, "queued", new(float64)},
	"event.case_set":            &CaseSet{goldenHeader, new(string)},
	"event.party_joined":        &PartyJoined{goldenHeader, "p-1", "Ann", "Lee", "Ann L.", "internal"},
	"event.message":             &Message{goldenHeader, "3", "p-1", "a < b", "a &lt; b", "web"},
	"event.location":            &Location{goldenHeader, "4", "p-1", "https://maps.example.com/?q=1", ptr(-33.5), ptr(0.0)},
	"event.file":                &File{goldenHeader, "5", "p-1", "f-1", "cat.png", "image", "K1x/f-1", "image/png", ptr(int64(0)), "ab12", ""},
	"event.file.error":          &File{EventHeader: EventHeader{ChatID: "K1x"}, FileID: "f-2", Error: CodeFileNotFound},
	"event.signaling":           &Signaling{goldenHeader, "6", "p-1", json.RawMessage(`{"type":"END_CALL","reason_code":1}`)},
	"event.unknown":             &Unknown{EventHeader: goldenHeader},
	"session.opened":            &SessionOpened{"K1x", "r-1", "web", true, "queued"},
	"session.recovered":         &SessionRecovered{"K1x", 2, goldenTime, goldenTime},
	"session.gap":               &SessionGap{"K1x", goldenTime, goldenTime, GapSignaling},
	"session.closed":            &SessionClosed{"K1x", ClosedInactivityTimeout},
	"result.chat.send":          &Result{Command: "chat.send", ChatID: "K1x", Status: StatusOK, Result: json.RawMessage(`{"messageId":"K1x:0"}`)},
	"result.request":            &Result{"chat.send", "K1x", StatusOK, json.RawMessage(`{"chatId":"K1x","text":"a < b"}`), json.RawMessage(`{"messageId":"K1x:0"}`), nil},
	"result.error":              &Result{"chat.send", "K1x", StatusError, nil, nil, &Error{CodeNotFound, "the chat is gone", "5005", 404, false, OutcomeNotDone}},
	"result.error.unavailable":  &Result{"service.version", "", StatusError, nil, nil, &Error{Code: CodeUnavailable, Message: "no connection", Retryable: true, Outcome: OutcomeNotDone}},
	"result.chat.request":       &ChatRequestResult{"K1x", "queued", ptr(3.5), false, "+1", "c-1", "r-1"},
	"result.chat.request.event": &ChatRequestResult{ChatID: "K1x", State: "queued", IsNewChat: true, ClientRef: "r-1"},
	"result.chat.history":       &ChatHistoryResult{[]NamedEvent{{&Message{EventHeader: goldenHeader, Text: "a"}}, {&Unknown{EventHeader{ChatID: "K1x"}, "x_odd"}}}},
	"result.case.history":       &CaseHistoryResult{[]CaseSession{{"K1x", goldenTime, []NamedEvent{{&Ended{goldenHeader}}}}}},
	"command.chat.request":      &ChatRequest{From: "Ann", Parameters: map[string]string{"topic": "x"}, UserPlatform: json.RawMessage(`{"os":"iOS"}`)},
	"command.chat.file":         &ChatFile{ChatID: "K1x", Content: []byte("hello"), FileName: "a.txt", FileType: "attachment"},
	"chat":                      &Chat{"K1x", "r-1", "web", "app-1", "connected", ptr(0.0), "case-1", []Party{{"p-1", "Ann L.", "internal"}}, 12, 345, *goldenTime, goldenTime, ClosedEnded},
	"chat.opened":               &Chat{ChatID: "K1x", ClientRef: "r-1", App: "web", AppID: "app-1", State: "queued", Sequence: 1, OpenedAt: *goldenTime},
}

func ptr[T any](v T) *T { return &v }

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != len(golden) && !*update {
		t.Errorf("%d files for %d payloads, %v", len(files), len(golden), err)
	}
	for name, payload := range golden {
		file := filepath.Join("testdata", name+".json")
		got := pretty(t, payload)
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is now\n%s", file, got)
		}
		back := reflect.New(reflect.TypeOf(payload).Elem()).Interface()
		if err := json.Unmarshal(want, back); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if again := pretty(t, back); !bytes.Equal(again, want) {
			t.Errorf("%s came back as\n%s", name, again)
		}
	}
}

func pretty(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%T: %v", v, err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}
