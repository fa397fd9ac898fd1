package connector_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
)

// victimEnv has the test binary be a connector, which may have to die.
const victimEnv = "CC_CONNECTOR_REHEARSAL"

// victim is what that connector is told.
type victim struct {
	NATS   string
	Config connector.Config
	Client struct { // a brightpattern.Config
		BaseURL, TenantURL string
		Timeout            time.Duration
	}
	Point string // where it kills itself; "": nowhere
	Nth   int    // the how manieth time it gets there
}

// beVictim runs the connector until its parent ends, or it kills itself.
func beVictim(told string) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	fail := func(err error) {
		if err != nil {
			log.Error(err.Error())
			os.Exit(1)
		}
	}
	var v victim
	fail(json.Unmarshal([]byte(told), &v))
	nc, err := nats.Connect(v.NATS, asConnector(v.Config.Prefix)...)
	fail(err)
	client, err := brightpattern.New(brightpattern.Config{BaseURL: v.Client.BaseURL, TenantURL: v.Client.TenantURL, Timeout: v.Client.Timeout, MaxPolls: 64})
	fail(err)
	v.Config.At(v.dieAt())
	c, err := connector.New(v.Config, nc, client, log, prometheus.NewRegistry())
	fail(err)
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); os.Exit(2) }()
	fail(c.Run(context.Background()))
	os.Exit(0)
}

// dieAt kills the process as nothing can be killed more.
func (v victim) dieAt() func(string) {
	reached := make(chan int, 1)
	reached <- 0
	return func(point string) {
		if point != v.Point {
			return
		}
		n := <-reached + 1
		if n == v.Nth {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		reached <- n
	}
}

// startVictim starts a connector in a process of its own. died is closed when it has ended.
func (r *rig) startVictim(point string, nth int) (died chan struct{}, err error) {
	v := victim{NATS: r.nats.ClientURL(), Config: r.config, Point: point, Nth: nth}
	v.Client.BaseURL, v.Client.TenantURL, v.Client.Timeout = r.client.BaseURL, r.client.TenantURL, r.client.Timeout
	told, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), victimEnv+"="+string(told))
	process.Stderr = r.log
	lifeline, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	died = make(chan struct{})
	go func() { defer close(died); _ = process.Wait() }()
	r.Cleanup(func() { _ = process.Process.Kill(); <-died; _ = lifeline.Close() })
	return died, nil
}
