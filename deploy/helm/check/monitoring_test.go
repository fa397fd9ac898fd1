package check

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const monitoringDir = "../../monitoring"

// copies are the files that the chart has to hold itself, because a chart is installed without what lies beside it.
func copies(t *testing.T) map[string]string {
	t.Helper()
	rules, err := filepath.Glob(filepath.Join(monitoringDir, "prometheus/rules/*.yml"))
	if err != nil || len(rules) == 0 {
		t.Fatalf("the files of rules: %v, %v", rules, err)
	}
	all := map[string]string{"files/dashboard.json": filepath.Join(monitoringDir, "grafana/dashboards/cc-connector.json")}
	for _, file := range rules {
		all["files/rules/"+filepath.Base(file)] = file
	}
	return all
}

func TestTheChartHasTheSameRulesAndDashboard(t *testing.T) {
	all := copies(t)
	for held, source := range all {
		want, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(chartDir, held)); !bytes.Equal(got, want) {
			t.Errorf("%s in the chart is not %s (%v): copy it there", held, source, err)
		}
	}
	held, err := filepath.Glob(filepath.Join(chartDir, "files/rules/*"))
	if err != nil || len(held) != len(all)-1 {
		t.Errorf("the chart has the files of rules %v, %v", held, err)
	}
}

func withMonitoring(t *testing.T) values {
	return minimal(t).with(t, `{prometheusRule: {enabled: true, labels: {release: prometheus}}, dashboard: {enabled: true}}`)
}

// What comes to the cluster is every rule, as it stands in the files: nothing in it was taken for a template of Helm.
func TestRulesComeToTheCluster(t *testing.T) {
	rule := only[monitoring.PrometheusRule](t, objects(t, withMonitoring(t)))
	if rule == nil || rule.Labels["release"] != "prometheus" || rule.Namespace != namespace {
		t.Fatalf("no PrometheusRule with the labels: %+v", rule)
	}
	var want []monitoring.RuleGroup
	for _, file := range sortedRules(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var spec monitoring.PrometheusRuleSpec
		if err := yaml.UnmarshalStrict(content, &spec); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		want = append(want, spec.Groups...)
	}
	if !reflect.DeepEqual(rule.Spec.Groups, want) {
		t.Errorf("got %+v\nwant %+v", rule.Spec.Groups, want)
	}
}

func sortedRules(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(monitoringDir, "prometheus/rules/*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDashboardComesToTheCluster(t *testing.T) {
	config := only[core.ConfigMap](t, objects(t, withMonitoring(t)))
	if config == nil || config.Labels["grafana_dashboard"] != "1" {
		t.Fatalf("no ConfigMap with the sidecar's label: %+v", config)
	}
	content, err := os.ReadFile(filepath.Join(monitoringDir, "grafana/dashboards/cc-connector.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(config.Data["cc-connector.json"]), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the ConfigMap holds another dashboard: %v", err)
	}
}

func TestMonitoringIsOffUnlessAskedFor(t *testing.T) {
	all := objects(t, minimal(t))
	if only[monitoring.PrometheusRule](t, all) != nil || only[core.ConfigMap](t, all) != nil {
		t.Error("rules or dashboard were not asked for")
	}
}
