// Package permissions says what each user of the bus may do, no more than it
// needs, and writes it down for nats-server ([Conf]) and for nsc ([NSC]).
//
// What it rests on:
//
//   - Every user has an inbox prefix of its own. Who may subscribe to another's
//     inbox reads the other's replies.
//   - The connector answers by allow_responses: it may publish once to the
//     reply subject of a message that it got, and to nobody else.
//   - The subject of a JetStream request names the stream, and that of a
//     consumer's creation also the one filter of the consumer, which the server
//     holds the request to. So a reader can be kept to what it may read.
//   - Nothing in that subject names where a push consumer delivers, and the
//     server does not ask whether its maker may publish there. Who may make
//     consumers can have stored events delivered to any subject that somebody
//     listens to. Therefore a user that may make consumers is to be trusted not
//     to do that, or to be given consumers that were made for it.
package permissions
