package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// # The floor
//
// What a command costs anyone: a request comes over NATS, the contact center is
// called, the outcome is stored in a stream under an id that makes a repeat
// harmless, and the request is replied to. The floor does this and nothing else.
// It keeps no record of what it has begun, numbers nothing for good, knows no
// chat, and what dies with it is lost. Its call is the connector's, byte for
// byte but for the text's number; what it stores is as large as a result.

// floorPart is the mode in which this program is the floor.
const (
	floorPart    = "part-floor"
	floorStream  = "FLOOR"
	floorSubject = "floor.send"
	floorStored  = "floor.chat."
)

// floorCommand is a request to the floor. It names the client, too, as nothing is known of a chat.
type floorCommand struct {
	ChatID   string `json:"chatId"`
	ClientID string `json:"clientId"`
	Text     string `json:"text"`
}

type floor struct {
	contact *contact
	js      jetstream.JetStream
	number  atomic.Int64
}

func serveFloor(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet(floorPart, flag.ContinueOnError)
	url := flags.String("nats", "", "the NATS server")
	base := flags.String("contact", "", "the contact center")
	if err := flags.Parse(args); err != nil {
		return err
	}
	nc, err := nats.Connect(*url)
	if err != nil {
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	defer nc.Close()
	f := &floor{contact: newContact(*base)}
	if f.js, err = jetstream.New(nc); err != nil {
		return err
	}
	if err := f.serve(ctx, nc); err != nil {
		return err
	}
	fmt.Fprintln(out, "serving at", floorSubject)
	<-ctx.Done()
	return nil
}

func (f *floor) serve(ctx context.Context, nc *nats.Conn) error {
	if _, err := f.js.CreateStream(ctx, jetstream.StreamConfig{Name: floorStream, Subjects: []string{floorStored + ">"}}); err != nil {
		return fmt.Errorf("the floor's stream: %w", err)
	}
	_, err := nc.QueueSubscribe(floorSubject, "floor", func(m *nats.Msg) { go f.answer(ctx, m) })
	if err != nil {
		return err
	}
	return nc.Flush()
}

func (f *floor) answer(ctx context.Context, m *nats.Msg) {
	result, err := f.send(ctx, m.Data)
	reply := &nats.Msg{Data: result}
	if err != nil {
		reply.Header = nats.Header{"Nats-Service-Error": {err.Error()}}
	}
	_ = m.RespondMsg(reply) // who asked finds out that it is missing
}

func (f *floor) send(ctx context.Context, data []byte) ([]byte, error) {
	var command floorCommand
	if err := json.Unmarshal(data, &command); err != nil {
		return nil, err
	}
	n := strconv.FormatInt(f.number.Add(1), 10)
	body := []byte(`{"events":[{"event":"chat_session_message","msg_id":"` + command.ChatID + ":" + n + `","msg":"` + command.Text + `","msg_text":"` + command.Text + `"}]}`)
	if _, err := f.contact.call(ctx, "chats/"+command.ChatID+"/events", command.ClientID, body); err != nil {
		return nil, err
	}
	result := resultLike(command.ChatID, n, command.Text)
	msg := &nats.Msg{Subject: floorStored + command.ChatID, Data: result, Header: nats.Header{"Content-Type": {"application/cloudevents+json"}}}
	_, err := f.js.PublishMsg(ctx, msg, jetstream.WithMsgID(nuid.Next()))
	return result, err
}

// resultLike has the size of the connector's result of a chat.send.
func resultLike(chat, number, text string) []byte {
	return []byte(`{"specversion":"1.0","id":"` + nuid.Next() + nuid.Next() + `","source":"//bench.example/bench/commands",` +
		`"type":"com.brightpattern.chat.result.send.v1","subject":"` + chat + `","datacontenttype":"application/json",` +
		`"dataschema":"cc-connector:/schemas/v1/result.chat.send.json","time":"2006-01-02T15:04:05.000000000Z","partitionkey":"` + chat + `",` +
		`"correlationid":"` + nuid.Next() + `","causationid":"` + nuid.Next() + `","data":{"command":"chat.send","chatId":"` + chat + `",` +
		`"status":"ok","request":{"chatId":"` + chat + `","text":"` + text + `"},"result":{"messageId":"` + chat + ":" + number + `"}}}`)
}
