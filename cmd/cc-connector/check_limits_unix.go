//go:build unix

package main

import "syscall"

// filesLimit is how many files may be open at once; Go has raised it already as far as it may.
func filesLimit() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return uint64(limit.Cur)
}
