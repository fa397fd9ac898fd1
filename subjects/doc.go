// Package subjects builds and parses every NATS subject of the connector.
//
// Under a [Prefix] ("cc" by default) there are:
//
//	cc.<noun>.<verb>                          live command       Prefix.Live
//	cc.durable.<noun>.<verb>[.<chat>]         durable command    Prefix.Durable
//	cc.chat.<chat>.event.<name>               server event       Prefix.Event
//	cc.chat.<chat>.result.<noun>.<verb>       outcome, of a chat Prefix.Result
//	cc.result.<noun>.<verb>                   outcome, of none   Prefix.Result
//	cc.chat.<chat>.session.<name>             connector's doings Prefix.Session
//	cc.deadletter.<noun>.<verb>[.<chat>]      given up           Prefix.DeadLetter
//	cc.internal.>                             no promise         Prefix.Internal
//
// A wildcard for what is said of every chat is cc.chat.*.> ([Prefix.AllChats]):
// a chat's token stands between, which no live command has.
//
// A chat id may hold any byte, a subject's token may not. [EscapeChat] makes one
// token of it, from which the id comes back exactly. The token is also a valid
// key of a NATS key-value bucket and a valid CloudEvents attribute value.
package subjects
