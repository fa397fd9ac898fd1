package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/admin"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/subjects"
)

// tells runs a command in this process; its exit code, and what it prints.
func tells(args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = execute(args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// What an operator types is done by the connector's own user, on a running connector.
func TestAdministering(t *testing.T) {
	const prefix = subjects.Prefix("acme.eu")
	sim := bpsim.New(bpsim.Options{Hold: time.Second})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.Close() })
	natsServer, js := usersBus(t, prefix)
	env := signInEnv(t, prefix)
	env["CC_NATS_URL"], env["CC_SUBJECT_PREFIX"], env["CC_BASE_URL"], env["CC_TENANT_URL"] = natsServer.ClientURL(), string(prefix), web.URL, "acme.example"
	setEnv(t, env)
	if code, _, errs := tells("chats"); code != exitFailed || !strings.Contains(errs, "ACME_EU_EVENTS") {
		t.Errorf("without streams: %d, %s", code, errs)
	}
	env["CC_APP_ID"], env["CC_HTTP_ADDR"], env["CC_COMMAND_MAX_AGE"] = "app", "127.0.0.1:0", "1s"
	p := start(t, env)
	p.waitReady(t, http.StatusOK)

	chat := openedChat(t, js.Conn())
	var listed admin.Chats
	if err := json.Unmarshal([]byte(outputOf(t, "chats", "--json")), &listed); err != nil || listed.Version != 1 || len(listed.Chats) != 1 || listed.Chats[0].ChatID != chat || listed.Chats[0].State != admin.Held {
		t.Errorf("listed are %+v, %v", listed, err)
	}
	for _, args := range [][]string{{"chats"}, {"chats", "--chat", chat}} {
		if out := outputOf(t, args...); !strings.Contains(out, chat) || !strings.Contains(out, "held") || strings.Contains(out, planted) {
			t.Errorf("%q prints %s", args, out)
		}
	}
	if out := outputOf(t, "chats"); !strings.Contains(out, "1 open, 0 waiting, 0 unknown; 1 replica\n") {
		t.Errorf("chats prints %s", out)
	}
	seeToDeadLetters(t, sim, js.Conn(), chat)
	purgeByCommand(t, chat)
	checkPermitted(t, p.stderr.String())
}

func openedChat(t *testing.T, nc *nats.Conn) string {
	t.Helper()
	reply, err := nc.Request("acme.eu.chat.request", []byte(`{"from":"`+planted+`"}`), patience)
	if err != nil {
		t.Fatal(err)
	}
	var result struct{ Result struct{ ChatID string } }
	if err := json.Unmarshal(reply.Data, &result); err != nil || result.Result.ChatID == "" {
		t.Fatalf("the reply is %s, %v", reply.Data, err)
	}
	return result.Result.ChatID
}

// seeToDeadLetters has a command given up, looks at it, and has it run.
func seeToDeadLetters(t *testing.T, sim *bpsim.Server, nc *nats.Conn, chat string) {
	t.Helper()
	if _, err := sim.Inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 503}); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Request("acme.eu.durable.chat.send."+chat, []byte(`{"text":"`+planted+`"}`), patience); err != nil {
		t.Fatal(err)
	}
	var listed admin.Letters
	await(t, "the command is given up", func() bool {
		err := json.Unmarshal([]byte(outputOf(t, "dead", "--json", "--command", "chat.send")), &listed)
		return err == nil && len(listed.Letters) == 1
	})
	sim.ClearFaults()
	sequence := fmt.Sprint(listed.Letters[0].Sequence)
	for args, want := range map[string]string{
		"dead": "\n1 dead letter\n", "dead list --older 1h": "0 dead letters", "dead show " + sequence: "string, 16 bytes", "dead show " + sequence + " --json": `"bytes"`,
	} {
		if out := outputOf(t, strings.Fields(args)...); !strings.Contains(out, want) || strings.Contains(out, planted) {
			t.Errorf("%s prints %s", args, out)
		}
	}
	if out := outputOf(t, "dead", "show", sequence, "--data"); !strings.Contains(out, planted) {
		t.Errorf("with --data it prints %s", out)
	}
	if out := outputOf(t, "dead", "put-back", "--all", "--yes", "--chat", chat); !strings.Contains(out, "is put back") {
		t.Errorf("put-back prints %s", out)
	}
	if code, out, errs := tells("dead", "put-back", sequence, "--yes"); code != exitFailed || !strings.Contains(out, "no dead letter") || !strings.Contains(errs, "not all") {
		t.Errorf("once more: %d, %s%s", code, out, errs)
	}
	if out := outputOf(t, "dead", "delete", "--all", "--yes", "--json"); !strings.Contains(out, `"deleted": []`) {
		t.Errorf("delete prints %s", out)
	}
}

