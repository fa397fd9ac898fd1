// Package brightpattern calls a Bright Pattern contact center over its
// Mobile/Web Messaging API, version 2: it asks for chats, sends and polls
// their events, reads histories, moves files and subscribes devices to
// notifications. It knows nothing of what its caller does with all that.
//
// Four things about the protocol are harder than they look.
//
// # A poll gives every event once
//
// [Client.Poll] is a held GET: the contact center answers when there is news,
// or after 5 to 15 seconds without. There is no cursor and no acknowledgement;
// what one poll returned, the next does not return. An answer that is lost on
// its way is not sent again, and of its events only the history knows
// ([Client.History]), except signaling, which no history has. A session has
// one poll at a time, a second one is refused with [CodeTooManyPollRequests].
// Events also come in the answer to [Client.Send] from some servers; they are
// given away just as those of a poll.
//
// # Was it carried out?
//
// So a failed call is not only an error: what matters is whether the contact
// center may have acted on it. Every [Error] says so in its Effect. A POST
// that was refused, or whose request never left this machine, has had none; a
// POST whose answer was lost may have had one, and repeating it may say the
// same thing to an agent twice. A poll's effect is that events are given away:
// an error answer gave none, a connection cut while the poll was held may have.
// Other GETs have no effect.
//
// net/http repeats a GET by itself when a connection from its pool breaks
// before the answer begins. For a poll that would hide a lost answer, so this
// package stops the repetition and reports the poll as cut.
//
// # Events have no identity
//
// An event carries no id of its own. A msg_id is at best unique among the
// messages of one party in one chat, and clients in the field number alike;
// timestamps come in seconds or milliseconds, as strings or numbers, and may
// differ in that between the poll and the history. The order of a history is
// not promised either. [Event] normalises what it can; telling two events
// apart is left to the caller.
//
// # Lenient in, strict out
//
// The published references, the two mobile SDKs and servers of various ages
// disagree about types, names and presence of fields. [ParseEvent] therefore
// accepts everything: what it cannot read is absent, unknown fields and events
// stay in [Event.Raw]. An answer whose frame is not JSON is refused as
// [ReasonUnreadable]. What is sent keeps to the references, whatever the
// servers would also take.
//
// Message texts, names, tokens and form data are in no error text.
package brightpattern
