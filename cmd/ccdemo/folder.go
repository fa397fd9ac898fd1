package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// folder is where NATS keeps its streams. Two servers that write one folder destroy
// what is in it: it is locked for as long as this process lives, however it ends.
type folder struct {
	path string
	goes bool // in the end
	lock *flock.Flock
}

const (
	lockOfKept   = "ccdemo.lock"
	lockOfGoing  = "ccdemo-removes-this-folder.lock"
	folderPrefix = "ccdemo-"
)

// openFolder takes the one that is kept, or, without one, makes one that goes.
func openFolder(kept string) (*folder, error) {
	removeLeft()
	if kept == "" {
		made, err := os.MkdirTemp("", folderPrefix)
		if err != nil {
			return nil, fmt.Errorf("a folder for JetStream: %w", err)
		}
		return lockFolder(made, lockOfGoing)
	}
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return nil, fmt.Errorf("-store: %w", err)
	}
	f, err := lockFolder(kept, lockOfKept)
	if err != nil {
		return nil, fmt.Errorf("-store: %w", err)
	}
	return f, nil
}

func lockFolder(path, name string) (*folder, error) {
	lock := flock.New(filepath.Join(path, name))
	switch free, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("the folder %s cannot be locked: %w", path, err)
	case !free:
		return nil, fmt.Errorf("another ccdemo runs on the folder %s: end that one, or name another folder", path)
	}
	return &folder{path, name == lockOfGoing, lock}, nil
}

func (f *folder) close() {
	_ = f.lock.Close()
	if f.goes {
		_ = os.RemoveAll(f.path)
	}
}

// justMade is a folder that may not have its lock yet.
const justMade = time.Minute

// removeLeft removes the folders of those that were killed: in them is what customers wrote.
func removeLeft() {
	locks, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*", lockOfGoing))
	for _, name := range locks {
		if info, err := os.Stat(name); err != nil || time.Since(info.ModTime()) < justMade {
			continue
		}
		if left, err := lockFolder(filepath.Dir(name), lockOfGoing); err == nil {
			left.close()
		}
	}
}
