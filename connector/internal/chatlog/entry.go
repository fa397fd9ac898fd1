package chatlog

import (
	"encoding/binary"
	"encoding/hex"

	"cc-connector/connector/internal/translate"
)

// The entries of the journal, as they are written.

// entry of the journal: an event, or that a poll has given one away.
type entry struct {
	translate.Likeness
	untaken bool

	isTaken bool
	taken   int // where the event stands that a poll has given away
}

// An entry begins with a byte that says what is in it.
const (
	hasIdentity    = 1 << iota // after the fingerprint: its length in a byte, and the identity
	hasText                    // the fingerprint is a text: its length in a byte, and the text; else 16 bytes
	isUntakenEntry             // a history told it before a poll did
	isTakenEntry               // nothing but where the event stands, as a varint
)

func (e entry) appendTo(journal []byte) []byte {
	if e.isTaken {
		return binary.AppendUvarint(append(journal, isTakenEntry), uint64(e.taken))
	}
	raw, isRaw := rawOf(e.Fingerprint)
	journal = append(journal, e.kind(isRaw))
	if isRaw {
		journal = append(journal, raw...)
	} else {
		journal = append(append(journal, byte(len(e.Fingerprint))), e.Fingerprint...)
	}
	if e.Identity != "" {
		journal = append(append(journal, byte(len(e.Identity))), e.Identity...)
	}
	return journal
}

func (e entry) kind(isRaw bool) (kind byte) {
	if e.Identity != "" {
		kind |= hasIdentity
	}
	if !isRaw {
		kind |= hasText
	}
	if e.untaken {
		kind |= isUntakenEntry
	}
	return kind
}

// readEntry returns the length of the entry that a journal begins with, 0 if
// it begins with none.
func readEntry(journal []byte) (e entry, length int) {
	if len(journal) == 0 {
		return entry{}, 0
	}
	kind, r := journal[0], reader{rest: journal[1:]}
	if kind == isTakenEntry {
		e.isTaken, e.taken = true, r.uvarint()
	} else {
		if e.untaken = kind&isUntakenEntry != 0; kind&hasText != 0 {
			e.Fingerprint = translate.Fingerprint(r.take(r.byte()))
		} else {
			e.Fingerprint = translate.Fingerprint(hex.EncodeToString(r.take(len(fingerprintKey{}))))
		}
		if kind&hasIdentity != 0 {
			e.Identity = translate.Identity(r.take(r.byte()))
		}
	}
	if r.short || kind > isTakenEntry || kind&isTakenEntry != 0 && kind != isTakenEntry {
		return entry{}, 0
	}
	return e, len(journal) - len(r.rest)
}

// reader takes bytes off a text, as long as there are any.
type reader struct {
	rest  []byte
	short bool // there were too few
}

func (r *reader) take(length int) []byte {
	if r.short = r.short || length > len(r.rest); r.short {
		return nil
	}
	taken := r.rest[:length]
	r.rest = r.rest[length:]
	return taken
}

func (r *reader) byte() int {
	if taken := r.take(1); taken != nil {
		return int(taken[0])
	}
	return 0
}

func (r *reader) uvarint() int {
	value, length := binary.Uvarint(r.rest)
	if r.short = r.short || length <= 0 || value > 1<<40; r.short {
		return 0
	}
	r.take(length)
	return int(value)
}

// CutJournal is the beginning of a journal that has at most so many bytes, or
// its first entry; no entry is cut.
func CutJournal(journal []byte, most int) []byte {
	end := 0
	for end < len(journal) {
		_, length := readEntry(journal[end:])
		if length == 0 || end > 0 && end+length > most {
			break
		}
		end += length
	}
	return journal[:end]
}

// fingerprintKey is a fingerprint in half its size.
type fingerprintKey [16]byte

func keyOf(f translate.Fingerprint) (key fingerprintKey) {
	if raw, ok := rawOf(f); ok {
		return fingerprintKey(raw)
	}
	copy(key[:], translate.ID("fingerprint", string(bounded(f))))
	return key
}

// rawOf is how every fingerprint is that a connector has made.
func rawOf(f translate.Fingerprint) (raw []byte, ok bool) {
	raw, err := hex.DecodeString(string(f))
	return raw, err == nil && len(raw) == len(fingerprintKey{}) && hex.EncodeToString(raw) == string(f)
}

// bounded makes one of any text: it may have been imported.
func bounded(f translate.Fingerprint) translate.Fingerprint {
	const longest = 64
	if len(f) > longest {
		return translate.Fingerprint(translate.ID("fingerprint", string(f)))
	}
	return f
}
