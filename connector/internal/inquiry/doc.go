// Package inquiry is what an administrator asks replicas, and how they answer.
//
// Which chats are open is in JetStream, and so is which replicas are alive. Who holds
// a chat, when its last poll was answered, and what is in doubt, only its holder
// knows. So each replica is asked by its own subject, cc.internal.replica.<id>, and
// answers with one message: as many chats as that holds, in the order of their
// tokens, and behind which of them to go on.
//
// A replica of an earlier version does not listen there: the server says so at once.
// One that is frozen or cut off does not answer in time. Who asks is told which of
// the two it was, and makes do with what JetStream has.
//
// Questions and answers have a version. Who is asked answers what it understands of
// a question of a later version; fields that it does not know are not there.
//
// An answer tells of no client and of nothing that was said.
package inquiry
