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
// A [Command] has an id, and the connector runs an id once, for as long as it has
// it on record: CC_IDEMPOTENCY_WINDOW, by default 24 hours after the outcome. By
// then the same Command may be sent again, by whoever and after whatever: who
// missed the outcome gets it so, and nothing is done twice. Later it is a new
// command, and is done once more: give what may be sent again after days a time at
// which it expires. That it is sent again is also what the calls here do by
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
// # What the program's NATS user must be allowed
//
// Beside its own inbox, with the prefix cc, and for a user without any other:
//
//   - Do: to publish cc.service.*, cc.chat.*, cc.case.* and cc.push.*; for a reply
//     too large for the bus also what Fetch needs.
//   - Publish: to publish cc.durable.>.
//   - DoDurable, Await: what Do needs, for an outcome that was missed is asked for
//     on the live lane; to subscribe to cc.chat.*.result.> and cc.result.>, where
//     outcomes are told; and DoDurable what Publish needs.
//   - Entry: to publish $JS.API.STREAM.INFO.KV_CC_CHATS and
//     $JS.API.STREAM.MSG.GET.KV_CC_CHATS.
//   - Follow: that, and to publish $JS.API.STREAM.INFO.CC_EVENTS,
//     $JS.API.CONSUMER.CREATE.CC_EVENTS.> and $JS.API.CONSUMER.MSG.NEXT.CC_EVENTS.>;
//     with [FromPushConsumer] instead of these $JS.API.CONSUMER.INFO.CC_EVENTS.<name>
//     and $JS.ACK.>, and to subscribe to where the consumer delivers.
//   - Fetch, Read: to publish $JS.API.STREAM.MSG.GET.OBJ_CC_FILES.
//
// Of the users that "cc-connector permissions" prints, cc-commander-live may Do, but
// for replies that are too large, cc-commander-durable may Publish, and cc-consumer
// may Fetch, Read, and Follow with the consumer that is made for it. None may
// DoDurable or Await in full: who commands durably hears no outcomes, as they tell
// what was said in all chats, and the commander of one chat, who hears those in it,
// cannot ask for one that it missed. Use Publish, and read the outcomes as cc-consumer,
// each of which names the command's id as its causationid; deploy/examples/workflow
// does it so. What a user may not do, NATS tells the connection's error handler
// alone: the call itself waits until its context ends, and says [ErrNoAnswer].
//
// # Importing it
//
// The module's path, cc-connector, has no host: another module names a checkout
// of it beside the requirement.
//
//	require cc-connector v0.0.0
//	replace cc-connector => ../cc-connector
package client
