// Package bpsim is a simulated Bright Pattern contact center: the server side
// of the Mobile/Web Messaging API v2 over real HTTP, for developing and testing
// back ends without a tenant.
//
// It is stricter than the real one in what it accepts (a request that the API
// does not describe is refused with the API's own code) and, within what the
// references allow, as uneven in what it answers: the estimated wait is a
// string, a number, empty or missing; timestamps are in seconds or
// milliseconds; an idle poll is answered in three ways; the history lists the
// same events in another order and spelling, and with Options.Uneven tells what
// polls have left out. All of this is deterministic.
//
// What a poll has given away is never given again, whether or not it arrived.
// The simulator's own [Record] of a chat says what became of every event, so
// that a test can hold a client to account.
package bpsim
