package translate

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"cc-connector/connector/brightpattern"
)

// Identity is what one spelling of an event tells of the event: a hash of its
// name, one of what is beside the point, its time, and one of each field that
// makes it the one that it is, with the field's name. It is compact, and the
// same for the same spelling in every version of this program.
type Identity string

// Likeness is all by which an event is known again. The identity is missing
// where an earlier version has kept the fingerprint alone.
type Likeness struct {
	Fingerprint Fingerprint
	Identity    Identity
}

// LikenessOf is that of a wire event.
func LikenessOf(e brightpattern.Event) Likeness {
	return Likeness{FingerprintOf(e), IdentityOf(e)}
}

// IdentityOf tells what a wire event is.
func IdentityOf(e brightpattern.Event) Identity {
	t := traits{name: nameHash(e.Name), details: detailsOf(e), parts: partsOf(e)}
	if t.timed = !e.Time.IsZero(); t.timed {
		t.at = e.Time.UnixMilli()
	}
	return t.identity()
}

// traits is an identity taken apart.
type traits struct {
	name    uint32
	details uint32 // what may be spelt otherwise, and tells only which of several is the likeliest
	timed   bool
	at      int64 // milliseconds since the epoch
	parts   []part
}

// part is a field and its value, both hashed, in one number: so they can be sorted.
type part uint64

const valueBits = 40

func newPart(f field, value ...string) part {
	sum := digest(value...)
	return part(f)<<valueBits | part(binary.BigEndian.Uint64(sum[:8])>>(64-valueBits))
}

func (p part) field() field { return field(p >> valueBits) }

// field is the name of one, hashed.
type field uint32

func fieldOf(path ...string) field {
	sum := digest(path...)
	return field(binary.BigEndian.Uint32(sum[:4]) >> 8)
}

func nameHash(name brightpattern.EventName) uint32 {
	sum := digest(string(name))
	return binary.BigEndian.Uint32(sum[:4])
}

// The form of an identity: a byte for the form itself, the two hashes, the
// time in six bytes (0: it has none), and eight bytes a part, in their order.
const (
	identityForm = 1
	headLength   = 1 + 4 + 4 + 6
	partLength   = 8
	// LongestIdentity in bytes.
	LongestIdentity = headLength + (mostParts+1)*partLength
)

func (t traits) identity() Identity {
	out := make([]byte, 0, headLength+len(t.parts)*partLength)
	out = append(out, identityForm)
	out = binary.BigEndian.AppendUint32(out, t.name)
	out = binary.BigEndian.AppendUint32(out, t.details)
	out = append(out, binary.BigEndian.AppendUint64(nil, uint64(t.at))[2:]...)
	for _, p := range t.parts {
		out = binary.BigEndian.AppendUint64(out, uint64(p))
	}
	return Identity(out)
}

// read takes an identity apart; !ok: it is none, or of a later form.
func (i Identity) read() (t traits, ok bool) {
	in := []byte(i)
	if len(in) < headLength || len(in) > LongestIdentity || in[0] != identityForm || (len(in)-headLength)%partLength != 0 {
		return traits{}, false
	}
	t.name, t.details = binary.BigEndian.Uint32(in[1:]), binary.BigEndian.Uint32(in[5:])
	t.at = int64(binary.BigEndian.Uint64(append([]byte{0, 0}, in[9:headLength]...)))
	t.timed = t.at != 0
	for in = in[headLength:]; len(in) > 0; in = in[partLength:] {
		t.parts = append(t.parts, part(binary.BigEndian.Uint64(in)))
	}
	return t, slices.IsSorted(t.parts)
}

// String is the identity in the letters of a header.
func (i Identity) String() string { return base64.RawURLEncoding.EncodeToString([]byte(i)) }

// ParseIdentity reads what String has written.
func ParseIdentity(text string) (Identity, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", false
	}
	_, ok := Identity(raw).read()
	return Identity(raw), ok
}

// Agreement is how much two spellings have in common, the zero value if they
// cannot be of one event.
type Agreement struct {
	common      int
	otherSecond bool
	distance    int64 // of their times, in milliseconds
}

// Exists tells whether they can be of one event.
func (a Agreement) Exists() bool { return a.common > 0 }

// IsWithinSecond tells that without a time that was rounded.
func (a Agreement) IsWithinSecond() bool { return a.Exists() && !a.otherSecond }

// IsCloser tells which of two partners is the likelier: the one with more in
// common, then of the same second, for times are cut to whole seconds more often
// than rounded, then the nearer one.
func (a Agreement) IsCloser(than Agreement) bool {
	return cmp.Or(cmp.Compare(than.common, a.common), compareBool(a.otherSecond, than.otherSecond), cmp.Compare(a.distance, than.distance)) < 0
}

// Agreement of an event's spelling with another one.
func (l Likeness) Agreement(other Likeness) Agreement {
	a, known := l.Identity.read()
	b, alsoKnown := other.Identity.read()
	switch same := l.Fingerprint == other.Fingerprint; {
	case known && alsoKnown && !a.agrees(b):
		return Agreement{}
	case known && alsoKnown:
		return a.agreement(b)
	case same:
		return Agreement{common: 1}
	}
	return Agreement{}
}

// agreement is of two spellings that agree.
func (t traits) agreement(other traits) Agreement {
	a := Agreement{common: 1 + t.common(other)}
	if t.timed && other.timed {
		a.otherSecond, a.distance = !t.isSameSecond(other), distance(t.at, other.at)
	}
	return a
}

// agrees tells whether two spellings can be of one event.
func (t traits) agrees(other traits) bool {
	return t.name == other.name && t.isSameTime(other) && agree(t.parts, other.parts)
}

// isSameTime allows for a time that is told in whole seconds, cut or rounded.
func (t traits) isSameTime(other traits) bool {
	if !t.timed || !other.timed || t.at == other.at {
		return true
	}
	return (t.isWhole() || other.isWhole()) && distance(t.at, other.at) < second
}

const second = int64(time.Second / time.Millisecond)

func (t traits) isWhole() bool { return t.at%second == 0 }

func distance(a, b int64) int64 { return max(a, b) - min(a, b) }

// common counts what both tell, and alike.
func (t traits) common(other traits) (count int) {
	if t.timed && other.timed {
		count++
	}
	if t.at == other.at {
		count++
	}
	if t.details == other.details {
		count++
	}
	return count + t.shared(other)
}

// shared counts the fields that both tell alike.
func (t traits) shared(other traits) (count int) {
	for _, p := range t.parts {
		if _, found := slices.BinarySearch(other.parts, p); found {
			count++
		}
	}
	return count
}

// agree tells whether no field has two values, and some have the same one: what
// has nothing in common is nothing that both have told. Where one side tells
// nothing at all, there is nothing to compare.
func agree(a, b []part) bool {
	agreed := len(a) == 0 || len(b) == 0
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].field() < b[0].field():
			a = a[1:]
		case a[0].field() > b[0].field():
			b = b[1:]
		case a[0] != b[0]:
			return false
		default:
			agreed, a, b = true, a[1:], b[1:]
		}
	}
	return agreed
}
