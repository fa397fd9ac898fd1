package main

import (
	"runtime"
	"testing"
)

func TestGarbageIsBounded(t *testing.T) {
	for inUse, want := range map[uint64]int{
		0: 400, 8 << 20: 400, 12 << 20: 400, 13 << 20: 365, 48 << 20: 100, 96 << 20: 50, 200 << 20: 25, 1 << 40: 25,
	} {
		if got := garbagePercent(inUse); got != want {
			t.Errorf("%d percent of %d MiB, want %d", got, inUse>>20, want)
		}
	}
}

// What is in use counts, and what was is not.
func TestInUse(t *testing.T) {
	const size = 64 << 20
	block := make([]byte, size)
	runtime.GC()
	with := inUse()
	runtime.KeepAlive(block)
	block = nil
	runtime.GC()
	if without := inUse(); with < size || without > with-size/2 {
		t.Errorf("%d MiB with a block of %d MiB, %d without it", with>>20, size>>20, without>>20)
	}
}
