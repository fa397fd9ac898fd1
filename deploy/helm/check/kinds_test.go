package check

import (
	"fmt"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// kinds are the types of all objects that the chart may render.
var kinds = map[meta.TypeMeta]func() any{
	{APIVersion: "apps/v1", Kind: "Deployment"}:                      func() any { return new(apps.Deployment) },
	{APIVersion: "v1", Kind: "Service"}:                              func() any { return new(core.Service) },
	{APIVersion: "v1", Kind: "ServiceAccount"}:                       func() any { return new(core.ServiceAccount) },
	{APIVersion: "v1", Kind: "Pod"}:                                  func() any { return new(core.Pod) },
	{APIVersion: "v1", Kind: "ConfigMap"}:                            func() any { return new(core.ConfigMap) },
	{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}:           func() any { return new(policy.PodDisruptionBudget) },
	{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"}:  func() any { return new(autoscaling.HorizontalPodAutoscaler) },
	{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}:      func() any { return new(networking.NetworkPolicy) },
	{APIVersion: "monitoring.coreos.com/v1", Kind: "ServiceMonitor"}: func() any { return new(monitoring.ServiceMonitor) },
	{APIVersion: "monitoring.coreos.com/v1", Kind: "PrometheusRule"}: func() any { return new(monitoring.PrometheusRule) },
	{APIVersion: "jetstream.nats.io/v1beta2", Kind: "Stream"}:        func() any { return new(nackStream) },
	{APIVersion: "jetstream.nats.io/v1beta2", Kind: "Consumer"}:      func() any { return new(nackConsumer) },
}

// decode reads an object strictly: a kind, a field or a type of value that Kubernetes does not know is an error.
func decode(doc string) (any, error) {
	var what meta.TypeMeta
	if err := yaml.Unmarshal([]byte(doc), &what); err != nil {
		return nil, err
	}
	make, known := kinds[what]
	if !known {
		return nil, fmt.Errorf("unknown kind %s %q", what.APIVersion, what.Kind)
	}
	object := make()
	if err := yaml.UnmarshalStrict([]byte(doc), object); err != nil {
		return nil, fmt.Errorf("%s: %w", what.Kind, err)
	}
	return object, nil
}

// objects are what the chart renders.
func objects(t *testing.T, v values) (all []any) {
	t.Helper()
	for _, doc := range documents(t, v) {
		object, err := decode(doc)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		all = append(all, object)
	}
	return all
}

// only returns the one object of its type, or nil.
func only[T any](t *testing.T, all []any) *T {
	t.Helper()
	var found *T
	for _, object := range all {
		if o, ok := object.(*T); ok {
			if found != nil {
				t.Fatalf("two objects of type %T", o)
			}
			found = o
		}
	}
	return found
}

func TestDecodeIsStrict(t *testing.T) {
	for why, doc := range map[string]string{
		"misspelt field":       "apiVersion: apps/v1\nkind: Deployment\nspec: {replicsa: 1}",
		"field at wrong place": "apiVersion: v1\nkind: Service\nspec: {template: {}}",
		"wrong type of value":  "apiVersion: v1\nkind: Service\nspec: {ports: [{port: http}]}",
		"field given twice":    "apiVersion: v1\nkind: Service\nspec: {}\nspec: {}",
		"old version":          "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget",
		"misspelt NACK field":  "apiVersion: jetstream.nats.io/v1beta2\nkind: Stream\nspec: {max_age: 1h}",
		"misspelt monitor":     "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nspec: {endpoint: []}",
		"misspelt rule":        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {groups: [{name: a, rules: [{alrt: b}]}]}",
	} {
		if _, err := decode(doc); err == nil {
			t.Errorf("%s: was taken", why)
		}
	}
}
