// Package intake tells commands from what comes on their subjects and is none.
//
// The connector has rights that those who send it commands have not, and three
// ways lead around that. Who may create consumers can have the server deliver
// what is stored to any subject, also to one of a command. Who may send a
// request chooses the subject of its reply, which the connector publishes. And
// who speaks NATS's protocol by hand can write what no client writes.
//
// So the connector's own CloudEvents come back are not run; what cannot be
// read, or has the server's own control header, is none of a sender; and
// nothing is said where its sender could not speak: not under the prefix, on no
// subject of the server, and not where a reader has events delivered. (What
// gateways of a super-cluster put before a reply subject, the server takes away
// before a client sees it.)
//
// What is ignored is counted by its reason, and the log tells of each reason
// once in a while: whoever may send anything could fill it otherwise.
package intake
