package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

type settings struct {
	check       string
	listen      string
	script      string
	pace        float64
	hold        time.Duration
	tenant      string
	apps        []string
	answerSends bool
	uneven      bool
	inactivity  time.Duration
	linger      time.Duration
}

var errHelp = flag.ErrHelp

// parse names the flag that is wrong.
func parse(args []string, errs io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("ccsim", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&set.listen, "listen", "127.0.0.1:8090", "address to listen on")
	flags.StringVar(&set.check, "check", "", "only ask the ccsim at this address whether it serves")
	flags.StringVar(&set.script, "script", "support", "what happens in a new chat: "+strings.Join(bpsim.Scripts(), ", "))
	flags.Float64Var(&set.pace, "pace", 1, "multiplies the script's pauses; 0: none")
	flags.DurationVar(&set.hold, "hold", 10*time.Second, "how long a poll is held with nothing new")
	flags.StringVar(&set.tenant, "tenant", "", "the tenantUrl to accept (default any)")
	apps := flags.String("apps", "", "the appIds to accept, separated by commas (default any)")
	flags.BoolVar(&set.answerSends, "answer-sends", false, "answer sends with pending events, as older servers do")
	flags.BoolVar(&set.uneven, "uneven", false, "have polls leave out some times and parties, which the history tells")
	flags.DurationVar(&set.inactivity, "inactivity", 10*time.Minute, "a silent customer's session ends after this long")
	flags.DurationVar(&set.linger, "linger", 30*time.Second, "a session goes on for this long after the status failed or completed; 0: it is over at once")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(errs)
		flags.Usage()
		return set, errHelp
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q: there are only flags", flags.Arg(0))
	}
	set.apps = splitApps(*apps)
	return set, errors.Join(err, set.validate())
}

func splitApps(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(app string) bool { return app == "" })
}

func (set settings) validate() error {
	var errs []error
	if !slices.Contains(bpsim.Scripts(), set.script) {
		errs = append(errs, fmt.Errorf("-script: must be one of %s", strings.Join(bpsim.Scripts(), ", ")))
	}
	if set.pace < 0 || math.IsNaN(set.pace) || math.IsInf(set.pace, 0) {
		errs = append(errs, errors.New("-pace: must be 0 or more"))
	}
	if set.hold <= 0 {
		errs = append(errs, errors.New("-hold: must be positive"))
	}
	if set.inactivity <= 0 {
		errs = append(errs, errors.New("-inactivity: must be positive"))
	}
	if set.linger < 0 {
		errs = append(errs, errors.New("-linger: must not be negative"))
	}
	return errors.Join(errs...)
}

func (set settings) options(log io.Writer) bpsim.Options {
	return bpsim.Options{
		Tenant: set.tenant, Apps: set.apps, Hold: set.hold, Script: set.script, Pace: set.pace,
		InactivityTimeout: set.inactivity, Linger: set.linger, AnswerSends: set.answerSends, Uneven: set.uneven,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}
}

// welcome is what a developer needs to begin.
func welcome(addr net.Addr, set settings) string {
	return fmt.Sprintf(greeting, set.script, reachable(addr), exampleTenant(set), exampleApp(set), bpsim.FaultHelp())
}

const greeting = `A simulated Bright Pattern contact center is ready; new chats play the script %[1]q.
Use http://%[2]s as the base URL. Its control API is below http://%[2]s/sim/
(chats, faults, calls): GET /sim/ tells all that it can do, GET /sim/chats what has
happened. Start a chat:

  curl -s 'http://%[2]s/clientweb/api/v2/chats?tenantUrl=%[3]s' \
    -H 'Authorization: MOBILE-API-140-327-PLAIN appId="%[4]s", clientId="me"' \
    -H 'User-Agent: MobileClient' -H 'Cache-Control: no-cache' \
    -H 'Content-Type: application/json; charset=UTF-8' -d '{"parameters":{}}'

Let something go wrong by POST http://%[2]s/sim/faults (DELETE ends it all):

  a maintenance page     {"kind":"page","reads":true,"for":"1m"}
  a firewall             {"kind":"status","status":403,"html":true,"body":"<script>"}
  a redirect             {"kind":"status","status":301,"location":"https://login.example/"}
  a chat's way is lost   {"kind":"status","status":404,"chat":"<id>"}
  a fail-over            {"kind":"status","status":404,"code":"5005","method":"pollEvents","times":1}

%[5]s
Interrupt it (Ctrl-C) to end it.
`

// reachable names a host even if it listens on all of them.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
}

func exampleTenant(set settings) string {
	if set.tenant == "" {
		return "localhost"
	}
	return set.tenant
}

func exampleApp(set settings) string {
	if len(set.apps) == 0 {
		return "any-app"
	}
	return set.apps[0]
}
