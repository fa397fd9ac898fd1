package main

import (
	"os"
	"path/filepath"
	"syscall"
)

// checkReplaceable finds out whether replace will do, and changes nothing: what
// was measured before stays until there is something else.
func checkReplaceable(path string) error {
	path, isFile, err := resolve(path)
	if err != nil || !isFile {
		return err
	}
	beside, err := os.CreateTemp(filepath.Dir(path), ".ccbench-")
	if err != nil {
		return err
	}
	_ = beside.Close()
	return os.Remove(beside.Name())
}

// replace makes the file have this text, or leaves it as it was.
func replace(path string, text []byte) error {
	path, isFile, err := resolve(path)
	if err != nil {
		return err
	}
	if !isFile {
		return os.WriteFile(path, text, 0o644)
	}
	beside, err := os.CreateTemp(filepath.Dir(path), ".ccbench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(beside.Name()) }() // which it has no more, if all goes well
	_, err = beside.Write(text)
	if closed := beside.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(beside.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(beside.Name(), path)
	}
	return err
}

// resolve follows links. A device or a pipe is no file, and can only be written to.
func resolve(path string) (at string, isFile bool, err error) {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return path, true, nil
	}
	switch {
	case err != nil:
		return path, false, err
	case info.IsDir():
		return path, false, &os.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return path, false, nil
	}
	at, err = filepath.EvalSymlinks(path)
	return at, true, err
}
