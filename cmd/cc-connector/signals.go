package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// onSignals calls stop at the first SIGINT or SIGTERM and ends the process at the second.
func onSignals(log *slog.Logger, stop func()) (undo func()) {
	received := make(chan os.Signal, 2)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for again := false; ; again = true {
			select {
			case s := <-received:
				if again {
					log.Error("ended at once by a second signal", "signal", s.String())
					os.Exit(exitFailed)
				}
				log.Info("stopping; a second signal ends at once", "signal", s.String())
				stop()
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(received); close(done) }
}
