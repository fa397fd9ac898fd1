package main

import (
	"net/http"
	"net/http/pprof"
	"strings"
)

const profilesAt = "/debug/pprof/"

// profiles refuses to be asked for where nothing is served.
func (r *reader) profiles() bool {
	on := r.boolean(&r.PProf)
	r.require(!on || r.HTTPAddr != "off", &r.PProf, "is served on CC_HTTP_ADDR, which is off: set an address there, or leave this one out")
	return on
}

// withProfiles adds Go's profiles. They tell how the process works, and asking
// for them costs it time: so nobody gets them unless they are switched on.
func withProfiles(on bool, others http.Handler) http.Handler {
	if !on {
		return others
	}
	profiles := http.NewServeMux()
	profiles.HandleFunc(profilesAt, pprof.Index)
	profiles.HandleFunc(profilesAt+"cmdline", pprof.Cmdline)
	profiles.HandleFunc(profilesAt+"profile", pprof.Profile)
	profiles.HandleFunc(profilesAt+"symbol", pprof.Symbol)
	profiles.HandleFunc(profilesAt+"trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, profilesAt) {
			others.ServeHTTP(w, r)
			return
		}
		profiles.ServeHTTP(w, r)
	})
}
