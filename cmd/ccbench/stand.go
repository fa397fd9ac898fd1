package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// stand is one NATS server, one contact center, the floor, and the connectors
// that run on them.
type stand struct {
	programs programs
	fail     context.CancelCauseFunc
	natsURL  string
	sim      *process
	floor    *process
	contact  *contact
	nc       *nats.Conn
	js       jetstream.JetStream

	mu      sync.Mutex
	running []*process // in the order in which they were started
}

// replica is a connector that runs, and is ready.
type replica struct {
	contender
	*process
	ops string // base URL of its metrics
}

const hold = 10 * time.Second // of a poll with nothing new

var (
	served    = regexp.MustCompile(`^serving at (\S+)$`)
	simReady  = regexp.MustCompile(`(http://\S+) as the base URL`)
	opsServed = regexp.MustCompile(`"serving HTTP".*"address":"([^"]+)"`)
)

// newStand starts all but the connectors. Its files lie in a new folder in dir.
func newStand(ctx context.Context, fail context.CancelCauseFunc, all programs, dir string) (*stand, error) {
	s := &stand{programs: all, fail: fail}
	if err := s.build(ctx, dir); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stand) build(ctx context.Context, dir string) (err error) {
	store, err := os.MkdirTemp(dir, "jetstream-")
	if err != nil {
		return fmt.Errorf("a folder for JetStream: %w", err)
	}
	if _, s.natsURL, err = s.start(ctx, program{name: "the NATS server", path: s.programs.self, args: []string{natsPart, "-store", filepath.Clean(store)}, announces: served}); err != nil {
		return err
	}
	sim := program{name: "ccsim", path: s.programs.sim, announces: simReady,
		args: []string{"-listen", "127.0.0.1:0", "-script", "none", "-hold", hold.String(), "-inactivity", "24h", "-tenant", tenant, "-apps", appID + "," + floorApp}}
	var base string
	if s.sim, base, err = s.start(ctx, sim); err != nil {
		return err
	}
	s.contact = newContact(base)
	if s.floor, _, err = s.start(ctx, program{name: "the floor", path: s.programs.self, args: []string{floorPart, "-nats", s.natsURL, "-contact", base}, announces: served}); err != nil {
		return err
	}
	return s.connect()
}

func (s *stand) connect() (err error) {
	if s.nc, err = nats.Connect(s.natsURL, nats.Name("ccbench"), nats.NoReconnect()); err != nil {
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	s.js, err = jetstream.New(s.nc)
	return err
}

func (s *stand) start(ctx context.Context, from program) (*process, string, error) {
	p, address, err := start(ctx, s.fail, from)
	if err != nil {
		return nil, "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = append(s.running, p)
	return p, address, nil
}

// startReplica returns when the connector is ready.
func (s *stand) startReplica(ctx context.Context, of contender, env ...string) (*replica, error) {
	from := program{name: "cc-connector (" + of.Name + ")", path: of.path, args: []string{"run"}, announces: opsServed}
	from.env = append([]string{
		"CC_NATS_URL=" + s.natsURL, "CC_SUBJECT_PREFIX=" + of.prefix, "CC_BASE_URL=" + s.contact.base, "CC_TENANT_URL=" + tenant, "CC_APP_ID=" + appID,
		"CC_HTTP_ADDR=127.0.0.1:0", "CC_LOG_FORMAT=json", "CC_LOG_LEVEL=info",
	}, env...)
	p, ops, err := s.start(ctx, from)
	if err != nil {
		return nil, err
	}
	r := &replica{of, p, "http://" + ops}
	return r, r.awaitReady(ctx)
}

func (r *replica) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTime, fmt.Errorf("%s is not ready within %v", r.process.name, startTime))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if r.isReady(ctx) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w%s", context.Cause(ctx), r.log)
		}
	}
}

func (r *replica) isReady(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.ops+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// close ends all processes, the last started first.
func (s *stand) close() {
	if s.nc != nil {
		s.nc.Close()
	}
	if s.contact != nil {
		s.contact.close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.running) - 1; i >= 0; i-- {
		s.running[i].kill()
	}
}
