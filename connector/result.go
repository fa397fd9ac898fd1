package connector

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

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
