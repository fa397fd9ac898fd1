package main

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const systemdDir = "../../deploy/systemd/"

// linesOf returns the submatches of what stands in lines of their own.
func linesOf(t *testing.T, file, pattern string) [][]string {
	t.Helper()
	content, err := os.ReadFile(systemdDir + file)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile("(?m)"+pattern).FindAllStringSubmatch(string(content), -1)
}

// The file lists every setting: those that are commented out with their defaults, and the others make a configuration.
func TestSystemdSettings(t *testing.T) {
	listed, given := make(map[string]string), make(map[string]string)
	for _, line := range linesOf(t, "cc-connector.env", `^(#?)((?:CC|OTEL)_\w+)=(.*)$`) {
		listed[line[2]] = line[3]
		if line[1] == "" {
			given[line[2]] = line[3]
		}
	}
	for _, v := range append(new(settings).variables(), listedTracing()...) {
		fallback, ok := listed[v.name]
		_, set := given[v.name]
		if v.name != "CC_NATS_PASSWORD_FILE" && (!ok || !set && fallback != v.fallback) {
			t.Errorf("the file must list #%s=%s", v.name, v.fallback)
		}
		delete(listed, v.name)
	}
	for name := range listed {
		t.Errorf("the file lists %s, which is no setting", name)
	}
	given["CC_NATS_PASSWORD_FILE"] = writeFile(t, "secret")
	setEnv(t, given)
	if _, err := readConfig(); err != nil {
		t.Error(err)
	}
}

// What the unit grants suffices for the defaults.
func TestSystemdLimits(t *testing.T) {
	directive := func(name string) string {
		found := linesOf(t, "cc-connector.service", "^"+name+"=(.*)$")
		if len(found) != 1 {
			t.Fatalf("%d lines of %s", len(found), name)
		}
		return found[0][1]
	}
	setEnv(t, with(nil))
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	stop, err := time.ParseDuration(directive("TimeoutStopSec"))
	if err != nil || stop < cfg.connector.DrainTimeout+5*time.Second {
		t.Errorf("TimeoutStopSec is %v, %v: leaving takes up to %v", stop, err, cfg.connector.DrainTimeout)
	}
	files, err := strconv.Atoi(directive("LimitNOFILE"))
	if need := cfg.connector.MaxChats + cfg.connector.MaxCalls + 1000; err != nil || files < need {
		t.Errorf("LimitNOFILE is %d, %v: needed are %d", files, err, need)
	}
	if codes := strings.Fields(directive("RestartPreventExitStatus")); len(codes) != 1 || codes[0] != strconv.Itoa(exitBadConfig) {
		t.Errorf("what need not be started again are bad settings, exit code %d: %v", exitBadConfig, codes)
	}
}
