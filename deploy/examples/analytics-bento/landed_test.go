package main

import (
	"database/sql"
	"maps"
	"math"
	"path/filepath"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"cc-connector/schema"
)

// landed is Bento's database, as others read it.
type landed struct {
	*system
	db   *sql.DB
	file string
}

func (s *system) open() *landed {
	s.Helper()
	file := filepath.Join(s.TempDir(), "analytics.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	s.check(err)
	s.Cleanup(func() { _ = db.Close() })
	return &landed{s, db, file}
}

// awaitAll waits until the reader's consumer has nothing more to deliver.
func (l *landed) awaitAll() {
	l.Helper()
	l.eventually("everything is landed", func() bool {
		consumer, err := l.js.PushConsumer(l.Context(), "CC_EVENTS", l.reader)
		l.check(err)
		info := consumer.CachedInfo()
		return info.NumPending == 0 && info.NumAckPending == 0
	})
}

// row is what is landed of an event beside its identity.
type row struct {
	kind, chat string
	sequence   int64
	data       bool // it has its data with it
	dataRef    string
}

// rows are none while there is no table.
func (l *landed) rows() map[identity]row {
	l.Helper()
	found, err := l.db.Query(`SELECT source, id, type, coalesce(chat, ''), coalesce(sequence, 0),
		coalesce(json_type(data) = 'object', false), coalesce(dataref, '') FROM events`)
	if err != nil && strings.Contains(err.Error(), "no such table") {
		return nil
	}
	l.check(err)
	defer found.Close()
	all := map[identity]row{}
	for found.Next() {
		var key identity
		var r row
		l.check(found.Scan(&key.source, &key.id, &r.kind, &r.chat, &r.sequence, &r.data, &r.dataRef))
		if _, twice := all[key]; twice {
			l.Errorf("%v is landed twice", key)
		}
		all[key] = r
	}
	l.check(found.Err())
	return all
}

// compare holds the tables and the views against the stream.
func (l *landed) compare() {
	l.Helper()
	stored := l.stored()
	want, elsewhere := map[identity]row{}, 0
	for key, ce := range stored {
		want[key] = rowOf(ce)
		if want[key].dataRef != "" {
			elsewhere++
		}
	}
	if got := l.rows(); len(stored) < 100 || elsewhere == 0 || !maps.Equal(got, want) {
		l.Errorf("%d rows are landed of %d events, %d with data elsewhere, or they are not the same", len(got), len(want), elsewhere)
	}
	if holes := l.number(`SELECT count(*) FROM holes`); holes != 0 {
		l.Errorf("%v chats have holes", holes)
	}
	l.compareViews(l.analyse(stored))
}

func rowOf(ce event.Event) row {
	sequence, _ := schema.Sequence(ce) // a result has none
	dataRef := schema.Extension(ce, schema.AttrDataRef)
	return row{ce.Type(), ce.Subject(), int64(sequence), dataRef == "", dataRef}
}

func (l *landed) compareViews(want analysis) {
	l.Helper()
	if got := l.number(`SELECT seconds FROM median_first_response`); math.Abs(got-want.median()) > 0.0015 {
		l.Errorf("the median first response is %vs, want %vs of %v", got, want.median(), want.first)
	}
	if got := l.number(`SELECT chats FROM median_first_response`); int(got) != len(want.first) {
		l.Errorf("%v chats were responded to, want %d", got, len(want.first))
	}
	hours, err := l.db.Query(`SELECT hour, chats FROM chats_per_hour`)
	l.check(err)
	defer hours.Close()
	got := map[string]int{}
	for hours.Next() {
		var hour string
		var chats int
		l.check(hours.Scan(&hour, &chats))
		got[hour] = chats
	}
	if !maps.Equal(got, want.perHour) {
		l.Errorf("the chats per hour are %v, want %v", got, want.perHour)
	}
}

func (l *landed) number(query string) (n float64) {
	l.Helper()
	l.check(l.db.QueryRow(query).Scan(&n))
	return n
}
