//go:build docker

package deploytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The system as a newcomer gets it. The parts are tried one after the other on
// the same system, and at the end nothing that the contact center said is lost.
func TestSystem(t *testing.T) {
	c := freshClone(t)
	c.logsOnFailure(t)
	c.compose(t, "up", "--detach", "--wait", "--wait-timeout", "60")
	for _, part := range []struct {
		name string
		try  func(*testing.T)
	}{
		{"the demonstration plays", c.tryDemo},
		{"chats go on without a connector that is killed", c.tryKilledConnector},
		{"chats outlive a restart of NATS", c.tryRestartOfNATS},
		{"nothing is lost", c.tryAccount},
		{"Prometheus scrapes every part, and evaluates the alerts", c.tryMonitoring},
	} {
		if !t.Run(part.name, part.try) {
			return
		}
	}
}

func (c clone) tryDemo(t *testing.T) {
	shown := c.startDemo(t).end(t)
	for _, pattern := range []string{
		`→ cc\.chat\.request`, `← cc\.chat\..*\.session\.opened +1 `, `← cc\.chat\..*\.event\.message `, `\.session\.closed .*reason="ended"`,
		`The conversation was whole: chat \S+, sequence 1 to \d+ without a hole`,
	} {
		if !regexp.MustCompile(pattern).MatchString(shown) {
			t.Errorf("%s is not shown:\n%s", pattern, shown)
		}
	}
}

func (c clone) tryKilledConnector(t *testing.T) {
	demos := c.startDemos(t, 4)
	for _, d := range demos {
		d.until(t, ".event.party_joined")
	}
	victim, _, _ := strings.Cut(c.compose(t, "ps", "--quiet", "connector"), "\n")
	c.must(t, "kill", "--signal", "KILL", victim)
	for _, d := range demos {
		d.end(t)
	}
	c.compose(t, "up", "--detach", "--wait", "--wait-timeout", "60")
}

func (c clone) tryRestartOfNATS(t *testing.T) {
	d := c.startDemo(t) // alone: what is delivered while NATS comes back is delivered to whoever listens
	d.until(t, ".event.party_joined")
	c.compose(t, "restart", "nats")
	d.end(t)
	c.compose(t, "up", "--detach", "--wait", "--wait-timeout", "60")
	c.tryDemo(t)
}

// tryMonitoring leaves Grafana out: there may be no image of it.
func (c clone) tryMonitoring(t *testing.T) {
	c.compose(t, "--profile", "monitoring", "up", "--detach", "--wait", "--wait-timeout", "60", "prometheus")
	want := map[string]int{"cc-connector": 2, "nats": 1}
	untilShown(t, func() (bool, string) {
		up, last := targetsUp(t)
		return maps.Equal(up, want), fmt.Sprintf("targets that are up: %v, want %v; %s", up, want, last)
	})
	untilShown(t, func() (bool, string) {
		evaluated, last := rulesEvaluated(t)
		return evaluated > 30 && last == "", fmt.Sprintf("%d rules are evaluated; %s", evaluated, last)
	})
}

// untilShown asks again: Prometheus tells nobody when it has scraped, or evaluated.
func untilShown(t *testing.T, is func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		shown, otherwise := is()
		if shown {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(otherwise)
		}
		time.Sleep(time.Second)
	}
}

// rulesEvaluated counts the rules that Prometheus has evaluated without an error, none of which may fire here.
func rulesEvaluated(t *testing.T) (evaluated int, last string) {
	t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError, State string }
			}
		}
	}
	getJSON(t, "http://127.0.0.1:9090/api/v1/rules", &answer)
	for _, group := range answer.Data.Groups {
		for _, rule := range group.Rules {
			if rule.State == "firing" {
				t.Fatalf("the alert %s fires", rule.Name)
			}
			if rule.Health == "ok" {
				evaluated++
			} else {
				last = fmt.Sprintf("%s: %s %s", rule.Name, rule.Health, rule.LastError)
			}
		}
	}
	return evaluated, last
}

// targetsUp counts, by job, the targets that Prometheus could scrape.
func targetsUp(t *testing.T) (map[string]int, string) {
	t.Helper()
	var answer struct {
		Data struct {
			ActiveTargets []struct {
				Labels            struct{ Job string }
				Health, LastError string
			}
		}
	}
	getJSON(t, "http://127.0.0.1:9090/api/v1/targets", &answer)
	up, last := make(map[string]int), ""
	for _, target := range answer.Data.ActiveTargets {
		if target.Health == "up" {
			up[target.Labels.Job]++
		} else {
			last = target.LastError
		}
	}
	return up, last
}

func getJSON(t *testing.T, url string, into any) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		t.Fatalf("%s (%s): %v", url, answer.Status, err)
	}
}
