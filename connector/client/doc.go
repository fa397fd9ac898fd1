// Package client is for programs on the bus: it sends commands to the
// connector, waits for what they come to, and reads what happens in chats.
//
//	c, err := client.New(nc, client.Config{})
//	cmd := client.NewCommand(&schema.ChatSend{ChatID: chat, Text: "Hello!"})
//	sent, err := client.As[schema.ChatSendResult](c.Do(ctx, cmd))
//
//	[Client.Do]         a live command: its reply
//	[Client.DoDurable]  a durable command: stored, then its outcome
//	[Client.Publish]    a durable command: stored, no more
//	[Client.Await]      the outcome of a command that was sent before
//	[Client.Follow]     a chat's entry, and then all that happens in it
//	[Client.Fetch]      an object: a file, a photo, data too large for the bus
//	[Client.Put]        a file into the store, for the command chat.file
//	[Decode], [Client.Read]  a message that came, in either mode, as its own type
//
// # What an outcome means
//
// A [Command] has an id, and the connector runs an id once. So the same Command
// may always be sent again, by whoever and after whatever: who missed the outcome
// gets it so, and nothing is done twice. That is also what the calls here do by
// themselves where the connection was lost under way. Data under a new id are a
// new command. From that follows what to do when a call fails:
//
//   - [ErrNoAnswer]: the context has ended first, and nothing is known. Send the
//     same Command again, or [Client.Await] it. Never make a new one of its data.
//   - a [*schema.Error] whose Outcome is unknown: the contact center may have done
//     it. That is the recorded outcome, and the same id gets it again. A new
//     Command with these data may do it twice: have somebody look, or leave it.
//   - a [*schema.Error] that is Retryable, with the Outcome not_done: nothing was
//     done, and the same data may succeed later, in a new Command.
//   - [ErrNoConnector], [ErrNoStream]: it did not leave this program.
//
// A reply may take as long as the contact center takes: 15 seconds a call, and a
// command makes up to three. A durable command may take as long as it is tried,
// by default an hour: give the context the patience that the program has, and
// come back with Await.
//
// # Importing it
//
// The module's path, cc-connector, has no host: another module names a checkout
// of it beside the requirement.
//
//	require cc-connector v0.0.0
//	replace cc-connector => ../cc-connector
package client
