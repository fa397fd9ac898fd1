package check

import (
	"strings"
	"testing"
)

// What must be refused, and what the message must name.
var refused = []struct{ values, names string }{
	{`contactCenter: {baseUrl: ""}`, "contactCenter.baseUrl is missing"},
	{`contactCenter: {baseUrl: "http://acme.example"}`, "contactCenter.allowHttp"},
	{`contactCenter: {baseUrl: "acme.example"}`, "/contactCenter/baseUrl"},
	{`contactCenter: {appId: ""}`, "contactCenter.appId and contactCenter.apps are both missing"},
	{`contactCenter: {apps: [{name: a, id: "1"}]}`, "contactCenter.appId and contactCenter.apps are both given"},
	{`contactCenter: {appId: "", apps: [{name: a}]}`, "/contactCenter/apps/0"},
	{`contactCenter: {appId: 12}`, "/contactCenter/appId"},
	{`contactCenter: {basUrl: x}`, "basUrl"},
	{`contactCenter: {casePaths: both}`, "/contactCenter/casePaths"},
	{`contactCenter: {ca: {secret: a, configMap: b}}`, "contactCenter.ca.secret and contactCenter.ca.configMap"},
	{`nats: {url: "nats://u:p@nats:4222"}`, "nats.url must not hold a user or password"},
	{`nats: {url: "nats:4222"}`, "/nats/url"},
	{`nats: {inboxPrefix: "a b"}`, "/nats/inboxPrefix"},
	{`nats: {auth: {password: x}}`, "password"},
	{`nats: {auth: {creds: {secret: a}, token: {secret: b}}}`, "nats.auth.creds and nats.auth.token"},
	{`nats: {auth: {context: {secret: a}, nkey: {secret: b}}}`, "nats.auth.context and nats.auth.nkey"},
	{`nats: {jsDomain: "$JS.hub"}`, "/nats/jsDomain"},
	{`nats: {tlsFirst: maybe}`, "/nats/tlsFirst"},
	{`nats: {auth: {user: {name: u}}}`, "nats.auth.user.secret is missing"},
	{`nats: {auth: {user: {secret: s}}}`, "nats.auth.user.name is missing"},
	{`nats: {tls: {ca: {secret: a, configMap: b}}}`, "nats.tls.ca.secret and nats.tls.ca.configMap"},
	{`console: {enabled: true}`, "console.token.secret is missing"},
	{`settings: {subjectPrefix: CC}`, "/settings/subjectPrefix"},
	{`settings: {eventsMaxAge: 168}`, "/settings/eventsMaxAge"},
	{`settings: {eventsMaxBytes: 20GB}`, "/settings/eventsMaxBytes"},
	{`settings: {filesMaxBytes: 20GB}`, "/settings/filesMaxBytes"},
	{`settings: {fileMaxBytes: 5MB}`, "/settings/fileMaxBytes"},
	{`settings: {streamReplicas: 6}`, "/settings/streamReplicas"},
	{`settings: {maxChats: 0}`, "/settings/maxChats"},
	{`settings: {drainTimeout: 1500ms}`, "/settings/drainTimeout"},
	{`settings: {logLevel: trace}`, "/settings/logLevel"},
	{`settings: {profiles: true}`, "profiles"},
	{`extraEnv: [{name: CC_MAX_CHATS, value: "1"}]`, "extraEnv must not give CC_MAX_CHATS"},
	{`extraEnv: [{name: CC_TLS_CA, value: "/x"}]`, "extraEnv must not give CC_TLS_CA"},
	{`httpPort: 80`, "/httpPort"},
	{`image: {tag: latest}`, "image.tag must name a version"},
	{`image: {digest: abc}`, "/image/digest"},
	{`replicas: two`, "/replicas"},
	{`terminationGracePeriodSeconds: 20`, "terminationGracePeriodSeconds (20) must be above settings.drainTimeout (20 s)"},
	{`{settings: {drainTimeout: 1h1m1s}, terminationGracePeriodSeconds: 3600}`, "settings.drainTimeout (3661 s)"},
	{`autoscaling: {enabled: true, minReplicas: 3, maxReplicas: 2}`, "autoscaling.minReplicas"},
	{`autoscaling: {enabled: true, chatsPerReplica: 3000}`, "autoscaling.chatsPerReplica"},
	{`podDisruptionBudget: {maxUnavailable: 0}`, "/podDisruptionBudget/maxUnavailable"},
	{`podSecurityContext: {runAsUser: 0}`, "podSecurityContext.runAsUser"},
	{`podSecurityContext: {runAsNonRoot: false}`, "/podSecurityContext/runAsNonRoot"},
	{`prometheusRule: {enabled: maybe}`, "/prometheusRule/enabled"},
	{`prometheusRule: {rules: []}`, "rules"},
	{`dashboard: {labels: {grafana_dashboard: 1}}`, "/dashboard/labels/grafana_dashboard"},
	{`nack: {enabled: true}`, "nack.resources is missing"},
	{`nack: {enabled: true, resources: "kind: Stream\n---\na: b: c"}`, "nack.resources is not YAML"},
	{`nack: {enabled: true, resources: "apiVersion: v1\nkind: Secret"}`, "nack.resources holds a v1 Secret"},
	{`{nack: {enabled: true}, settings: {provision: true}}`, "settings.provision must not be true"},
}

func TestBadValuesAreRefusedByName(t *testing.T) {
	for _, c := range refused {
		_, err := render(minimal(t).with(t, c.values))
		if err == nil || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: the message must name %q:\n%v", c.values, c.names, err)
		}
	}
}

// Whoever mends one mistake should not meet the next.
func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, err := render(values{})
	if err == nil || strings.Count(err.Error(), "\n  - ") != 2 {
		t.Errorf("the chart alone lacks an address and a launch point: %v", err)
	}
}
