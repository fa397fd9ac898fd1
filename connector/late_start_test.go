package connector_test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"cc-connector/connector/brightpattern/bpsim"
)

// clusterOf are the options of servers that look for each other.
func clusterOf(t *testing.T, size int) (all []*server.Options) {
	t.Helper()
	var routes []*url.URL
	for range size {
		port := freePort(t)
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprint("127.0.0.1:", port)})
		all = append(all, &server.Options{
			ServerName: fmt.Sprint("n", port), Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "late", Host: "127.0.0.1", Port: port},
		})
	}
	for _, options := range all {
		options.Routes = routes
	}
	return all
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Two of a cluster's three servers come later than the connector. It waits for
// them, says so once, and works on three copies.
func TestClusterComesLate(t *testing.T) {
	t.Parallel()
	cluster := clusterOf(t, 3)
	r := newRig(t, bpsim.Options{}, func(r *rig) {
		r.nats = startNATS(t, cluster[0])
		r.config.StreamReplicas, r.config.StartPatience = 3, time.Minute
	})
	late := []*server.Server{newNATS(t, cluster[1]), newNATS(t, cluster[2])}
	go func() {
		for !strings.Contains(r.log.String(), "waiting for JetStream") && t.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		for _, s := range late {
			s.Start()
		}
	}()
	r.start()
	if config := r.streamConfig("CC_EVENTS"); config.Replicas != 3 {
		t.Errorf("events have %d copies", config.Replicas)
	}
	if n := strings.Count(r.log.String(), `"doing":"opening the streams"`); n != 1 {
		t.Errorf("it says %d times that it waits", n)
	}
	chat := r.openChat()
	r.awaitStored(chat, ".session.opened", 1)
}

// What only an operator can mend is not waited for; what does not pass in time
// is named.
func TestClusterNeverComes(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) {
		r.nats = startNATS(t, clusterOf(t, 3)[0])
		r.config.StartPatience = time.Second
	})
	r.checkRefused(r.config, "opening the streams", "JetStream does not answer", "no leader")
}
