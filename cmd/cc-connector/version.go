package main

import (
	"cmp"
	"regexp"
	"runtime/debug"
	"strings"
)

// version is set by the linker for releases: -ldflags "-X main.version=1.2.3".
var version string

var semver = regexp.MustCompile(`^\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)

// buildVersion is a SemVer, as the NATS micro service requires one.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	v := strings.TrimPrefix(cmp.Or(version, info.Main.Version), "v")
	if !semver.MatchString(v) {
		return "0.0.0-devel"
	}
	return v
}

// versionLine tells what this binary was made from.
func versionLine() string {
	line := "cc-connector " + buildVersion()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return line
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			line += " " + setting.Value
		}
	}
	return line + " " + info.GoVersion
}
