// Package journal is what has become of each command.
//
// A command may come again: its sender got no reply and repeats it, or the
// replica that ran it died and JetStream delivers it to another one. Each
// command therefore has an idempotency record in a bucket, the journal, under
// a hash of its identity. The record is made before the first call, so that
// one run of the command wins, and is written at the revision that was read,
// so that a process which was frozen and overtaken can write no more.
//
// A record goes one way. It is begun; before each try of a durable command it
// says that a call is under way, and after it what the call came to; when the
// command is done it holds the outcome, for good. A repeat that finds the
// outcome gets it; one that finds a run under way waits for its end. Whoever
// finds a run that nobody works on any more does not know whether the call was
// carried out: a message is looked up in the chat's history, what is harmless
// to repeat is repeated, and of anything else the outcome is said to be unknown.
//
// A record also says how far the stream of events had come when it was begun, and
// when its outcome was about to be told: whoever must know whether the result was
// published looks for it from there on, because the stream's own memory of ids is
// short. An outcome may be published while it is recorded. Then either may be there
// alone, and the event decides.
//
// Records stand in the order in which they were written last, so one number says
// which of them a replica may still owe something of: see LowWater and Scan.
package journal
