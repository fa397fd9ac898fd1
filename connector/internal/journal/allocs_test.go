package journal

import (
	"testing"

	"cc-connector/connector/internal/allocs"
	"cc-connector/schema"
)

func BenchmarkAllocs(b *testing.B) { allocs.Bench(b, records(b)) }

func TestAllocs(t *testing.T) { allocs.Check(t, records(t)) }

func records(t testing.TB) []allocs.Operation {
	begun := goldenRecords[0]
	done := begun
	done.Done = &Outcome{At: begun.FirstSeen, ChatID: sent.ChatID, App: "app-1", Result: []byte(`{"messageId":"chat:ü/1:7"}`), Request: []byte(`{"chatId":"chat:ü/1","text":"hello there"}`), From: 9}
	write := func(r *Record) []byte {
		data, err := schema.JSON(r)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	stored := write(&done)
	return []allocs.Operation{
		{Name: "write a record that is begun", Most: 4, Raced: 10, Run: func() { write(&begun) }},
		{Name: "write a record that is done", Most: 5, Raced: 13, Run: func() { write(&done) }},
		{Name: "read a record", Most: 24, Raced: 26, Run: func() {
			if _, err := read("key", stored, 1); err != nil {
				t.Fatal(err)
			}
		}},
	}
}
