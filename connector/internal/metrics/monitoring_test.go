package metrics

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"
)

const monitoring = "../../../deploy/monitoring"

// rule is one of deploy/monitoring/prometheus/rules: an alert, or what others ask for under a name.
type rule struct {
	Alert       string
	Record      string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func readYAML(t *testing.T, pattern string, each func(decode func(into any))) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(monitoring, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %q, %v", pattern, files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		each(func(into any) {
			if err := yaml.Unmarshal(content, into); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		})
	}
}

func rules(t *testing.T) map[string]rule {
	t.Helper()
	return rulesBy(t, func(r rule) string { return r.Alert })
}

// recordings are the rules that are no alerts.
func recordings(t *testing.T) map[string]rule {
	t.Helper()
	return rulesBy(t, func(r rule) string { return r.Record })
}

func rulesBy(t *testing.T, name func(rule) string) map[string]rule {
	t.Helper()
	all := make(map[string]rule)
	readYAML(t, "prometheus/rules/*.yml", func(decode func(any)) {
		var file struct{ Groups []struct{ Rules []rule } }
		decode(&file)
		for _, group := range file.Groups {
			for _, r := range group.Rules {
				if _, twice := all[name(r)]; twice {
					t.Errorf("two rules %s", name(r))
				}
				if name(r) != "" {
					all[name(r)] = r
				}
			}
		}
	})
	return all
}

// An alert that asks for a metric, a label or a value that is not there would never fire, and nobody would know.
func TestAlertsAskForWhatIsExported(t *testing.T) {
	exported := newExported()
	for name, r := range recordings(t) {
		for _, wrong := range exported.record(name, parseQuery(r.Expr)) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
	for name, r := range rules(t) {
		q := parseQuery(r.Expr)
		if len(q.selectors) == 0 {
			t.Errorf("%s asks for no metric", name)
		}
		for _, wrong := range exported.wrong(q) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
}

var labelUsed = regexp.MustCompile(`\$labels\.(\w+)`)

// Every alert says how bad it is, what is wrong and what to do, by labels that it has.
func TestAlertsTellEnough(t *testing.T) {
	for name, r := range rules(t) {
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s has the severity %q", name, r.Labels["severity"])
		}
		q := parseQuery(r.Expr)
		for _, annotation := range []string{"summary", "description", "runbook"} {
			text := r.Annotations[annotation]
			if text == "" {
				t.Errorf("%s has no %s", name, annotation)
			}
			for _, used := range labelUsed.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(targetLabels, used[1]) && !slices.Contains(q.groupings, used[1]) {
					t.Errorf("%s: the %s uses the label %s, which the alert does not have", name, annotation, used[1])
				}
			}
		}
	}
}

// unitTest is what promtool runs, as far as it is looked at here.
type unitTest struct {
	Name   string
	Series []struct{ Series string } `yaml:"input_series"`
	Tests  []struct {
		Samples []struct{ Labels string } `yaml:"exp_samples"`
	} `yaml:"promql_expr_test"`
}

func unitTests(t *testing.T) (all []unitTest) {
	t.Helper()
	readYAML(t, "test/*.yml", func(decode func(any)) {
		var file struct{ Tests []unitTest }
		decode(&file)
		all = append(all, file.Tests...)
	})
	return all
}

// fired are the labels of each alert that the tests expect.
func (u unitTest) fired() (all []map[string]string) {
	for _, test := range u.Tests {
		for _, sample := range test.Samples {
			labels := make(map[string]string)
			for label, values := range parseQuery(sample.Labels).selectors[0].where {
				labels[label] = values[0]
			}
			all = append(all, labels)
		}
	}
	return all
}

// The tests of the alerts are fed with what the connector can export, and see each alert fire.
func TestEveryAlertIsSeenToFire(t *testing.T) {
	exported, unseen := newExported(), rules(t)
	for _, u := range unitTests(t) {
		for _, series := range u.Series {
			for _, wrong := range exported.wrong(parseQuery(series.Series)) {
				t.Errorf("%q: %s", u.Name, wrong)
			}
		}
		for _, labels := range u.fired() {
			delete(unseen, labels["alertname"])
		}
	}
	for name := range unseen {
		t.Errorf("no test sees %s fire", name)
	}
}

// causes are the labels that say what is wrong, and where.
var causes = []string{"part", "name", "stream", "stream_name", "server_name", "app", "reason", "result", "command", "code", "lane", "outcome", "pod"}

// What an operator reads names the cause.
func TestAlertsNameTheCause(t *testing.T) {
	all := rules(t)
	for _, u := range unitTests(t) {
		for _, labels := range u.fired() {
			r, known := all[labels["alertname"]]
			if !known {
				t.Errorf("%q expects %s, which is no alert", u.Name, labels["alertname"])
				continue
			}
			told := told(t, r.Annotations["summary"], labels) + " " + told(t, r.Annotations["description"], labels)
			for _, cause := range causes {
				if !strings.Contains(told, labels[cause]) {
					t.Errorf("%s does not tell the %s %s: %s", r.Alert, cause, labels[cause], told)
				}
			}
		}
	}
}

// told is an annotation as Prometheus writes it.
func told(t *testing.T, text string, labels map[string]string) string {
	t.Helper()
	written := func(any) string { return "so much" }
	parsed, err := template.New("").Option("missingkey=zero").Funcs(template.FuncMap{
		"humanize": written, "humanizePercentage": written, "humanizeDuration": written,
	}).Parse("{{$labels := .Labels}}{{$value := .Value}}" + text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var b bytes.Buffer
	if err := parsed.Execute(&b, map[string]any{"Labels": labels, "Value": 7.0}); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return b.String()
}

const (
	alertsBegin = "<!-- alerts: go test ./connector/internal/metrics -run TestReadmeAlerts -update -->\n"
	alertsEnd   = "<!-- alerts: end -->\n"
)

// alertsTable is what deploy/README.md says of the alerts: what the rules say themselves.
func alertsTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| alert | severity | means | what to do |\n| --- | --- | --- | --- |\n")
	all := rules(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r, labels := all[name], make(map[string]string)
		for _, used := range labelUsed.FindAllStringSubmatch(r.Annotations["summary"], -1) {
			labels[used[1]] = "*" + used[1] + "*"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, r.Labels["severity"], told(t, r.Annotations["summary"], labels), r.Annotations["runbook"])
	}
	return b.String()
}

// deploy/README.md tells of every alert what to do.
func TestReadmeAlerts(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	want := alertsTable(t)
	before, rest, begun := strings.Cut(string(text), alertsBegin)
	found, after, ended := strings.Cut(rest, alertsEnd)
	if !begun || !ended {
		t.Skipf("deploy/README.md has no table between %q and %q. It is to be\n%s", alertsBegin, alertsEnd, want)
	}
	if found == want {
		return
	}
	if !*update {
		t.Fatalf("the table of alerts in deploy/README.md is not that of the rules: run this test with -update. It is to be\n%s", want)
	}
	if err := os.WriteFile(readme, []byte(before+alertsBegin+want+alertsEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
