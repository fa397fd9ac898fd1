package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is what Grafana reads, as far as it is looked at here.
type dashboard struct {
	SchemaVersion int
	UID, Title    string
	Panels        []panel
	Templating    struct {
		List []struct{ Name, Definition string }
	}
	Annotations struct{ List []target }
}

type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               struct{ UID string }
	Targets                  []target
	FieldConfig              struct {
		Defaults struct{ Unit string }
	}
}

type target struct{ RefID, Expr, LegendFormat, TextFormat string }

func readDashboard(t *testing.T) (d dashboard, text string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(monitoring, "grafana/dashboards/cc-connector.json"))
	if err == nil {
		err = json.Unmarshal(content, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d, string(content)
}

var legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)

// A panel that asks for what is not there would be empty, as if all were well.
func TestDashboardAsksForWhatIsExported(t *testing.T) {
	d, _ := readDashboard(t)
	exported, shown := newExported(), make(map[string]bool)
	check := func(title string, asked target) {
		q := parseQuery(asked.Expr)
		for _, wrong := range exported.wrong(q) {
			t.Errorf("%s: %s", title, wrong)
		}
		for _, s := range q.selectors {
			f, _ := exported.family(s.metric)
			shown[f.Name] = true
		}
		for _, used := range legendLabel.FindAllStringSubmatch(asked.LegendFormat, -1) {
			if !slices.Contains(targetLabels, used[1]) && !slices.Contains(q.groupings, used[1]) {
				t.Errorf("%s: the legend has the label %s, which the series do not have", title, used[1])
			}
		}
	}
	for _, p := range d.Panels {
		for _, asked := range p.Targets {
			check(p.Title, asked)
		}
	}
	for _, asked := range d.Annotations.List {
		check("annotation", target{Expr: asked.Expr})
	}
	for _, variable := range d.Templating.List {
		check("variable "+variable.Name, target{Expr: variable.Definition})
	}
	for _, f := range Unregistered().Families() {
		if !shown[f.Name] {
			t.Errorf("no panel shows %s", f.Name)
		}
	}
}

// What Grafana wants of a dashboard, and a reader of its panels.
func TestDashboardIsWhole(t *testing.T) {
	d, text := readDashboard(t)
	if d.SchemaVersion < 36 || d.UID == "" || d.Title == "" {
		t.Errorf("schema version %d, uid %q, title %q", d.SchemaVersion, d.UID, d.Title)
	}
	ids, taken := make(map[int]bool), make(map[[2]int]string)
	for _, p := range d.Panels {
		if p.ID == 0 || ids[p.ID] {
			t.Errorf("%s has the id %d, as another one", p.Title, p.ID)
		}
		ids[p.ID] = true
		p.takePlace(t, taken)
		if p.Type != "row" {
			p.checkContent(t)
		}
	}
	variables := []string{"datasource", "__rate_interval", "__range", "__all"}
	for _, variable := range d.Templating.List {
		variables = append(variables, variable.Name)
	}
	for _, used := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains(variables, used[1]) {
			t.Errorf("there is no variable %s", used[1])
		}
	}
}

// takePlace: 24 columns, and no panel lies on another one.
func (p panel) takePlace(t *testing.T, taken map[[2]int]string) {
	t.Helper()
	g := p.GridPos
	if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
		t.Errorf("%s has the place %+v", p.Title, g)
	}
	for x := g.X; x < g.X+g.W; x++ {
		for y := g.Y; y < g.Y+g.H; y++ {
			if other := taken[[2]int{x, y}]; other != "" {
				t.Fatalf("%s lies on %s", p.Title, other)
			}
			taken[[2]int{x, y}] = p.Title
		}
	}
}

func (p panel) checkContent(t *testing.T) {
	t.Helper()
	if p.Title == "" || !strings.HasSuffix(p.Description, ".") || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
		t.Errorf("%q lacks a title, a description, the data source or a query", p.Title)
	}
	if p.Type != "table" && p.FieldConfig.Defaults.Unit == "" {
		t.Errorf("%s has no unit", p.Title)
	}
	refs := make(map[string]bool)
	for _, asked := range p.Targets {
		if asked.RefID == "" || refs[asked.RefID] {
			t.Errorf("%s: the query's refId %q is another's", p.Title, asked.RefID)
		}
		refs[asked.RefID] = true
	}
}

// The provider looks where docker-compose.yml puts the files.
func TestDashboardIsProvisioned(t *testing.T) {
	provider, err := os.ReadFile(filepath.Join(monitoring, "grafana/dashboards/provider.yml"))
	if err != nil {
		t.Fatal(err)
	}
	compose, err := os.ReadFile("../../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	const mounted = "/etc/grafana/provisioning"
	if !strings.Contains(string(compose), fmt.Sprintf("./deploy/monitoring/grafana:%s:", mounted)) || !strings.Contains(string(provider), "path: "+mounted+"/dashboards\n") {
		t.Error("docker-compose.yml mounts the dashboards elsewhere than the provider looks")
	}
}
