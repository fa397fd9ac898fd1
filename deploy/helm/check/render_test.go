package check

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

const (
	chartDir  = "../cc-connector"
	release   = "acme"
	namespace = "chat"
)

// values are what a user gives, as in a values file.
type values map[string]any

func parseValues(t *testing.T, text string) values {
	t.Helper()
	var v values
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// with returns values where the ones of text are laid over.
func (v values) with(t *testing.T, text string) values {
	t.Helper()
	return loader.MergeMaps(v, parseValues(t, text))
}

func readValues(t *testing.T, file string) values {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parseValues(t, string(content))
}

func minimal(t *testing.T) values {
	return readValues(t, filepath.Join(chartDir, "ci", "minimal-values.yaml"))
}

// valuesFiles are all that the chart is rendered with, by name, and NACK's, whose resources no file can hold.
func valuesFiles(t *testing.T) map[string]values {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chartDir, "ci", "*-values.yaml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("the values files of the chart: %v, %v", files, err)
	}
	all := make(map[string]values)
	for _, file := range files {
		all[strings.TrimSuffix(filepath.Base(file), "-values.yaml")] = readValues(t, file)
	}
	return all
}

// render returns the chart's files as Helm would send them, by template; the error is what a user would read.
func render(v values) (map[string]string, error) {
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		return nil, err
	}
	options := common.ReleaseOptions{Name: release, Namespace: namespace, IsInstall: true}
	all, err := util.ToRenderValues(chart, v, options, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

// documents are the rendered objects, each as YAML.
func documents(t *testing.T, v values) []string {
	t.Helper()
	files, err := render(v)
	if err != nil {
		t.Fatal(err)
	}
	var docs []string
	for name, content := range files {
		if filepath.Ext(name) == ".yaml" {
			docs = append(docs, splitYAML(content)...)
		}
	}
	slices.Sort(docs)
	return docs
}

func splitYAML(content string) (docs []string) {
	for doc := range strings.SplitSeq("\n"+content, "\n---") {
		if strings.TrimSpace(doc) != "" {
			docs = append(docs, doc)
		}
	}
	return docs
}
