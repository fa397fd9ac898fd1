package check

import (
	"regexp"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const mountRoot = "/etc/cc-connector"

// rendered is what the checks below look at.
type rendered struct {
	*testing.T
	all        []any
	deployment *apps.Deployment
	pod        core.PodSpec
	connector  core.Container
	env        map[string]string // those with a value
}

func look(t *testing.T, v values) rendered {
	t.Helper()
	r := rendered{T: t, all: objects(t, v), env: make(map[string]string)}
	r.deployment = only[apps.Deployment](t, r.all)
	if r.deployment == nil || len(r.deployment.Spec.Template.Spec.Containers) != 1 {
		t.Fatal("no Deployment with one container")
	}
	r.pod = r.deployment.Spec.Template.Spec
	r.connector = r.pod.Containers[0]
	for _, e := range r.connector.Env {
		if _, twice := r.env[e.Name]; twice {
			t.Errorf("%s is given twice", e.Name)
		}
		if e.ValueFrom == nil { // else the cluster gives it
			r.env[e.Name] = e.Value
		}
	}
	return r
}

func TestMeaning(t *testing.T) {
	for name, v := range valuesFiles(t) {
		t.Run(name, func(t *testing.T) {
			r := look(t, v)
			r.checkImages()
			r.checkSecurity()
			r.checkProbes()
			r.checkGrace()
			r.checkFiles()
			r.checkSelectors()
			r.checkScale()
			r.checkResources()
		})
	}
}

var version = regexp.MustCompile(`(:\d+\.\d+\.\d+[-.0-9A-Za-z]*|@sha256:[0-9a-f]{64})$`)

func (r rendered) checkImages() {
	for _, c := range r.containers() {
		if !version.MatchString(c.Image) {
			r.Errorf("%s: image %s has no version", c.Name, c.Image)
		}
	}
}

// pods are the connector's and the ones of `helm test`.
func (r rendered) pods() []core.PodSpec {
	all := []core.PodSpec{r.pod}
	for _, object := range r.all {
		if pod, ok := object.(*core.Pod); ok {
			all = append(all, pod.Spec)
		}
	}
	return all
}

func (r rendered) containers() (all []core.Container) {
	for _, pod := range r.pods() {
		all = append(all, pod.Containers...)
	}
	return all
}

// checkSecurity is the profile "restricted" of the Pod Security Standards, and more.
func (r rendered) checkSecurity() {
	for _, pod := range r.pods() {
		p := pod.SecurityContext
		r.must(p.RunAsNonRoot != nil && *p.RunAsNonRoot && p.RunAsUser != nil && *p.RunAsUser > 0, "runs as root")
		r.must(p.SeccompProfile != nil && p.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault, "no seccomp profile")
		r.must(isFalse(pod.AutomountServiceAccountToken), "a token of Kubernetes is mounted")
		r.must(isFalse(pod.EnableServiceLinks), "variables of Services would be taken for settings")
		r.must(!pod.HostNetwork && !pod.HostPID && !pod.HostIPC, "shares the host's namespaces")
	}
	for _, c := range r.containers() {
		s := c.SecurityContext
		r.must(s != nil && isFalse(s.AllowPrivilegeEscalation), "may gain privileges")
		r.must(s.ReadOnlyRootFilesystem != nil && *s.ReadOnlyRootFilesystem, "may write to the image")
		r.must(len(s.Capabilities.Drop) == 1 && s.Capabilities.Drop[0] == "ALL" && s.Capabilities.Add == nil, "has capabilities")
	}
	if account := only[core.ServiceAccount](r.T, r.all); account != nil {
		r.must(isFalse(account.AutomountServiceAccountToken), "the ServiceAccount mounts its token")
		r.must(account.Name == r.pod.ServiceAccountName, "the pod has another ServiceAccount")
	}
}

func isFalse(b *bool) bool { return b != nil && !*b }

func (r rendered) must(ok bool, otherwise string) {
	r.Helper()
	if !ok {
		r.Error(otherwise)
	}
}

// checkProbes: they reach a port of the container, and it is the one that the connector listens on.
func (r rendered) checkProbes() {
	port := r.connector.Ports[0]
	for path, probe := range map[string]*core.Probe{
		"/healthz": r.connector.LivenessProbe, "/readyz": r.connector.ReadinessProbe,
	} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != port.Name {
			r.Errorf("no probe of %s at the port %s", path, port.Name)
		}
	}
	r.must(r.connector.StartupProbe != nil && r.connector.StartupProbe.HTTPGet.Path == "/healthz", "no startup probe")
	r.must(r.connector.ReadinessProbe.TimeoutSeconds > 2, "/readyz is given less time than it takes")
	r.must(r.env["CC_HTTP_ADDR"] == ":"+itoa(port.ContainerPort), "the connector listens elsewhere: "+r.env["CC_HTTP_ADDR"])
	service := only[core.Service](r.T, r.all)
	r.must(service != nil && service.Spec.Ports[0].TargetPort.StrVal == port.Name, "the Service leads elsewhere")
	if monitor := only[monitoring.ServiceMonitor](r.T, r.all); monitor != nil {
		endpoint := monitor.Spec.Endpoints[0]
		r.must(endpoint.Port == service.Spec.Ports[0].Name && endpoint.Path == "/metrics", "the ServiceMonitor looks elsewhere")
	}
}

