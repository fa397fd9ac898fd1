package connector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// For the last bytes of a connection that is there.
const (
	flushTimeout  = 5 * time.Second
	shortestFlush = 500 * time.Millisecond // also when leaving has used up its time
)

// leave ends everything in the one order in which nothing is lost: what takes
// new work first, then what others can go on with, then what is under way.
func (c *Connector) leave(pulling, upkeep *sync.WaitGroup) error {
	end := time.Now().Add(c.cfg.DrainTimeout)
	deadline := time.AfterFunc(c.cfg.DrainTimeout, c.life.EndWork)
	defer deadline.Stop()
	c.life.EndIntake()
	err := c.parts.commands.StopIntake()
	c.parts.poller.Leave()
	pulling.Wait() // then the commands that wait have been offered to others
	upkeep.Wait()
	c.Health() // nobody looks any more: it is known, and in the metrics, that this replica leaves
	c.parts.poller.Wait()
	err = errors.Join(err, c.parts.commands.Close(), c.parts.poller.Close(), c.parts.asked.Unsubscribe())
	c.parts.chats.Drain()
	if !c.nc.IsConnected() {
		c.log.Warn("left while NATS was away: chats are free when their tokens' time is over")
		return nil
	}
	lastWords := max(min(flushTimeout, time.Until(end)), shortestFlush)
	c.withdraw(lastWords)
	if flushErr := c.nc.FlushTimeout(lastWords); flushErr != nil {
		err = errors.Join(err, fmt.Errorf("what was published last may not have reached NATS: %w", flushErr))
	}
	return err
}

// withdraw takes this replica's record away, now that nothing is left to do.
func (c *Connector) withdraw(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.parts.registry.Withdraw(ctx); err != nil {
		c.log.Warn("this replica's record stays until it expires", "error", err)
	}
}
