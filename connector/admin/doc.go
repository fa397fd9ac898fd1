// Package admin is what an administrator does with a running connector: look at the
// open chats, see to the dead letters, and have one chat forgotten. It works on what
// is in JetStream, and asks the replicas for what only they know (package inquiry).
//
// # What a purge reaches, and what it does not
//
// What is known of a chat stands in all streams and buckets. A purge first has it
// polled by nobody, and marks it so that nobody opens it meanwhile (chats/purged.go).
// Then it has every replica drop what that remembers, waits for the commands that
// are under way, and removes what there is, again and again until there is nothing
// more: what was under way may have been written late.
//
// To remove a message is not to have it off the disk. nats-server keeps messages in
// files (blocks), and of a removed one only notes that it is. So what stands in a
// stream is erased: the server overwrites it at once. It does so neither in buckets,
// where deleting is denied and a message can be purged only, nor where it encrypts
// what it stores. And nobody can ask it to overwrite what was removed before: durable
// commands that are done, session tokens, earlier values of a key. All that goes when
// the server writes the block anew. It looks at that every sync_interval (2 minutes if
// nothing is set), and does so when another block has begun and more than half of this
// one is removed, or all of it. So a purge fills up the blocks in which the buckets are
// written, by what is gone at once (bus.Bucket.TurnOver); in the work queues replicas
// would be handed that, so that there it waits for new messages, or for the stream to be
// empty for a moment. index.db, where the subjects of a stream stand, is written anew
// every few minutes and when the server ends. In a cluster, each server's log of what
// was written lasts until its next snapshot. Copies of others (mirrors, backups, the
// contact center itself) are not the connector's.
//
// To erase a message the server writes its block anew, up to 8 MiB: to purge a long
// chat takes some seconds, in which the stream is a little slower.
package admin
