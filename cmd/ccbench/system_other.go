//go:build !linux

package main

import (
	"syscall"
	"time"
)

func asPart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func sleep(d time.Duration) { time.Sleep(d) }

func processor() string { return "" }
