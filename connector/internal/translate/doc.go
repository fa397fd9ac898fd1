// Package translate turns what the contact center says into what consumers
// read, and the data of commands into what the contact center is told. It is
// pure: no clock, no network.
//
// # Identity
//
// The contact center gives its events no id, and it may write one event in
// two ways: a poll says milliseconds where the history says seconds, or a
// number where the other says a string. So an event is known by what it is:
// a hash over its name, its party, its own ids, its time in whole seconds
// and its content, all normalised. Fields that only one side may have stay
// out of it.
//
// Two events can be alike in all of that (somebody typed twice in a second).
// They are told apart by counting: the n-th event of a chat with the same
// hash is number n. A poll's answer is never given again, so a look-alike
// from a later poll is a new event; a history lists all of them, so what is
// missing of it is known by counting too.
package translate
