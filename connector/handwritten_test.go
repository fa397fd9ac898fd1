package connector_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
)

// handwritten speaks NATS's protocol without a client: what no client would
// write, a server takes.
type handwritten struct {
	*rig
	conn  net.Conn
	lines *bufio.Reader
}

// byHand signs in as a user that may publish one kind of durable command.
func (r *rig) byHand() *handwritten {
	r.Helper()
	conn, err := net.Dial("tcp", r.nats.Addr().String())
	r.check(err)
	r.Cleanup(func() { _ = conn.Close() })
	h := &handwritten{r, conn, bufio.NewReader(conn)}
	_, err = h.lines.ReadString('\n') // INFO
	r.check(err)
	h.write(fmt.Sprintf(`CONNECT {"verbose":false,"pedantic":false,"headers":true,"user":%q,"pass":%q,"lang":"hand","version":"1","protocol":1}`+"\r\n", typist, password))
	h.flush()
	return h
}

func (h *handwritten) write(text string) {
	h.Helper()
	_, err := h.conn.Write([]byte(text))
	h.check(err)
}

// publish sends a message whose block of headers is anything.
func (h *handwritten) publish(subject, headers, data string) {
	h.Helper()
	h.write(fmt.Sprintf("HPUB %s %d %d\r\n%s%s\r\n", subject, len(headers), len(headers)+len(data), headers, data))
}

// flush returns when the server has taken everything.
func (h *handwritten) flush() {
	h.Helper()
	h.write("PING\r\n")
	for {
		line, err := h.lines.ReadString('\n')
		h.check(err)
		switch {
		case strings.HasPrefix(line, "-ERR"):
			h.Fatalf("the server says %s", line)
		case strings.HasPrefix(line, "PONG"):
			return
		}
	}
}
