package bus_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

const (
	aPiece  = 128 << 10
	roughly = 1 << 20
)

// pattern is a content in which no piece is like another.
func pattern(size int) []byte {
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16)
	}
	return content
}

func (f *files) keepFile(name bus.ObjectName, content []byte) bus.KeptFile {
	f.Helper()
	kept, err := f.p.KeepFile(f.Ctx, name, bytes.NewReader(content), int64(len(content)))
	f.Check(err)
	return kept
}

func (f *files) read(name bus.ObjectName) ([]byte, error) {
	file, err := f.p.OpenFile(f.Ctx, name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}

// A file is kept as it is, whatever its size and however its content comes, and
// everybody reads it: the client library, who only may ask for messages, and OpenFile.
func TestKeepFile(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	for _, size := range []int{0, 1, aPiece, aPiece + 1, 5 * roughly / 2} {
		content := pattern(size)
		name := bus.ObjectName("file of " + time.Duration(size).String())
		kept, err := f.p.KeepFile(f.Ctx, name, iotest.HalfReader(bytes.NewReader(content)), int64(size))
		sum := sha256.Sum256(content)
		if err != nil || kept != (bus.KeptFile{Object: name, Size: int64(size), SHA256: hex.EncodeToString(sum[:])}) {
			t.Errorf("%d bytes are kept as %+v, %v", size, kept, err)
		}
		theirs, err := f.streams.Files.GetBytes(f.Ctx, string(name))
		ours, ourErr := f.read(name)
		asked, askErr := schema.ReadObject(f.Ctx, f.NC, "CC_FILES", string(name))
		if err != nil || ourErr != nil || askErr != nil || !bytes.Equal(theirs, content) || !bytes.Equal(ours, content) || !bytes.Equal(asked, content) {
			t.Errorf("%d bytes are read as %d, %d and %d: %v, %v, %v", size, len(theirs), len(ours), len(asked), err, ourErr, askErr)
		}
	}
}

// What the client library has put there can be read, and its size is known beforehand.
func TestOpenFileOfAnothersMaking(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	content := pattern(roughly + 1)
	_, err := f.streams.Files.Put(f.Ctx, jetstream.ObjectMeta{Name: "theirs", Opts: &jetstream.ObjectMetaOptions{ChunkSize: 1000}}, bytes.NewReader(content))
	f.Check(err)
	file, err := f.p.OpenFile(f.Ctx, "theirs")
	f.Check(err)
	if file.Size != int64(len(content)) || file.Len() != len(content) {
		t.Errorf("its size is %d, and %d are left", file.Size, file.Len())
	}
	if err := iotest.TestReader(file, content); err != nil {
		t.Error(err)
	}
}

// A file of a name that another one has gets a name of its own; the same once
// more is the same, and nothing of it stays twice.
func TestFilesAreNeverWrittenOver(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	one := f.keepFile("name", pattern(3*aPiece))
	before := f.state().Msgs
	if again := f.keepFile("name", pattern(3*aPiece)); again != one || f.state().Msgs != before {
		t.Errorf("the same is kept as %+v and %+v, in %d and %d messages", one, again, before, f.state().Msgs)
	}
	other := f.keepFile("name", pattern(7))
	if other.Object == one.Object {
		t.Error("another file is kept under the same name")
	}
	for kept, want := range map[bus.KeptFile][]byte{one: pattern(3 * aPiece), other: pattern(7)} {
		if got, err := f.read(kept.Object); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, want %d: %v", kept.Object, len(got), len(want), err)
		}
	}
}

// What cannot be kept leaves nothing, says why, and says nothing of the store.
func TestFileThatIsNotKept(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	mine := errors.New("mine")
	start := bytes.NewReader(pattern(3 * aPiece))
	for name, try := range map[string]struct {
		content io.Reader
		want    error
	}{
		"broken":         {io.MultiReader(start, iotest.ErrReader(mine)), mine},
		"cut":            {io.MultiReader(bytes.NewReader(pattern(aPiece/2)), iotest.ErrReader(io.ErrUnexpectedEOF)), bus.ErrContent},
		"broken at once": {iotest.ErrReader(mine), bus.ErrContent},
		"too large":      {bytes.NewReader(pattern(4*aPiece + 1)), bus.ErrTooMuch},
	} {
		kept, err := f.p.KeepFile(f.Ctx, bus.ObjectName(name), try.content, 4*aPiece)
		if !errors.Is(err, try.want) || errors.Is(err, bus.ErrContent) == errors.Is(err, bus.ErrTooMuch) || kept != (bus.KeptFile{}) || bus.IsFull(err) {
			t.Errorf("%s: %+v, %v", name, kept, err)
		}
	}
	if left := f.state().Msgs; left != 0 {
		t.Errorf("%d messages are left", left)
	}
	if err := f.health.Check(); err != nil {
		t.Errorf("readiness says %v", err)
	}
}

// A store without room says so, and keeps nothing of the file.
func TestFileForAFullStore(t *testing.T) {
	t.Parallel()
	f := newFiles(t, func(c *bus.Config) { c.FilesMaxBytes = 2 * roughly })
	_, err := f.p.KeepFile(f.Ctx, "large", bytes.NewReader(pattern(3*roughly)), 3*roughly)
	if !bus.IsFull(err) || !bus.IsOutage(err) || f.state().Msgs != 0 {
		t.Errorf("%v, and %d messages are left", err, f.state().Msgs)
	}
	if err := f.health.Check(); err == nil || !strings.Contains(err.Error(), "OBJ_CC_FILES is full") {
		t.Errorf("readiness says %v", err)
	}
	f.keepFile("small", pattern(aPiece))
	if err := f.health.Check(); err != nil {
		t.Errorf("readiness says %v", err)
	}
}

