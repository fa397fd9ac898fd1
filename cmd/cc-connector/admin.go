package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"
	"golang.org/x/term"

	"cc-connector/connector/admin"
)

const adminPatience = 10 * time.Second // who types a command does not wait for a NATS that starts

// administer signs in as the connector does, and works until it is interrupted. A
// request that NATS forbids ends it: nobody would ever answer.
func administer(do func(context.Context, *admin.Admin) error) error {
	r, err := newReader()
	if err != nil {
		return err
	}
	signIn, cfg := r.nats(), r.admin()
	if err := r.err(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, forbid := context.WithCancelCause(ctx)
	defer forbid(nil)
	nc, err := connectNATS(ctx, signIn, adminPatience, slog.New(slog.DiscardHandler), func(error) {})
	if err != nil {
		return err
	}
	defer nc.Close()
	nc.SetErrorHandler(endIfForbidden(forbid))
	js, err := signIn.jetStream(nc)
	if err != nil {
		return err
	}
	opened, err := admin.Open(ctx, nc, js, cfg)
	if err == nil {
		err = do(ctx, opened)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

func endIfForbidden(forbid context.CancelCauseFunc) nats.ErrHandler {
	return func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrPermissionViolation) {
			forbid(fmt.Errorf("NATS does not allow it to this user: %w; see CC_NATS_INBOX_PREFIX, and what \"cc-connector permissions\" prints", err))
		}
	}
}

// admin reads which connector it is.
func (r *reader) admin() admin.Config {
	base := r.baseURL()
	return admin.Config{Prefix: r.prefix(), BaseURL: base.String(), Tenant: r.tenant(base), CallTimeout: r.duration(&r.HTTPTimeout)}
}

// interspersed takes flags also behind and between the operands.
func interspersed(flags *flag.FlagSet, args []string) (operands []string, err error) {
	for len(args) > 0 {
		operands = append(operands, args[0])
		if err := flags.Parse(args[1:]); err != nil {
			return nil, usageError(err.Error())
		}
		args = flags.Args()
	}
	return operands, nil
}

var errNotConfirmed = errors.New("not confirmed: nothing was done")

// confirm asks on a terminal. Elsewhere nobody could answer.
func confirm(isSure bool, stderr io.Writer, question string) error {
	if isSure || !term.IsTerminal(int(os.Stdin.Fd())) {
		return nil
	}
	fmt.Fprintf(stderr, "%s [y/N] ", question)
	var answer string
	_, _ = fmt.Fscanln(os.Stdin, &answer)
	if answer = strings.ToLower(answer); answer != "y" && answer != "yes" {
		return errNotConfirmed
	}
	return nil
}

// plainID is a chat's id as a terminal can be trusted with it.
func plainID(id string) string {
	if id == "" {
		return "-"
	}
	if strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' }) {
		return fmt.Sprintf("%q", id)
	}
	return id
}

// counted is a number of things.
func counted(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// ago is an age for people.
func ago(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// orDash stands for nothing in a table.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
