package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// contender is a connector that is measured.
type contender struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	path    string
	prefix  string // of its subjects, so that several share a NATS server
}

// What the contenders are called.
const (
	measured = "connector"
	rival    = "against"
)

// programs are what is measured, and with what.
type programs struct {
	self       string
	sim        string
	contenders []contender
}

// gather builds into the folder what the settings do not name.
func gather(ctx context.Context, set settings, dir string) (all programs, err error) {
	if all.self, err = os.Executable(); err != nil {
		return all, fmt.Errorf("the path of this program: %w", err)
	}
	if all.sim, err = builtOr(ctx, set.sim, dir, "ccsim"); err != nil {
		return all, err
	}
	connector, err := builtOr(ctx, set.connector, dir, "cc-connector")
	if err != nil {
		return all, err
	}
	all.contenders = []contender{{Name: "connector", path: connector, prefix: "cc"}}
	if set.against != "" {
		all.contenders = append(all.contenders, contender{Name: rival, path: set.against, prefix: rival})
	}
	for i := range all.contenders {
		c := &all.contenders[i]
		if c.Version, err = versionOf(ctx, c.path); err != nil {
			return all, err
		}
	}
	return all, nil
}

// flagOf names the binary that is used instead of a built one.
var flagOf = map[string]string{"cc-connector": "connector", "ccsim": "ccsim"}

func builtOr(ctx context.Context, given, dir, name string) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	path := filepath.Join(dir, name)
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "cc-connector/cmd/"+name).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%[1]s cannot be built: run this in the source's folder, or give -%[2]s; %[3]w\n%[4]s", name, flagOf[name], err, bytes.TrimSpace(out))
	}
	return path, nil
}

func versionOf(ctx context.Context, path string) (string, error) {
	out, err := exec.CommandContext(ctx, path, "version").Output()
	if err != nil {
		return "", fmt.Errorf("%s version: %w", path, err)
	}
	return strings.TrimSpace(string(out)), nil
}
