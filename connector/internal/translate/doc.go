// Package translate turns what the contact center says into what consumers
// read, and the data of commands into what the contact center is told. It is
// pure: no clock, no network.
//
// # Identity
//
// The contact center gives its events no id, and it may write one event in
// two ways: a poll says milliseconds where the history says seconds, a number
// where the other says a text, and a time, a party or any other field may be
// missing on one side. So an event is known by what it is. Its identity
// (identity.go) holds its name, its time and a hash of each field that makes
// it the one that it is, all normalised; two spellings can be of one event if
// they tell something alike, and nothing that both tell differs.
//
// Two events can be alike in all of that (somebody typed twice in a second),
// and one spelling that tells little can be of several events. They are told
// apart by counting: a poll's answer is never given again, so a look-alike
// from a later poll is a new event; a history lists all of them, so what is
// missing of it is what is left when each published event has got a listed one
// of its own (matching.go).
//
// What an event is called is another matter. Its id is made of a fingerprint
// of the spelling in which it was published, and its number among those with
// the same one (fingerprint.go). Other spellings of it are never published.
package translate
