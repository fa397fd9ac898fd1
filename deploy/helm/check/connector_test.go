package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const projectDir = "../../.."

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// setting is one row of the connector's table of settings.
type setting struct{ name, fallback string }

// connectorSettings reads the table where it stands, in the connector's source.
func connectorSettings(t *testing.T) (all []setting) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(projectDir, "cmd/cc-connector/settings.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if field, ok := n.(*ast.Field); ok && field.Tag != nil {
			text, _ := strconv.Unquote(field.Tag.Value)
			tag := reflect.StructTag(text)
			all = append(all, setting{tag.Get("envconfig"), tag.Get("default")})
		}
		return true
	})
	if len(all) < 30 {
		t.Fatalf("read only %d settings", len(all))
	}
	return all
}

// gaugeOfChats is the name of the metric that the autoscaler needs, if the connector has it.
func gaugeOfChats(t *testing.T) string {
	t.Helper()
	const name = "cc_chats_open"
	found := false
	err := filepath.WalkDir(filepath.Join(projectDir, "connector"), func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || strings.Contains(string(content), strconv.Quote(name))
		return err
	})
	if err != nil || !found {
		t.Errorf("the connector has no metric %s: %v", name, err)
	}
	return name
}

// Every setting of the connector has a value in the chart, and the chart sets nothing else.
func TestChartKnowsEverySetting(t *testing.T) {
	given := make(map[string]bool)
	for _, v := range valuesFiles(t) {
		for name := range look(t, v).env {
			given[name] = true
		}
	}
	for _, s := range connectorSettings(t) {
		if !given[s.name] {
			t.Errorf("no values file sets %s: does the chart know it?", s.name)
		}
		delete(given, s.name)
	}
	for name := range given {
		if strings.HasPrefix(name, "CC_") {
			t.Errorf("the chart sets %s, which the connector does not know", name)
		}
	}
}

// values.yaml documents every setting, with the default that the connector has.
func TestValuesDocumentEverySetting(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range connectorSettings(t) {
		line := regexp.MustCompile(`(?m)^.*#.*\b` + s.name + `\b.*$`).FindString(string(content))
		// The chart's own: it sets the address, and the server's address is never the default in a cluster.
		own := s.name == "CC_HTTP_ADDR" || s.name == "CC_NATS_URL"
		if line == "" || !own && s.fallback != "" && !regexp.MustCompile(`\bdefault `+regexp.QuoteMeta(s.fallback)+`\b`).MatchString(line) {
			t.Errorf("values.yaml must document %s, with its default %q: %q", s.name, s.fallback, line)
		}
	}
}

// Where traces go is said by OpenTelemetry's own variables.
func TestChartKnowsTracing(t *testing.T) {
	r := look(t, readValues(t, filepath.Join(chartDir, "ci", "full-values.yaml")))
	want := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example.com:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_SERVICE_NAME": "chat-bridge",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production,team=chat", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25",
	}
	for name, value := range want {
		if r.env[name] != value {
			t.Errorf("%s is %q, want %q", name, r.env[name], value)
		}
	}
	content, err := os.ReadFile(filepath.Join(projectDir, "cmd/cc-connector/tracing_settings.go"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range r.env {
		if strings.HasPrefix(name, "OTEL_") && !strings.Contains(string(content), strconv.Quote(name)) {
			t.Errorf("the chart sets %s, which the connector does not know", name)
		}
	}
}

// Left alone, a setting is not set: what an administrator gave a stream stays as it is.
func TestSmallestReleaseSetsLittle(t *testing.T) {
	want := map[string]string{
		"CC_BASE_URL": "https://acme.brightpattern.com", "CC_APP_ID": "my-launch-point",
		"CC_NATS_URL": "nats://nats:4222", "CC_HTTP_ADDR": ":8080", "CC_MAX_CHATS": "3000",
	}
	if got := look(t, minimal(t)).env; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// As many chats as one replica takes by default fit its memory, at 128 KiB each: twice of what was measured.
func TestChatsFitTheMemory(t *testing.T) {
	r := look(t, minimal(t))
	chats, _ := strconv.ParseInt(r.env["CC_MAX_CHATS"], 10, 64)
	if limit := r.connector.Resources.Limits.Memory().Value(); chats == 0 || chats*128<<10 > limit {
		t.Errorf("%d chats do not fit %d bytes", chats, limit)
	}
}

// YAML numbers come to a template as floats: a million must not become 1e+06.
func TestNumbersStayWhole(t *testing.T) {
	r := look(t, readValues(t, filepath.Join(chartDir, "ci", "full-values.yaml")))
	if got := r.env["CC_MAX_CHATS"]; got != "1000000" {
		t.Errorf("CC_MAX_CHATS is %s", got)
	}
}
