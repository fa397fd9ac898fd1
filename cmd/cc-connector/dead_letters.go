package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"cc-connector/connector/admin"
)

func (w deadWork) meant(ctx context.Context, a *admin.Admin) (all []uint64, err error) {
	found, err := a.Letters(ctx, w.filter)
	for _, letter := range found.Letters {
		all = append(all, letter.Sequence)
	}
	return all, err
}

func (w deadWork) list(ctx context.Context, a *admin.Admin) error {
	found, err := a.Letters(ctx, w.filter)
	if err != nil {
		return err
	}
	if w.json {
		return printJSON(w.stdout, found)
	}
	table := tabwriter.NewWriter(w.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SEQUENCE\tCOMMAND\tCHAT\tCODE\tAGE\tATTEMPTS")
	for _, l := range found.Letters {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\n", l.Sequence, orDash(l.Command), plainID(l.ChatID), orDash(l.Code), ago(l.Age), l.Attempts)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.stdout, "\n%s\n", counted(len(found.Letters), "dead letter"))
	return err
}

func (w deadWork) show(ctx context.Context, a *admin.Admin) error {
	found, err := a.Show(ctx, w.sequences[0], w.data)
	switch {
	case err != nil:
		return err
	case w.json:
		return printJSON(w.stdout, found)
	}
	return printLetter(w.stdout, found, w.data)
}

func printLetter(w io.Writer, s admin.Shown, withData bool) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"sequence", strconv.FormatUint(s.Sequence, 10)}, {"command", orDash(s.Command)}, {"chat", plainID(s.ChatID)},
		{"command id", orDash(s.CommandID)}, {"code", orDash(s.Code)}, {"why", orDash(s.Message)},
		{"attempts", strconv.Itoa(s.Attempts)}, {"given up", s.StoredAt.Format(time.RFC3339) + ", " + ago(s.Age) + " ago"}, {"form", orDash(string(s.Form))},
	} {
		fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
	}
	for _, h := range s.Headers {
		if strings.HasPrefix(h.Name, "Cc-") { // that is told above
			continue
		}
		fmt.Fprintf(table, "header %s\t%s\n", h.Name, valueOf(h))
	}
	for _, h := range s.Attributes {
		fmt.Fprintf(table, "attribute %s\t%s\n", h.Name, valueOf(h))
	}
	for _, f := range s.Fields {
		fmt.Fprintf(table, "data %s\t%s, %d bytes\n", f.Name, f.Kind, f.Bytes)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if !withData {
		_, err := fmt.Fprintf(w, "\nWhat the data say (%d bytes), and headers that may be secret, are not shown: --data does.\n", s.Bytes)
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s%s\n", s.Data, s.DataBase64)
	return err
}

func valueOf(h admin.Header) string {
	if h.Hidden {
		return "(not shown)"
	}
	return h.Value
}

// deadFailure is a dead letter to which nothing was done, and why.
type deadFailure struct {
	Sequence uint64 `json:"sequence"`
	Error    string `json:"error"`
}

var errSomeFailed = errors.New("not all was done: see above")

func (w deadWork) putBack(ctx context.Context, a *admin.Admin) error {
	told := struct {
		Version int             `json:"version"`
		PutBack []admin.PutBack `json:"putBack"`
		Failed  []deadFailure   `json:"failed"`
	}{admin.Version, []admin.PutBack{}, []deadFailure{}}
	for _, sequence := range w.sequences {
		done, err := a.PutBack(ctx, sequence)
		if done.Stored > 0 {
			told.PutBack = append(told.PutBack, done)
		}
		if err != nil {
			told.Failed = append(told.Failed, deadFailure{sequence, err.Error()})
		}
	}
	if !w.json {
		for _, done := range told.PutBack {
			fmt.Fprintf(w.stdout, "%d: %s is put back under the id %s%s\n", done.Sequence, done.Command, done.ID, withoutExpiry(done))
		}
	}
	return w.end(told, told.Failed)
}

func withoutExpiry(done admin.PutBack) string {
	if done.Expired {
		return "; its expirytime, which was over, is taken out"
	}
	return ""
}

func (w deadWork) delete(ctx context.Context, a *admin.Admin) error {
	told := struct {
		Version int           `json:"version"`
		Deleted []uint64      `json:"deleted"`
		Failed  []deadFailure `json:"failed"`
	}{admin.Version, []uint64{}, []deadFailure{}}
	for _, sequence := range w.sequences {
		if err := a.Delete(ctx, sequence); err != nil {
			told.Failed = append(told.Failed, deadFailure{sequence, err.Error()})
			continue
		}
		told.Deleted = append(told.Deleted, sequence)
	}
	if !w.json {
		fmt.Fprintf(w.stdout, "%s deleted\n", counted(len(told.Deleted), "dead letter"))
	}
	return w.end(told, told.Failed)
}

// end tells what failed.
func (w deadWork) end(told any, failed []deadFailure) error {
	if w.json {
		if err := printJSON(w.stdout, told); err != nil {
			return err
		}
	}
	for _, f := range failed {
		if !w.json {
			fmt.Fprintf(w.stdout, "%d: %s\n", f.Sequence, f.Error)
		}
	}
	if len(failed) > 0 {
		return errSomeFailed
	}
	return nil
}
