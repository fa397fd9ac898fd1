package main

import (
	"database/sql"
	"fmt"
	"os"
	"testing"
)

// book has a few chats of which the answers are known.
type book struct {
	*testing.T
	db   *sql.DB
	rows int
}

func newBook(t *testing.T) *book {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+t.TempDir()+"/book.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tables, err := os.ReadFile("tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(tables)); err != nil {
		t.Fatal(err)
	}
	return &book{T: t, db: db}
}

// enter writes one event of a chat down.
func (b *book) enter(chat, kind string, sequence int, at, data string) {
	b.Helper()
	b.rows++
	_, err := b.db.Exec(`INSERT INTO events (source, id, type, chat, sequence, at, data) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		chat, b.rows, "com.brightpattern.chat."+kind+".v1", chat, sequence, at, data)
	if err != nil {
		b.Fatal(err)
	}
}

func (b *book) answers(question string, want ...string) {
	b.Helper()
	rows, err := b.db.Query(question)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	got := []string{}
	for rows.Next() {
		var one, other string
		if err := rows.Scan(&one, &other); err != nil {
			b.Fatal(err)
		}
		got = append(got, one+" "+other)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		b.Errorf("%s: %v, want %v", question, got, want)
	}
}

const (
	robotJoined = `{"partyId":"robot","partyType":"scenario"}`
	aliceJoined = `{"partyId":"alice","partyType":"internal"}`
	robotSays   = `{"partyId":"robot"}`
	aliceSays   = `{"partyId":"alice"}`
)

// chat has a robot that speaks at once, and Alice who speaks at two times.
func (b *book) chat(name, hour string, seconds ...string) {
	b.Helper()
	at := func(s string) string { return "2026-11-26T" + hour + ":59:" + s + "Z" }
	b.enter(name, "session.opened", 1, at("00.000"), `{}`)
	b.enter(name, "event.party_joined", 2, at("00.100"), robotJoined)
	b.enter(name, "event.party_joined", 3, at("00.200"), aliceJoined)
	b.enter(name, "event.message", 4, at("00.300"), robotSays)
	for i, s := range seconds {
		b.enter(name, "event.message", 5+i, at(s), aliceSays)
	}
}

// A robot's message is no response; a later message of an agent is not the first;
// and a chat that is opened again counts once.
func TestQuestions(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.answers(`SELECT * FROM median_first_response WHERE seconds IS NOT NULL`)
	b.chat("a", "01", "04.500", "30.000")
	b.chat("b", "01", "02.25", "40.000")
	b.chat("unanswered", "02")
	b.answers(`SELECT * FROM median_first_response`, "3.375 2")
	b.chat("c", "02", "50.000")
	b.answers(`SELECT * FROM median_first_response`, "4.5 3")
	b.enter("c", "session.opened", 6, "2026-11-26T03:00:00Z", `{}`)
	b.answers(`SELECT * FROM chats_per_hour`, "2026-11-26T01:00Z 2", "2026-11-26T02:00Z 2")
	b.answers(`SELECT * FROM holes`)
	b.enter("c", "session.closed", 9, "2026-11-26T03:00:00Z", `{}`)
	b.answers(`SELECT * FROM holes`, "c 2")
}