func (r rendered) checkGrace() {
	drain := 20 * time.Second
	if text := r.env["CC_DRAIN_TIMEOUT"]; text != "" {
		drain, _ = time.ParseDuration(text)
	}
	grace := time.Duration(*r.pod.TerminationGracePeriodSeconds) * time.Second
	if drain == 0 || grace < drain+5*time.Second {
		r.Errorf("%v are given to leave, of which draining may take %v", grace, drain)
	}
}

// checkFiles: every file that a setting names is mounted, read-only and whole, and nothing else is.
func (r rendered) checkFiles() {
	mounted := make(map[string]bool)
	for _, mount := range r.connector.VolumeMounts {
		r.must(mount.ReadOnly && mount.SubPath == "", mount.Name+" is not mounted read-only and whole")
		for _, item := range r.items(mount.Name) {
			mounted[mount.MountPath+"/"+item.Path] = true
		}
	}
	for name, value := range r.env {
		if name == "CC_NATS_CONTEXT" { // which is looked for by its name
			value = r.env["XDG_CONFIG_HOME"] + "/nats/context/" + value + ".json"
		}
		if strings.HasPrefix(name, "CC_") && strings.HasPrefix(value, mountRoot+"/") {
			r.must(mounted[value], name+" names a file that is not mounted: "+value)
			delete(mounted, value)
		}
	}
	r.must(len(mounted) == 0, "files are mounted that no setting names")
}

func (r rendered) items(volume string) []core.KeyToPath {
	for _, v := range r.pod.Volumes {
		switch {
		case v.Name != volume:
		case v.Secret != nil:
			r.must(v.Secret.DefaultMode != nil && *v.Secret.DefaultMode == 0o440, volume+" can be read by anybody")
			return v.Secret.Items
		case v.ConfigMap != nil:
			return v.ConfigMap.Items
		}
	}
	r.Errorf("no volume %s", volume)
	return nil
}

// checkSelectors: whoever selects pods selects the connector's, and not the one of `helm test`.
func (r rendered) checkSelectors() {
	selectors := map[string]map[string]string{
		"Deployment": r.deployment.Spec.Selector.MatchLabels,
		"Service":    only[core.Service](r.T, r.all).Spec.Selector,
	}
	if budget := only[policy.PodDisruptionBudget](r.T, r.all); budget != nil {
		selectors["PodDisruptionBudget"] = budget.Spec.Selector.MatchLabels
	}
	if network := only[networking.NetworkPolicy](r.T, r.all); network != nil {
		selectors["NetworkPolicy"] = network.Spec.PodSelector.MatchLabels
		r.checkTestIsLetIn(network)
	}
	for _, spread := range r.pod.TopologySpreadConstraints {
		selectors[spread.TopologyKey] = spread.LabelSelector.MatchLabels
	}
	test := only[core.Pod](r.T, r.all)
	for who, selector := range selectors {
		s := labels.SelectorFromSet(selector)
		r.must(!s.Empty() && s.Matches(labels.Set(r.deployment.Spec.Template.Labels)), who+" selects other pods")
		r.must(!s.Matches(labels.Set(test.Labels)), who+" selects the pod of helm test")
	}
}

func (r rendered) checkTestIsLetIn(network *networking.NetworkPolicy) {
	test := only[core.Pod](r.T, r.all)
	peers := network.Spec.Ingress[0].From
	let := len(peers) == 0
	for _, peer := range peers {
		let = let || peer.PodSelector != nil && labels.SelectorFromSet(peer.PodSelector.MatchLabels).Matches(labels.Set(test.Labels))
	}
	r.must(let, "the NetworkPolicy keeps helm test out")
}

func (r rendered) checkScale() {
	scaler := only[autoscaling.HorizontalPodAutoscaler](r.T, r.all)
	r.must((scaler == nil) == (r.deployment.Spec.Replicas != nil), "replicas are set by nobody, or by two")
	rolling := r.deployment.Spec.Strategy.RollingUpdate
	r.must(rolling.MaxUnavailable.IntValue() == 0 && rolling.MaxSurge.IntValue() > 0, "an update takes a replica away first")
	if scaler == nil {
		return
	}
	r.must(scaler.Spec.ScaleTargetRef.Name == r.deployment.Name, "the autoscaler scales something else")
	r.must(scaler.Spec.Metrics[0].Pods.Metric.Name == gaugeOfChats(r.T), "the connector has no such metric")
	r.must(scaler.Spec.Metrics[0].Pods.Target.AverageValue.Value() > 0, "no target")
}

func (r rendered) checkResources() {
	limit, request := r.connector.Resources.Limits.Memory(), r.connector.Resources.Requests.Memory()
	r.must(limit.Value() > 0 && request.Value() > 0 && !r.connector.Resources.Requests.Cpu().IsZero(), "resources are not bounded")
}
