// Package console serves a page on which people watch the bus, and its API: see
// Console.routes. In a demonstration it is a workbench, too: commands are
// sent, the agent is played, and things go wrong at a click.
//
// # One reader, one ring, and a place in it for each page
//
// The connector's work must not suffer from who looks at it. So however many
// pages are open, there is one consumer of the stream, which is there only while
// somebody looks; each message is made into the text that pages get once; and the
// texts of the last messages stand in one ring, bounded in number and bytes. A page
// has no queue of its own. It has a place in the ring, and reads on from there as
// fast as it can. One that is so slow that the ring has gone on without it is told
// what it has missed, and goes on with what there is: it costs as much memory as
// any other, none.
//
// A page that comes back says which message it has seen last (its sequence), and of
// which stream: that is a place in the ring again. Other clients may say it by
// Last-Event-ID.
//
// # Who may look
//
// Pages show what customers write. On a loopback address the machine is the fence:
// the Host header has to be a loopback name (else a page of anybody could have its
// own name resolved to here), and what other sites make a browser ask for is
// refused. On any other address there is a token, which is exchanged for a cookie
// and stands in no URL. What changes anything must carry a header that no form can
// send. Everything from the wire leaves as JSON, and the page's policy lets nothing
// run that is not a file of this package.
package console
