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
package schema
