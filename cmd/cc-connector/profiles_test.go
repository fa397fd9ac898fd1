package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestProfilesAreOffByDefault(t *testing.T) {
	server := httptest.NewServer(withProfiles(false, opsHandler(newReadiness("not yet"), newRegistry())))
	defer server.Close()
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1", "/debug/pprof/trace", "/debug/pprof/cmdline"} {
		checkGet(t, server.URL+path, http.StatusNotFound, "")
	}
}

const packed = "\x1f\x8b" // begins what gzip writes

// A profile takes as long as it is asked to, whatever time a server gives other answers.
func TestProfiles(t *testing.T) {
	server := httptest.NewUnstartedServer(withProfiles(true, opsHandler(newReadiness("not yet"), newRegistry())))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 200*time.Millisecond
	server.Start()
	defer server.Close()
	begun := time.Now()
	checkGet(t, server.URL+"/debug/pprof/profile?seconds=1", http.StatusOK, packed)
	if took := time.Since(begun); took < time.Second {
		t.Errorf("a profile of a second was cut off after %v", took)
	}
	checkGet(t, server.URL+"/debug/pprof/heap", http.StatusOK, packed)
	checkGet(t, server.URL+"/debug/pprof/allocs", http.StatusOK, packed)
	checkGet(t, server.URL+"/debug/pprof/", http.StatusOK, "goroutine")
	checkGet(t, server.URL+"/debug/pprof/none", http.StatusNotFound, "")
	checkGet(t, server.URL+"/healthz", http.StatusOK, "alive")
	checkGet(t, server.URL+"/readyz", http.StatusServiceUnavailable, "not yet")
}

// The default mux has profiles of its own by the mere import: nobody serves it.
func TestDefaultMuxIsNotServed(t *testing.T) {
	http.HandleFunc("/only-here", alive)
	server := httptest.NewServer(withProfiles(true, opsHandler(newReadiness("not yet"), newRegistry())))
	defer server.Close()
	checkGet(t, server.URL+"/only-here", http.StatusNotFound, "")
}

func TestProfilesNeedAnAddress(t *testing.T) {
	setEnv(t, with(map[string]string{"CC_PPROF": "true"}))
	if cfg, err := readConfig(); err != nil || !cfg.profiles {
		t.Errorf("got %v, %v", cfg.profiles, err)
	}
	setEnv(t, with(map[string]string{"CC_PPROF": "true", "CC_HTTP_ADDR": "off"}))
	if _, err := readConfig(); err == nil || !strings.Contains(err.Error(), "CC_PPROF is served on CC_HTTP_ADDR, which is off") {
		t.Errorf("got %v", err)
	}
}
