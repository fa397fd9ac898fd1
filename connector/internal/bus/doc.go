// Package bus is JetStream as the connector uses it, and knows nothing of chats.
//
// What JetStream keeps for the connector is described as data (streams.go), so
// that it can be shown to an administrator as well as applied (provision.go): to
// nothing of anybody else's (owner.go), and to what is there only as far as it
// must (fit.go). What vanishes is made again (keep.go). A
// value of a key-value bucket is read with its revision and written at it
// (bucket.go): of two who write at once one wins, and the other knows. Ask
// repeats what is asked of JetStream until it answers (ask.go), and a Publisher
// its publications, under their ids, until the stream has them (publish.go): an
// error of theirs is final, or its context has ended. All else is tried once.
// Files, and what is too large for a message, are kept beside the bus (files.go)
// and read from there (openfile.go).
package bus
