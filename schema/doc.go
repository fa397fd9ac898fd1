// Package schema holds what travels between the connector and other programs:
// commands, results, events and session messages, as CloudEvents 1.0 in NATS
// messages. It serves both sides: the connector encodes what a consumer decodes.
//
//	*nats.Msg ──Decode──► event.Event ──DecodeEvent──► *Message, *PartyJoined, …
//	                                  ──DecodeResult─► *Result
//	                                  ──DecodeSession► *SessionOpened, …
//
// [Decode] reads a message in structured mode, in binary mode, or as plain JSON.
// Commands are described once, in [Commands]: their fields, limits and lanes;
// [Command.Validate] judges data by that table. Events are listed in [Events].
// What each payload looks like is also told to other languages, by JSON Schemas
// ([Documents]) and in README.md: generate makes both from the types here, the
// comments behind their fields and the tables.
//
// A consumer that wants every event of every chat reads cc.chat.*.> and
// proves by the attribute sequence ([Sequence]) that it has missed none: it counts
// 1, 2, 3, … per source over events and session messages. What was too large for
// the bus lies elsewhere ([DataRef]), and is read by [ReadObject].
//
// Order the messages of a chat by sequence, and measure by recordedtime: the time
// of an event is the contact center's, in whole seconds here and in milliseconds
// there, and runs backwards now and then. Results stand between them without a
// sequence, and those on no chat on cc.result.>. A subject and a schema say
// result.chat.send where the type says chat.result.send.
//
// Who reads the stream without a filter also meets the connector's own business,
// CloudEvents of an [InternalType]: every Decode function answers [ErrOtherType].
package schema
