package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// collecting are good settings, by which traces are made, but for the given ones.
func collecting(env map[string]string) map[string]string {
	all := with(map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
	maps.Copy(all, env)
	return all
}

func badTracing(t *testing.T) []badSetting {
	cert, key := keyPair(t)
	_, otherKey := keyPair(t)
	bad := []badSetting{
		one("OTEL_SDK_DISABLED", "yes"),
		one("OTEL_TRACES_EXPORTER", "jaeger"),
		one("OTEL_TRACES_EXPORTER", "otlp,console"),
		one("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
		one("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
		one("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:"+planted+"@collector:4318"),
		one("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?token="+planted),
		one("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://collector:4317"),
		one("OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC"),
		one("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http"),
		one("OTEL_EXPORTER_OTLP_HEADERS", planted),
		one("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=%"+planted),
		one("OTEL_EXPORTER_OTLP_HEADERS", "Authorization: Bearer="+planted),
		one("OTEL_EXPORTER_OTLP_HEADERS", "a=1,"),
		one("OTEL_EXPORTER_OTLP_HEADERS", "a="+planted+"%0A"),
		one("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "="+planted),
		one("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
		one("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
		one("OTEL_EXPORTER_OTLP_INSECURE", "1"),
		one("OTEL_EXPORTER_OTLP_CERTIFICATE", planted),
		one("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", writeFile(t, planted)),
		one("OTEL_RESOURCE_ATTRIBUTES", "production"),
		one("OTEL_RESOURCE_ATTRIBUTES", "=production"),
		one("OTEL_SERVICE_NAME", "'bridge'"),
		one("OTEL_TRACES_SAMPLER", "sometimes"),
		one("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
		one("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
		one("OTEL_BSP_SCHEDULE_DELAY", "0"),
		one("OTEL_BSP_EXPORT_TIMEOUT", "1.5"),
		one("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "99999999999999999999"),
		one("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "-1"),
		{"certificate without key", map[string]string{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": cert}, []string{"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"}},
		{"key of another certificate", map[string]string{
			"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": cert, "OTEL_EXPORTER_OTLP_CLIENT_KEY": otherKey,
		}, []string{"OTEL_EXPORTER_OTLP_CLIENT_KEY"}},
		{"key without certificate", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY": key}, []string{"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"}},
	}
	for _, ratio := range []string{"half", "1.1", "-0.1", "NaN"} {
		bad = append(bad, badSetting{"ratio " + ratio, map[string]string{
			"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio,
		}, []string{"OTEL_TRACES_SAMPLER_ARG"}})
	}
	return bad
}

func TestBadTracingSettings(t *testing.T) {
	seen := map[string]bool{}
	for _, bad := range badTracing(t) {
		setEnv(t, collecting(bad.env))
		_, err := readConfig()
		if got := named(err); !slices.Equal(got, bad.names) {
			t.Errorf("%s: got %v, want %v: %v", bad.why, got, bad.names, err)
		}
		if strings.Contains(fmt.Sprint(err), planted) {
			t.Errorf("the secret is shown: %v", err)
		}
		for name := range bad.env {
			seen[name] = true
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, v := range new(tracingSettings).variables() {
		kind, known := tracingKinds[v.kind]
		if !known || kind.isGood == nil || v.kind != "text" && kind.what == "" {
			t.Errorf("%s is of no known kind: %q", v.name, v.kind)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d variables were tried", len(seen))
	}
}

// Traces are made where an endpoint is given and nothing forbids it. Where they are not, what is for other programs is not looked at.
func TestWhenTracesAreMade(t *testing.T) {
	cert, key := keyPair(t)
	for why, c := range map[string]struct {
		env        map[string]string
		on         bool
		correction int
	}{
		"nothing is given": {with(nil), false, 0},
		"others' settings": {with(map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "http/xml", "OTEL_TRACES_SAMPLER": "xray", "OTEL_SERVICE_NAME": `"x"`}), false, 0},
		"no endpoint":      {with(map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}), false, 1},
		"forbidden":        {collecting(map[string]string{"OTEL_SDK_DISABLED": "True", "OTEL_TRACES_SAMPLER": "xray"}), false, 0},
		"sent nowhere":     {collecting(map[string]string{"OTEL_TRACES_EXPORTER": "none"}), false, 0},
		"an endpoint":      {collecting(map[string]string{"OTEL_SDK_DISABLED": " ", "OTEL_TRACES_SAMPLER": ""}), true, 0},
		"one for traces":   {with(map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector/v1/traces"}), true, 0},
		"all that there is": {collecting(map[string]string{
			"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20" + planted + ", x = 1",
			"OTEL_EXPORTER_OTLP_CERTIFICATE": cert, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": cert, "OTEL_EXPORTER_OTLP_CLIENT_KEY": key,
			"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production,team=a%20b", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5",
			"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_EXPORTER_OTLP_TIMEOUT": "100", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_INSECURE": "false",
		}), true, 0},
	} {
		t.Run(why, func(t *testing.T) {
			setEnv(t, c.env)
			cfg, err := readConfig()
			if err != nil || cfg.tracing.on != c.on || len(cfg.corrections) != c.correction {
				t.Errorf("on: %v, %v, %v", cfg.tracing.on, cfg.corrections, err)
			}
		})
	}
}
