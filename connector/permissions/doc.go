// Package permissions says what each user of the bus may do, no more than it
// needs, and writes it down for nats-server ([Conf]) and for nsc ([NSC]).
//
// What it rests on:
//
//   - Every user has an inbox prefix of its own. Who may subscribe to another's
//     inbox reads the other's replies.
//   - The connector answers by allow_responses: it may publish once to the
//     reply subject of a message that it got, and to nobody else.
//   - The subject of a JetStream request names the stream, and the consumer if
//     there is one. So a user can be kept to its own consumer, and to its own
//     acknowledgements: another's would be a loss to the other.
//   - The server does not ask whether a user may publish where it has messages
//     delivered: neither to a push consumer's deliver subject, nor to the reply
//     subject of a pull request or of a direct get. Whoever may make one of them
//     can have a stored message taken for a command. So nobody but the connector
//     may: who reads has a push consumer that was made for it, and otherwise
//     asks for single messages, which come wrapped.
//   - Who reads may send one command, service.schemas, which calls nobody and
//     tells nothing of any chat. The connector runs a few of them at a time, in
//     nobody else's place, and publishes a few of their results a second, so that
//     nobody fills the stream of events with them.
//   - Who puts files can also replace, and remove, all that are there, for the
//     server does not ask about a message's headers, and a rollup is one. So no
//     user that is always made may put any: [FileSender] is made on demand.
//
// Where JetStream is in a domain behind a leaf node the subjects are others
// ([InDomain]).
//
// What no permission can keep: nor does the server ask where other answers of
// JetStream go. Every user that may make it answer, with a publication's
// acknowledgement or a stream's state, can have that answer, whose words it does
// not choose, published on any subject of its account, be it the connector's own.
// Only an account of its own keeps a user from that: what is answered there stays
// there. deploy/README.md tells how.
package permissions