func purgeByCommand(t *testing.T, chat string) {
	t.Helper()
	if code, out, errs := tells("purge", "--chat", chat, "--yes"); code != exitFailed || out != "" || !strings.Contains(errs, "--detach") {
		t.Errorf("an open chat: %d, %s%s", code, out, errs)
	}
	if out := outputOf(t, "purge", "--chat", chat, "--detach", "--yes"); !strings.Contains(out, "session messages removed") || !strings.Contains(out, "contact center keeps its own copy") {
		t.Errorf("purge prints %s", out)
	}
	var report admin.Purged
	if err := json.Unmarshal([]byte(outputOf(t, "purge", "--chat", chat, "--json", "--yes")), &report); err != nil || report.Version != 1 || report.ChatID != chat || len(report.Removed) > 0 {
		t.Errorf("once more: %+v, %v", report, err)
	}
	if code, _, errs := tells("chats", "--chat", chat); code != exitFailed || !strings.Contains(errs, "does not know") {
		t.Errorf("a purged chat: %d, %s", code, errs)
	}
}

// What was done is told also where a purge comes to an error.
func TestPurgeIsTold(t *testing.T) {
	interrupted := errors.New("interrupted")
	for name, c := range map[string]struct {
		report          admin.Purged
		err, want       error
		printed, absent string
	}{
		"nothing was done":    {admin.Purged{}, interrupted, interrupted, "", "removed"},
		"detached":            {admin.Purged{Detached: true}, interrupted, interrupted, "is detached", "Nothing is kept"},
		"nothing was removed": {admin.Purged{Failed: []string{"its entry"}, Notes: []string{"a note"}}, interrupted, interrupted, "NOT REMOVED: its entry\n- a note", "Nothing is kept"},
		"not all was removed": {admin.Purged{Failed: []string{"its entry"}}, nil, errIncomplete, "its entry", "Nothing is kept"},
		"nothing was there":   {admin.Purged{}, nil, nil, "Nothing is kept", "detached"},
		"it was broken off":   {admin.Purged{Removed: []admin.Removed{{From: "CC_EVENTS", What: "events", Count: 3}}}, interrupted, interrupted, "3 events removed", "Nothing is kept"},
	} {
		var out, raw bytes.Buffer
		if err := tellPurged(&out, c.report, c.err, false); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: it comes to %v", name, err)
		}
		if !strings.Contains(out.String(), c.printed) || strings.Contains(out.String(), c.absent) || (out.Len() == 0) != (c.printed == "") {
			t.Errorf("%s: it prints %s", name, out.String())
		}
		if err := tellPurged(&raw, c.report, c.err, true); !errors.Is(err, c.want) || json.Valid(raw.Bytes()) != (c.printed != "") {
			t.Errorf("%s: as JSON it prints %s, %v", name, raw.String(), err)
		}
	}
}

// What makes no sense is refused before anything is done, and named.
func TestMisusedAdministering(t *testing.T) {
	setEnv(t, nil)
	for args, want := range map[string]string{
		"purge": "--chat", "purge x": "no argument", "chats x": "no argument", "dead walk": "list, show, put-back and delete", "dead show": "one dead letter",
		"dead show 1 2": "one dead letter", "dead show 0": "from 1 on", "dead show one": "from 1 on", "dead put-back": "sequences or --all", "dead delete 1 --all": "sequences or --all",
		"dead delete 1 --code x": "--all", "dead list 1": "no sequence", "dead --data": "--data goes with show", "dead --older -1s": "more than 0", "dead list --what": "--what",
	} {
		code, out, errs := tells(strings.Fields(args)...)
		if code != exitBadConfig || out != "" || !strings.Contains(strings.ReplaceAll(errs, "-what", "--what"), want) {
			t.Errorf("%s: %d, %s%s", args, code, out, errs)
		}
	}
	if code, _, errs := tells("chats"); code != exitBadConfig || !strings.Contains(errs, "CC_BASE_URL") {
		t.Errorf("without settings: %d, %s", code, errs)
	}
}
