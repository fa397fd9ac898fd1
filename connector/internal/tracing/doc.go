// Package tracing makes the connector's spans (OpenTelemetry), or none: a nil
// Tracer costs nothing, not even an allocation.
//
// # One trace
//
// A publisher's trace goes on through the command to all that comes of it:
//
//	the publisher
//	└─ process cc.chat.send                     one try of the command (consumer)
//	   ├─ POST sendEvents                       a call to the contact center (client)
//	   ├─ send cc.chat.{chat}.result.chat.send  the result (producer)
//	   └─ send cc.chat.{chat}.event.{event}     what came in the call's answer (producer),
//	                                            by the replica that holds the chat
//
// A result carries the trace context of its command, just as it came, so that a
// sender finds its own again. A command without one begins a trace, whose id is
// made of the command's identity: so all tries, on whichever replica, and repeats
// on either lane are of one trace, and nothing about it need be stored.
//
// What nobody has asked for begins a trace of its own:
//
//	poll                                        an answer that gave events
//	├─ GET getFile                              a file that one of them tells of
//	└─ send cc.chat.{chat}.event.{event}        each of them, which carries this trace on
//
// The same goes for events out of a chat's history ("recover"). An answer does not
// say which calls its events follow from, so there are no links. A poll that is
// held, or gives nothing, makes no span: thousands do at a time, and the metrics
// count them.
//
// # What is not told
//
// A span tells ids, names and codes: no text, no name of a person, no client, no
// header. Of a URL it has no query. The contact center is sent no trace context:
// it is another's system, which could do nothing with it, and need not know how its
// callers work.
package tracing
