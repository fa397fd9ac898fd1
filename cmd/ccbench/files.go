package main

import (
	"fmt"
	"syscall"
)

const filesBeside = 600 // of a process: what is open beside the polls

// requireFiles refuses at once what would fail later: a contact center and a
// connector each have a connection open for every chat. The programs raise
// their own limits as far as they may.
func requireFiles(most int) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("the limit of open files: %w", err)
	}
	if need := uint64(most + filesBeside); uint64(limit.Max) < need {
		return fmt.Errorf("a process may open %d files here, and %d chats need %d: raise the hard limit (ulimit -Hn), or use -quick", limit.Max, most, need)
	}
	return nil
}
