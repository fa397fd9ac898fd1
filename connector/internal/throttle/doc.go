// Package throttle is who may call the contact center now.
//
// Each chat backs off by itself. That is enough for one chat and not for ten
// thousand: their back-offs begin together, and what a contact center that
// comes back needs least is all of them at its door. So a call that follows a
// failure, a poll or a history, is paid for from one budget of the replica.
//
// The budget is a rate. It is small while the contact center fails, and each
// good answer raises it by one a second: what is paid for and succeeds makes
// room for as much again, and the rate doubles about every second until every
// chat is polled. Failures in a row lower it, each by twice as much as the one
// before: one among many does no harm, a dozen are an outage. Where more than
// a third of all calls fail, the budget stays small.
//
// A call that follows no failure costs nothing, unless the contact center
// seems to be away: then those of chats that were just taken over pay as well.
//
// Beside the budget stand the refusals of an app for its configuration
// (refusals.go), which no back-off mends, and the places for what is read
// after a failure of many chats at once (places.go).
package throttle
