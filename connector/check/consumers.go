package check

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
)

const (
	consumerMissing    ID = "consumer.missing"
	consumerSettings   ID = "consumer.settings"
	consumerPaused     ID = "consumer.paused"
	consumerBehind     ID = "consumer.behind"
	consumerStuck      ID = "consumer.unacknowledged"
	consumerRedelivers ID = "consumer.redelivers"
	commandsWaiting    ID = "commands.waiting"
	deadLetters        ID = "commands.dead_letters"
	chatsWaiting       ID = "chats.waiting"
)

// consumer judges one of the connector's own.
func (p *picture) consumer(stream string, c consumerSeen) []Finding {
	about := stream + " " + c.Durable
	switch {
	case errors.Is(c.err, jetstream.ErrConsumerNotFound) && p.cfg.Provision:
		return []Finding{warn(consumerMissing, about, "start a connector: it makes it again", "the consumer %s of %s is missing", c.Durable, stream)}
	case errors.Is(c.err, jetstream.ErrConsumerNotFound):
		return []Finding{wrong(consumerMissing, about, makeThem, "the consumer %s of %s is missing", c.Durable, stream)}
	case c.err != nil:
		return []Finding{untried(consumerSettings, about, "nothing is known of the consumer %s of %s: %s", c.Durable, stream, why(c.err))}
	}
	found := []Finding{p.weigh(consumerSettings, about, connector.ConsumerLacks(p.cfg, stream, c.info.Config), "")}
	if c.info.Paused {
		found = append(found, wrong(consumerPaused, about, "resume it by \"nats consumer resume\"", "the consumer %s of %s is paused for %s more", c.Durable, stream, Shown(c.info.PauseRemaining)))
	}
	return found
}

// waitingLong is how long a durable command may wait before it is said.
const waitingLong = time.Minute

// backlog judges what waits to be done.
func (p *picture) backlog() []Finding {
	return append(append(p.commands(), p.deadLetters()...), p.chats()...)
}

func (p *picture) commands() []Finding {
	s := p.find("COMMANDS")
	if !s.isOurs() {
		return nil
	}
	state := s.info.State
	if state.Msgs == 0 {
		return []Finding{fine(commandsWaiting, "", "no durable command waits")}
	}
	oldest := s.info.TimeStamp.Sub(state.FirstTime)
	waits := count(state.Msgs, "durable command")
	switch {
	case oldest > p.maxAge():
		return []Finding{wrong(commandsWaiting, "", "start a connector, and see in its log why commands are not done", "%s are not done, the oldest for %s: longer than CC_COMMAND_MAX_AGE", waits, Shown(oldest))}
	case oldest > waitingLong:
		return []Finding{warn(commandsWaiting, "", "see whether a connector runs and the contact center answers", "%s are not done, the oldest for %s", waits, Shown(oldest))}
	}
	return []Finding{fine(commandsWaiting, "", "%s are on their way, the oldest for %s", waits, Shown(oldest))}
}

// maxAge is with some time to give a command up in.
func (p *picture) maxAge() time.Duration {
	if p.cfg.CommandMaxAge == 0 {
		return time.Hour + waitingLong
	}
	return p.cfg.CommandMaxAge + waitingLong
}

func (p *picture) deadLetters() []Finding {
	s := p.find("DEADLETTER")
	if !s.isOurs() {
		return nil
	}
	if n := s.info.State.Msgs; n > 0 {
		oldest := Shown(s.info.TimeStamp.Sub(s.info.State.FirstTime))
		return []Finding{warn(deadLetters, "", `see "cc-connector dead list": put back what is still to be done, and delete the others`, "%s, the oldest of %s ago", count(n, "dead letter"), oldest)}
	}
	return []Finding{fine(deadLetters, "", "there are no dead letters")}
}

// chats judges the open chats that nobody polls.
func (p *picture) chats() []Finding {
	s := p.find("SESSIONS")
	if len(s.consumers) == 0 || s.consumers[0].info == nil {
		return nil
	}
	open, waiting := s.info.State.Msgs, s.consumers[0].info.NumPending
	switch {
	case open == 0:
		return []Finding{fine(chatsWaiting, "", "no chat is open")}
	case waiting > 0:
		return []Finding{warn(chatsWaiting, "", "start a connector, or another one, or raise CC_MAX_CHATS", "nobody polls %d of %s", waiting, count(open, "open chat"))}
	}
	return []Finding{fine(chatsWaiting, "", "%s, all of them polled", count(open, "open chat"))}
}

// How many messages a consumer may be behind, or get again, before it is said.
const (
	behindMost      = 10_000
	redeliveredMost = 100
)

// reading judges the consumers that others have on the stream of events.
func (p *picture) reading() (found []Finding) {
	switch {
	case p.noReaders != nil:
		return []Finding{untried(consumerBehind, "", "who reads the events is not known: %s", why(p.noReaders))}
	case !p.find("EVENTS").isOurs():
		return nil
	case len(p.readers) == 0:
		return []Finding{fine(consumerBehind, "", "nobody reads the events by a consumer")}
	}
	for _, c := range p.readers {
		found = append(found, reader(c)...)
	}
	if found == nil {
		return []Finding{fine(consumerBehind, "", "%s of the events, and none is far behind", count(len(p.readers), "consumer"))}
	}
	return found
}

func reader(c *jetstream.ConsumerInfo) (found []Finding) {
	about := c.Stream + " " + c.Name
	const slow = "see whether the program that reads by it runs, and keeps up"
	if c.NumPending > behindMost {
		found = append(found, warn(consumerBehind, about, slow, "the consumer %s is %d messages behind", c.Name, c.NumPending))
	}
	if most := c.Config.MaxAckPending; most > 0 && c.NumAckPending >= most && c.NumPending > 0 {
		found = append(found, warn(consumerStuck, about, "see whether the program that reads by it acknowledges what it has done", "the consumer %s gets nothing more: %d messages are not acknowledged, all that it may have", c.Name, c.NumAckPending))
	}
	if c.NumRedelivered > redeliveredMost {
		found = append(found, warn(consumerRedelivers, about, "see why the program that reads by it fails, or takes longer than ack_wait", "the consumer %s got %d messages again that it has not acknowledged", c.Name, c.NumRedelivered))
	}
	if c.Paused {
		found = append(found, warn(consumerPaused, about, "resume it by \"nats consumer resume\"", "the consumer %s is paused for %s more", c.Name, Shown(c.PauseRemaining)))
	}
	return found
}
