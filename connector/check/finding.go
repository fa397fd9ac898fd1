package check

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Status is what became of something that was tried.
type Status string

// The statuses. Only Wrong makes a check fail.
const (
	OK       Status = "ok"
	Warning  Status = "warning"   // the connector works, but not for ever, or not as it was set
	Wrong    Status = "wrong"     // the connector does not work, or a part of it
	NotTried Status = "not_tried" // nothing is known of it
)

// ID names what was looked at: area.thing. It stays the same over versions.
type ID string

// Area is the first part of the id.
func (id ID) Area() string {
	area, _, _ := strings.Cut(string(id), ".")
	return area
}

// Finding is what is known of one thing.
type Finding struct {
	ID     ID     `json:"id"`
	Status Status `json:"status"`
	About  string `json:"about,omitempty"` // which one: a stream, consumer, subject, app, variable
	Says   string `json:"says"`
	Do     string `json:"do,omitempty"` // not empty if something is to be done
}

// The finders of single things.

func fine(id ID, about, says string, values ...any) Finding {
	return Finding{ID: id, Status: OK, About: about, Says: fmt.Sprintf(says, values...)}
}

func untried(id ID, about, says string, values ...any) Finding {
	return Finding{ID: id, Status: NotTried, About: about, Says: fmt.Sprintf(says, values...)}
}

func warn(id ID, about, do, says string, values ...any) Finding {
	return Finding{ID: id, Status: Warning, About: about, Says: fmt.Sprintf(says, values...), Do: do}
}

func wrong(id ID, about, do, says string, values ...any) Finding {
	return Finding{ID: id, Status: Wrong, About: about, Says: fmt.Sprintf(says, values...), Do: do}
}

// Together runs checks at once. Their findings come in the order of the checks.
func Together(ctx context.Context, checks ...func(context.Context) []Finding) (all []Finding) {
	found := make([][]Finding, len(checks))
	var running sync.WaitGroup
	for i, one := range checks {
		running.Go(func() { found[i] = one(ctx) })
	}
	running.Wait()
	for _, some := range found {
		all = append(all, some...)
	}
	return all
}

// left says how long the context still gave when something was begun.
func left(ctx context.Context) string {
	end, ends := ctx.Deadline()
	if !ends {
		return "the time that there was"
	}
	return Shown(time.Until(end))
}

// Shown is a duration as people say it.
func Shown(d time.Duration) string {
	switch {
	case d < 0:
		return Shown(-d)
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// size is a number of bytes as people say it.
func size(bytes uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(bytes), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

// count is a number of things.
func count[N int | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
