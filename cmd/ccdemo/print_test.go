package main

import (
	"strings"
	"testing"
	"unicode"

	"github.com/cloudevents/sdk-go/v2/event"

	"cc-connector/subjects"
)

// What strangers write moves no cursor and turns no line around, nor does the name of
// a field, nor what is no JSON.
func TestTerminalObeysNobody(t *testing.T) {
	hostile := "a\u009b31m\u007f\u202eb\u2066\u200b\u0085"
	for _, data := range []string{`{"text":"` + hostile + `"}`, `{"` + hostile + `":1}`, `["` + hostile + `"]`} {
		ce := event.New()
		ce.SetID("1")
		ce.DataEncoded = []byte(data)
		var out strings.Builder
		newPrinter(&out, subjects.DefaultPrefix).event("cc.chat.x.event.message", ce)
		line := strings.TrimSuffix(out.String(), "\n")
		if at := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); at >= 0 || !strings.Contains(line, `\u202e`) {
			t.Errorf("%q at %d", line, at)
		}
	}
}
