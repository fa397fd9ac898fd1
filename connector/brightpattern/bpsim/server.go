package bpsim

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// Server is a simulated contact center: an [http.Handler] that serves the API
// under /clientweb/api/v2/ and its control API under /sim/. Use New. All
// methods may be called at once from anywhere.
type Server struct {
	opt     Options
	script  *script
	control http.Handler
	files   *fileStore
	faults  faultList
	bell    bell
	counts  map[string]*atomic.Int64
	asked   atomic.Int64 // availability checks: the spelling of ewt goes by it
	flowed  atomic.Int64 // events of flows

	ctx  context.Context // until Close
	stop context.CancelFunc
	work sync.WaitGroup // calls, scripts and timers under way

	idMu sync.Mutex

	mu        sync.RWMutex
	closed    bool
	chats     map[string]*chat
	byClient  map[string]*chat // the latest of each client
	forgotten []*chat          // oldest first
	made      int
}

// New starts nothing: it serves as soon as it is mounted. It panics if
// Options.Script is not one of Scripts.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{opt: o, script: mustScript(o.Script), files: newFileStore()}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.chats, s.byClient = map[string]*chat{}, map[string]*chat{}
	s.counts = map[string]*atomic.Int64{}
	for i := range routes {
		s.counts[routes[i].method] = new(atomic.Int64)
	}
	s.control = s.controlHandler()
	return s
}

// Close ends held polls, hanging calls and scripts, and returns when they are
// over. From then on every call answers 5001. The account stays readable.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	for _, c := range s.allChats() {
		c.stopTimers()
	}
	s.work.Wait()
	s.changed()
}

func (s *Server) closing() <-chan struct{} { return s.ctx.Done() }

// enter holds back the end of Close until leave; false: it is too late.
func (s *Server) enter() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.work.Add(1)
	return true
}

func (s *Server) leave() { s.work.Done() }

func (s *Server) newID() string {
	s.idMu.Lock()
	defer s.idMu.Unlock()
	return s.opt.IDs()
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/sim/") {
		s.control.ServeHTTP(w, r)
		return
	}
	rt, ids, refused := findRoute(r.Method, r.URL)
	if refused != nil {
		refused.answer().write(w)
		return
	}
	s.serve(w, r, &call{ctx: r.Context(), route: rt, ids: ids})
}

// call is one call of a method.
type call struct {
	ctx      context.Context
	route    *route
	ids      map[string]string // of the path
	app      string
	client   string
	body     []byte
	boundary string // of a multipart body
	json     fields
	chat     *chat
}

// chatID is as the path has it, or of the chat that was found.
func (c *call) chatID() string {
	if c.chat != nil {
		return c.chat.id
	}
	return c.ids["{chat}"]
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, c *call) {
	broken := c.readBodyOf(r)
	if !s.enter() {
		shuttingDown.answer().write(w)
		return
	}
	a, end := s.answer(c, r, broken)
	s.deliver(w, c, a, end)
}

func (s *Server) answer(c *call, r *http.Request, broken *refusal) (answer, ending) {
	defer s.leave()
	if a, end, hit := s.faultBefore(c); hit {
		return a, end
	}
	return s.faultAfter(c, s.carryOut(c, r, broken))
}

func (s *Server) carryOut(c *call, r *http.Request, broken *refusal) answer {
	refused := s.check(c, r)
	if refused == nil {
		refused = broken
	}
	if refused == nil {
		refused = c.checkBody()
	}
	if refused == nil {
		refused = s.findChat(c)
	}
	if refused != nil {
		s.opt.Log.Info("refused", "method", c.route.method, "status", refused.status, "code", refused.code)
		return refused.answer()
	}
	a := c.route.handle(s, c)
	if a.carriedOut() {
		s.count(c)
	}
	return a
}

func (s *Server) count(c *call) {
	s.counts[c.route.method].Add(1)
	if c.chat != nil {
		c.chat.count(c.route.method)
	}
	s.changed()
}

// findChat: a chat of another client is as unknown as one that never was.
func (s *Server) findChat(c *call) *refusal {
	need := c.route.chat
	if need == noChat {
		return nil
	}
	s.mu.RLock()
	found := s.chats[c.ids["{chat}"]]
	if need == activeChat || need == latestChat {
		found = s.byClient[c.client]
	}
	s.mu.RUnlock()
	if found == nil || found.client != c.client || !found.serves(need) {
		return noSession
	}
	c.chat = found
	return nil
}

func (c *chat) serves(need chatNeed) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.gone && (!c.over || need == keptChat || need == latestChat)
}

// deliver writes the answer, or what a fault has made of it.
func (s *Server) deliver(w http.ResponseWriter, c *call, a answer, end ending) {
	switch end {
	case endCut:
		panic(http.ErrAbortHandler) // closes the connection
	case endHalf:
		a.writeHalf(w)
		panic(http.ErrAbortHandler)
	case endNever:
		s.writeForEver(w, c, a)
		panic(http.ErrAbortHandler)
	}
	if a.status == 0 {
		panic(http.ErrAbortHandler) // nobody is there
	}
	written := s.write(w, c, a) && c.ctx.Err() == nil
	if len(a.given) > 0 {
		c.chat.settle(a.given, "", written)
	}
}
