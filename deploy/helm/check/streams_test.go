package check

import (
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// streamsFor is what `cc-connector streams --nack` prints for a release with these values.
func streamsFor(t *testing.T, v values) string {
	t.Helper()
	command := exec.Command(program(t, "cc-connector"), "streams", "--nack")
	command.Env = look(t, v).environment(nil)
	out, err := command.Output()
	if err != nil {
		t.Fatal(err, string(err.(*exec.ExitError).Stderr))
	}
	return string(out)
}

func withNACK(v values, resources string) values {
	all := values{"nack": map[string]any{"enabled": true, "resources": resources}}
	for key, value := range v {
		all[key] = value
	}
	return all
}

// resourcesOf lists the resources of NACK by kind and name, without what the chart adds.
func resourcesOf(t *testing.T, docs []string) map[string]any {
	t.Helper()
	all := make(map[string]any)
	for _, doc := range docs {
		var resource struct {
			APIVersion, Kind string
			Metadata         struct{ Name string }
			Spec             any
		}
		if err := yaml.Unmarshal([]byte(doc), &resource); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(resource.APIVersion, "jetstream.nats.io/") {
			all[resource.Kind+" "+resource.Metadata.Name] = resource.Spec
		}
	}
	return all
}

// The chart sends what the connector's command prints, and the connector leaves the streams to NACK.
func TestNACKResourcesAreTheCommands(t *testing.T) {
	for name, v := range valuesFiles(t) {
		t.Run(name, func(t *testing.T) {
			printed := streamsFor(t, v)
			v := withNACK(v, printed)
			want, got := resourcesOf(t, splitYAML(printed)), resourcesOf(t, documents(t, v))
			if len(want) < 10 || !reflect.DeepEqual(got, want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
			r := look(t, v)
			r.must(r.env["CC_PROVISION"] == "false", "the connector would change the streams, too")
			r.checkStreams()
		})
	}
}

// checkStreams: NACK's defaults (in memory, in any namespace) are not the connector's.
func (r rendered) checkStreams() {
	for _, object := range r.all {
		switch o := object.(type) {
		case *nackStream:
			r.must(o.Spec.Storage == "file", o.Name+" is kept in memory")
			r.must(slices.Contains([]string{"limits", "workqueue"}, o.Spec.Retention), o.Name+": retention "+o.Spec.Retention)
			r.must(slices.Contains([]string{"old", "new"}, o.Spec.Discard), o.Name+": discard "+o.Spec.Discard)
			r.must(o.Spec.PreventDelete, o.Name+" would be deleted with the release, and what is in it")
			r.checkPlace(o.Name, o.Namespace)
		case *nackConsumer:
			r.must(o.Spec.AckPolicy == "explicit" && o.Spec.DurableName != "", o.Name+" is no durable consumer")
			r.checkPlace(o.Name, o.Namespace)
		}
	}
}

func (r rendered) checkPlace(name, in string) {
	r.must(in == namespace, name+" is in another namespace")
	r.must(len(validation.IsDNS1123Subdomain(name)) == 0, name+" is no name of an object")
}

// Resources of another release are refused: its connectors would not start.
func TestForeignStreamsAreRefused(t *testing.T) {
	printed := streamsFor(t, minimal(t))
	for over, names := range map[string]string{
		`settings: {subjectPrefix: other}`:               "nack.resources has no stream OTHER_EVENTS",
		`contactCenter: {baseUrl: "https://other.test"}`: "CC_EVENTS is made for https://acme.brightpattern.com",
	} {
		_, err := render(withNACK(minimal(t).with(t, over), printed))
		if err == nil || !strings.Contains(err.Error(), names) {
			t.Errorf("%s: the message must name %q: %v", over, names, err)
		}
	}
}
