package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

const healthAbout = `It is meant for a container's health check: it prints one line, and ends with exit code 0 if all is well, 1 if not.
It asks /readyz at CC_HTTP_ADDR as it stands in its environment; of the other settings it needs none. A connector
that is not ready may be waiting for NATS or for the contact center, and mends itself when they are back: where an
unhealthy container is ended and replaced, use --live.`

// healthPatience is longer than the connector takes to answer that it is not ready.
const healthPatience = 5 * time.Second

const reportMost = 64 << 10 // bytes that are read

func prepareHealth(flags *flag.FlagSet) action {
	live := flags.Bool("live", false, "ask /healthz: whether the process answers at all, not whether it can work")
	return func(_ []string, stdout, _ io.Writer) error {
		ctx, cancel := context.WithTimeout(context.Background(), healthPatience)
		defer cancel()
		if *live {
			return askHealth(ctx, stdout, "/healthz", "live")
		}
		return askHealth(ctx, stdout, "/readyz", "ready")
	}
}

func askHealth(ctx context.Context, stdout io.Writer, path, quality string) error {
	raw, err := readSettings()
	if err != nil {
		return err
	}
	addr, err := askedAddr(raw.HTTPAddr)
	if err != nil {
		return err
	}
	url := "http://" + addr + path
	if err := askOnce(ctx, url); err != nil {
		return fmt.Errorf("not %s: %w", quality, err)
	}
	_, err = fmt.Fprintf(stdout, "%s (%s)\n", quality, url)
	return err
}

// askedAddr is where a server that listens at this address can be asked from the same machine.
func askedAddr(listening string) (string, error) {
	if listening == "off" {
		return "", errors.New("CC_HTTP_ADDR is off, so nothing can be asked: set it, for example to 127.0.0.1:8080, or check the process in another way")
	}
	r := readerOf(&settings{HTTPAddr: listening})
	host, port, _ := net.SplitHostPort(r.httpAddr())
	if what, bad := r.wrong[&r.HTTPAddr]; bad {
		return "", errors.New("CC_HTTP_ADDR " + what)
	}
	if port == "0" {
		return "", errors.New("CC_HTTP_ADDR leaves the choice of the port to the system, so nobody knows where to ask: give a port")
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1" // Go listens there, too, whichever of the two families is meant
	}
	return net.JoinHostPort(host, port), nil
}

// askOnce goes the straight way, whatever proxy the environment names.
func askOnce(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s does not answer within %v", url, healthPatience)
	}
	if err != nil {
		return fmt.Errorf("%w; is cc-connector running with the same CC_HTTP_ADDR?", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(answer.Body, reportMost))
	reason := strings.TrimSpace(string(body))
	if report, is := readReport(body); is {
		reason = report.says()
	}
	return fmt.Errorf("%s (%s)", reason, answer.Status)
}
