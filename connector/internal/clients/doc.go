// Package clients keeps who the customers are from everybody but the connector.
//
// A clientId, together with the app, is all that the contact center asks of a
// customer: whoever has it reads the chat and speaks in it. So it stands in the
// replies of the commands that return it, and else only where nobody but the
// connector reads: in the session tokens, the journal, and its own memory.
// Where others read, the client's reference stands for it.
//
// # The secret
//
// A reference is the same for the same client, on every replica and for ever.
// Were it a plain hash, anybody could try the clientIds that come to mind, an
// e-mail address say. So it is a keyed one. The key, the secret, is random: the
// first replica of a prefix makes it, before it takes a command, and it stays in
// the connector's own memory. By the same secret a client is derived from the
// identity of a chat.request that names none, for identities are public.
//
// The memory may be lost, and be made again while replicas run. Each of them has
// the secret, looks for it again and again, and puts it back. A replica that
// starts just then waits for that; where none of them did so in time, it makes
// another. So of two secrets the one counts that was made first: who holds it
// writes it over the other, and who finds it takes it. For as long as that takes,
// the new replica's references are its own. No chat is lost by it: what was
// derived for a command is on its record, and a client is found by the reference
// that it was kept under.
//
// # Where a client is kept
//
// An open chat's client stands in its session token. But the token goes when
// the chat is detached, on which commands still work, and the stream of tokens
// may be lost. So the client is also kept in the memory, under its reference.
// It is written before a chat's entry that has the reference, and again now and
// then for as long as the chat is open; and it expires, so that it outlives the
// entry a little, and a process that dies between the two leaves nothing for
// good. What is written is the same whoever does it, and always lasts as long:
// no order of writers can spoil it. Where the memory was lost the token still
// has an open chat's client, and its holder has it kept again.
//
// # Beside an earlier version
//
// Versions before replicas.FormatReferences read the clientId in a chat's entry,
// and derive clients by a plain hash. While one of them lives, entries have the
// clientId, too, and clients are derived as they do it: either version may go on
// with what the other has begun. When the last has gone, the holders write the
// entries of open chats without it. What is closed by then keeps it until it
// expires, as the session messages do that the earlier version published. When
// one comes back, the holders write the clientId again, at the latest when they
// hand a chat over.
package clients
