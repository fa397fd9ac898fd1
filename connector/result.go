package connector

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// plainEvent stands for a message that was not looked into.
var plainEvent event.Event

// resultMessage writes the outcome as a CloudEvent; instead, if there is one,
// takes the place of the command's result.
func (c *Connector) resultMessage(ctx context.Context, o outcome, instead any) (*nats.Msg, error) {
	data, err := resultData(o, instead)
	if err != nil {
		return nil, err
	}
	e := newCloudEvent(o.cmd.resultID(), c.naming.commandsSource(c.resultApp(o)),
		schema.ResultType(o.cmd.name.Noun(), o.cmd.name.Verb()),
		schema.DataSchema(c.naming.schemaBase, "result", string(o.cmd.name)), o.chat.token)
	e.SetTime(o.at)
	e.SetExtension(schema.AttrCorrelationID, o.cmd.correlation)
	e.SetExtension(schema.AttrCausationID, o.cmd.id)
	setIfAny(&e, schema.AttrTraceParent, o.cmd.traceParent)
	setIfAny(&e, schema.AttrTraceState, o.cmd.traceState)
	if err := e.SetData(event.ApplicationJSON, data); err != nil {
		return nil, err
	}
	return c.publisher.message(ctx, e)
}

func resultData(o outcome, instead any) (schema.Result, error) {
	data := schema.Result{Command: o.cmd.spec.Name, ChatID: string(o.chat.id), Status: schema.StatusOK}
	if data.ChatID == "" {
		data.ChatID = string(o.cmd.chat.id)
	}
	if o.failure != nil {
		data.Status, data.Error = schema.StatusError, o.failure
		return data, nil
	}
	result := o.reply
	if instead != nil {
		result = instead
	}
	if result == nil {
		return data, nil
	}
	var err error
	data.Result, err = json.Marshal(result)
	return data, err
}

// oneLine makes foreign text fit for a NATS header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// resultApp is the launch point that a result's source names.
func (c *Connector) resultApp(o outcome) brightpattern.AppID {
	if o.app == "" {
		return c.cfg.Apps[0].ID
	}
	return o.app
}

// publishResult has the stream of events take the result.
func (c *Connector) publishResult(ctx context.Context, o outcome) error {
	msg, err := c.resultMessage(ctx, o, o.published)
	if err != nil {
		return err
	}
	msg.Subject = c.cfg.Prefix.Result(o.chat.token, o.cmd.name)
	_, err = c.publisher.store(ctx, msg, "result:"+o.cmd.resultID())
	c.cfg.rehearsal.reach(pointResult)
	return err
}

// publishOnce publishes a recorded result that may have been published before,
// however long ago. A repeat is harmless as long as the stream knows its id;
// after that, the result is looked for.
func (c *Connector) publishOnce(ctx context.Context, o outcome, mayBeThere bool) error {
	subject, id := c.cfg.Prefix.Result(o.chat.token, o.cmd.name), "result:"+o.cmd.resultID()
	known := c.stores.events.CachedInfo().Config.Duplicates / 2
	for {
		if mayBeThere || time.Since(o.at) > known {
			there, err := c.isPublished(ctx, c.stores.events, subject, id, o.cmd.record.Done.From)
			if err != nil || there {
				return err
			}
		}
		try, cancel := context.WithTimeout(ctx, known)
		err := c.publishResult(try, o)
		tooLate := try.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !tooLate {
			return err
		}
		mayBeThere = true
	}
}

// isPublished looks for a message with an id on a subject, behind a position.
func (c *Connector) isPublished(ctx context.Context, stream jetstream.Stream, subject, id string, behind uint64) (bool, error) {
	for next := behind + 1; ; {
		msg, err := persist(ctx, c.log, "looking for what is published", func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
			return stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
		})
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return false, nil
		}
		if err != nil || msg.Header.Get(nats.MsgIdHdr) == id {
			return err == nil, err
		}
		next = msg.Sequence + 1
	}
}