// What reads bring has a part of the store, and expires: so many files as you like.
func TestFilesOfReads(t *testing.T) {
	t.Parallel()
	f := newFiles(t, func(c *bus.Config) { c.FilesMaxBytes = 8 * roughly })
	read := func(size int) error {
		_, err := f.p.KeepReadFile(f.Ctx, "read", bytes.NewReader(pattern(size)), roughly)
		return err
	}
	f.Check(read(aPiece))
	stream, err := f.JS.Stream(f.Ctx, "OBJ_CC_FILES")
	f.Check(err)
	for n := f.state().FirstSeq; n <= f.state().LastSeq; n++ {
		if msg, err := stream.GetMsg(f.Ctx, n); err != nil || msg.Header.Get(jetstream.MsgTTLHeader) == "" {
			t.Errorf("it does not expire: %v", err)
		}
	}
	before := f.state().Msgs
	if err := read(roughly); !bus.IsFull(err) || f.state().Msgs != before {
		t.Errorf("%v, and %d messages are left of it", err, f.state().Msgs-before)
	}
	if err := f.health.Check(); err != nil {
		t.Errorf("readiness says %v", err)
	}
	f.keepFile("event's", pattern(roughly))
}

// meta writes what names an object, as anybody may who may put objects there.
func (f *files) meta(name, data string) {
	f.Helper()
	_, err := f.JS.PublishMsg(f.Ctx, &nats.Msg{Subject: bus.NameSubject("CC_FILES", bus.ObjectName(name)), Data: []byte(data)})
	f.Check(err)
}

// An object that is not what it says of itself is never read to an end.
func TestDamagedObjects(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	f.keepFile("without pieces", pattern(3*aPiece))
	stream, err := f.JS.Stream(f.Ctx, "OBJ_CC_FILES")
	f.Check(err)
	f.Check(stream.DeleteMsg(f.Ctx, f.state().FirstSeq+1))
	f.keepFile("whole", pattern(3*aPiece))
	info, err := f.streams.Files.GetInfo(f.Ctx, "whole")
	f.Check(err)
	for name, change := range map[string]func(*jetstream.ObjectInfo){
		"of another digest": func(i *jetstream.ObjectInfo) { i.Digest = "SHA-256=x" },
		"too long":          func(i *jetstream.ObjectInfo) { i.Size++ },
		"too short":         func(i *jetstream.ObjectInfo) { i.Size-- },
		"endless":           func(i *jetstream.ObjectInfo) { i.Size = 1<<64 - 1 },
		"of all pieces":     func(i *jetstream.ObjectInfo) { i.NUID = ">" },
		"of no pieces":      func(i *jetstream.ObjectInfo) { i.NUID = "none" },
	} {
		changed := *info
		change(&changed)
		data, err := schema.JSON(changed)
		f.Check(err)
		f.meta(name, string(data))
	}
	f.meta("no meta", "{")
	f.meta("empty meta", "{}")
	_, err = f.streams.Files.AddLink(f.Ctx, "a link", info)
	f.Check(err)
	for _, name := range []bus.ObjectName{"without pieces", "of another digest", "too long", "too short", "endless", "of all pieces", "of no pieces", "no meta", "empty meta", "a link"} {
		if content, err := f.read(name); !errors.Is(err, bus.ErrDamaged) || bus.IsOutage(err) {
			t.Errorf("%s is read: %d bytes, %v", name, len(content), err)
		}
	}
	f.Check(f.streams.Files.Delete(f.Ctx, "whole"))
	for _, name := range []bus.ObjectName{"whole", "never there", "", "../whole", "$O.CC_FILES.M.>"} {
		if _, err := f.read(name); !errors.Is(err, bus.ErrNoFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A store that is away while a file is read breaks the reading off.
func TestOpenFileOfAStoreThatGoesAway(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	f.keepFile("file", pattern(3*aPiece))
	ctx, cancel := context.WithCancel(f.Ctx)
	file, err := f.p.OpenFile(ctx, "file")
	f.Check(err)
	_, err = io.ReadFull(file, make([]byte, aPiece))
	f.Check(err)
	f.Check(f.JS.DeleteStream(f.Ctx, "OBJ_CC_FILES"))
	if _, err := io.ReadAll(file); !bus.IsOutage(err) || errors.Is(err, bus.ErrDamaged) {
		t.Errorf("it is read: %v", err)
	}
	cancel()
	if _, err := file.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("read when nobody wants it any more: %v", err)
	}
}

// Whatever an object is called, it is one message's subject, and found again.
func FuzzObjectNames(f *testing.F) {
	for _, name := range []string{"a", "../../etc/passwd", "a b.*>", "\x00\r\n", "ü", "$O.CC_FILES.M.>", strings.Repeat("x", schema.MaxString)} {
		f.Add(name)
	}
	rig := natstest.New(f)
	p := rig.Publisher(rig.Streams())
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > schema.MaxString {
			return
		}
		kept, err := p.KeepReadFile(rig.Ctx, bus.ObjectName(name), strings.NewReader("x"), 1)
		if err != nil {
			t.Fatal(err)
		}
		file, err := p.OpenFile(rig.Ctx, kept.Object)
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(file); err != nil || string(content) != "x" {
			t.Errorf("%q, %v", content, err)
		}
	})
}
