package chats

import (
	"testing"
)

// The bucket is lost, and made again by a start: whatever a replica knows of
// numbers it keeps, and puts back, and no number is given twice.
func TestNumbersOutliveTheirBucket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, other := r.replica("one"), r.replica("other")
	key, quiet := r.key("chat"), r.key("quiet")
	take := func(c *Chats, key Key, want uint64) {
		t.Helper()
		if n, err := c.TakeNumber(r.Ctx, key, false); err != nil || n != want {
			t.Errorf("the number is %d, %v; want %d", n, err, want)
		}
	}
	take(one, key, 0)
	take(one, quiet, 0)
	take(other, key, 1)
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	r.Streams()
	r.Check(one.PutBack(r.Ctx)) // knows less
	r.Check(other.PutBack(r.Ctx))
	take(one, key, 2)
	take(other, quiet, 1)

	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	r.Streams()
	take(one, key, 3) // though nobody has put it back
	take(other, quiet, 2)
}
