// Package attachments fetches the files that agents send, and keeps them in
// the store of files, for whoever reads the chat's events.
//
// # A file and its event
//
// The contact center keeps its last 1,000 files and drops the oldest, so a file
// is fetched when its event is read. The event is published once, and says for
// good what became of the file: where it is kept, or why it could not be had. A
// second event that brings it later would leave every reader waiting for what
// may never come. So the event waits for its file, but only for so long; the
// chat's later events wait behind it, those before it do not.
//
// Files of one answer are fetched together, a few at a time, and share one
// limit: no answer waits longer than that, however many files it has. What may
// pass (an outage, a page of a proxy, an answer that broke off) is tried again
// within the limit. A replica fetches so many at a time that a contact center
// that gives its files slowly costs neither much memory nor the polls their turn.
//
// # Whose a file is
//
// What is told of the file is no part of the event's identity: the event has
// the same id with it and without. An object's name is new each time and has
// nothing that the contact center says in it. So a holder that dies, or loses
// its chat, between keeping a file and publishing its event leaves an object
// that nobody names, which goes by its age; the next holder finds the event in
// the chat's history and fetches the file anew. So does one that takes the chat
// from a replica that leaves: a file would be lost for good if that one told its
// event without it, and the history has the event all the same. Only what the
// history may not give back, the steps of a WebRTC call and the end of a session,
// cannot wait: then the event goes out at once, without its file.
package attachments
