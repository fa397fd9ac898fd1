package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// What of the chat stands in the store of files: those that were fetched for its
// events, under the chat's own name; those that its messages name; and what was too
// large for a message.

// told is what the purge needs of a message's data, whatever it is.
type told struct {
	ClientRef string `json:"clientRef"`
	Object    string `json:"object"`
	Request   struct {
		Object string `json:"object"`
	} `json:"request"`
	Result struct {
		Object    string `json:"object"`
		ClientRef string `json:"clientRef"`
	} `json:"result"`
}

// gather learns from the chat's messages what else there is of it.
func (p *purge) gather(ctx context.Context) error {
	err := p.streams.Events.Each(ctx, p.cfg.Prefix.ChatAll(p.key.Token), func(msg *bus.Stored) error {
		p.learn(msg)
		return nil
	})
	if err != nil {
		return fmt.Errorf("the chat's messages could not be read: %w", err)
	}
	entry, _, err := bus.Load[schema.Chat](ctx, p.streams.Chats, string(p.key.Token))
	if err != nil && !errors.Is(err, bus.ErrUnreadable) {
		return fmt.Errorf("the chat's entry could not be read: %w", err)
	}
	p.know(entry.ClientRef)
	return nil
}

// learn takes messages that anybody may have imported.
func (p *purge) learn(msg *bus.Stored) {
	p.knowOpening(chatlog.OpeningOf(msg))
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil {
		return
	}
	if bucket, object, elsewhere := schema.DataRef(ce); elsewhere && bucket == p.streams.FilesName() {
		p.objects[bus.ObjectName(object)], p.large[bus.ObjectName(object)] = true, true
	}
	var t told
	if json.Unmarshal(ce.Data(), &t) != nil {
		return
	}
	for _, object := range []string{t.Object, t.Request.Object, t.Result.Object} {
		if object != "" {
			p.objects[bus.ObjectName(object)] = true
		}
	}
	p.know(t.ClientRef)
	p.know(t.Result.ClientRef)
}

func (p *purge) know(ref string) {
	if ref != "" && !strings.ContainsAny(ref, ".*> \t\r\n") {
		p.refs[ref] = true
	}
}

func (p *purge) knowOpening(opening chats.OpeningID) {
	if opening != "" && !strings.ContainsAny(string(opening), ".*> \t\r\n") {
		p.openings[opening] = true
	}
}

// dropFiles leaves a file that another chat has sent, too, or that was fetched for
// one: what a sender names need not be its own.
func (p *purge) dropFiles(ctx context.Context) error {
	all, err := p.streams.Objects(ctx)
	if err != nil {
		return err
	}
	kept, err := p.sentByOthers(ctx)
	if err != nil {
		return err
	}
	for _, name := range all {
		mine, err := p.isMine(ctx, name)
		if err != nil {
			return err
		}
		if !mine || kept[name] {
			continue
		}
		erased, err := p.streams.EraseObject(ctx, name)
		if err != nil {
			return err
		}
		if erased {
			p.count(p.streams.FilesName(), "objects", 1)
		}
		if err := p.keepMarked(ctx); err != nil {
			return err
		}
	}
	return nil
}

// isMine tells whether a file was fetched for the chat, or is named by its messages
// and was fetched for no other.
func (p *purge) isMine(ctx context.Context, name bus.ObjectName) (bool, error) {
	chat, rest, _ := strings.Cut(string(name), "/")
	if chat == string(p.key.Token) && rest != "" {
		return true, nil
	}
	if !p.objects[name] || isOfMessage(name) && !p.large[name] {
		return false, nil
	}
	if _, err := subjects.ParseChatToken(chat); err != nil || len(rest) < idLength || uuid.Validate(rest[:idLength]) != nil {
		return true, nil
	}
	found, err := p.streams.Events.Subjects(ctx, p.cfg.Prefix.ChatAll(subjects.ChatToken(chat)))
	return len(found) == 0, err
}

// isOfMessage tells a name that the connector gives to what is too large for a message:
// the message's id. Who sends a file may name anything, also that of another chat's.
func isOfMessage(name bus.ObjectName) bool {
	id, err := uuid.Parse(string(name[:min(len(name), idLength)]))
	return err == nil && id.Version() == 8 && (len(name) == idLength || name[idLength] == '-')
}

const idLength = 36 // of a UUID

// sentByOthers are the objects that other chats have sent as files, or are still to
// send: who puts one into the store may send it to many. A command that moves on is
// first where it goes, so that it is found here or there.
func (p *purge) sentByOthers(ctx context.Context) (map[bus.ObjectName]bool, error) {
	sent := make(map[bus.ObjectName]bool)
	if len(p.objects) == 0 {
		return sent, nil
	}
	const file, all = "chat.file", subjects.ChatToken("*")
	for _, place := range []struct {
		stream      *bus.Stream
		filter, own string
		object      func(*bus.Stored) bus.ObjectName
	}{
		{p.streams.Commands, p.cfg.Prefix.Durable(file, all), p.cfg.Prefix.Durable(file, p.key.Token), objectToSend},
		{p.streams.Dead, p.cfg.Prefix.DeadLetter(file, all), p.cfg.Prefix.DeadLetter(file, p.key.Token), objectToSend},
		{p.streams.Events, p.cfg.Prefix.Result(all, file), p.cfg.Prefix.Result(p.key.Token, file), objectSent},
	} {
		err := place.stream.Each(ctx, place.filter, func(msg *bus.Stored) error {
			if msg.Subject != place.own {
				sent[place.object(msg)] = true
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("which files other chats send is not known: %w", err)
		}
	}
	return sent, nil
}

func objectSent(result *bus.Stored) bus.ObjectName {
	ce, _, err := schema.Decode(result.Header, result.Data)
	var t told
	if err != nil || json.Unmarshal(ce.Data(), &t) != nil {
		return ""
	}
	return bus.ObjectName(t.Request.Object)
}

func objectToSend(command *bus.Stored) bus.ObjectName {
	ce, _, err := schema.DecodeCommand(command.Header, command.Data)
	var t told
	if err != nil || json.Unmarshal(ce.Data(), &t) != nil {
		return ""
	}
	return bus.ObjectName(t.Object)
}

// dropEvents erases the chat's events, results, session messages and fences.
func (p *purge) dropEvents(ctx context.Context) error {
	name := p.cfg.Prefix.StreamName("EVENTS")
	for _, filter := range []string{p.cfg.Prefix.ChatAll(p.key.Token), p.cfg.Prefix.Internal("events", "fence", string(p.key.Token))} {
		err := p.streams.Events.Each(ctx, filter, func(msg *bus.Stored) error {
			p.learn(msg)
			erased, err := p.streams.Events.Erase(ctx, msg.Sequence)
			if erased {
				p.count(name, p.kindOf(msg.Subject), 1)
			}
			return cmp.Or(err, p.keepMarked(ctx))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *purge) kindOf(subject string) string {
	parsed, err := p.cfg.Prefix.Parse(subject)
	switch {
	case err != nil:
		return "others"
	case parsed.Kind == subjects.KindEvent:
		return "events"
	case parsed.Kind == subjects.KindResult:
		return "results"
	case parsed.Kind == subjects.KindSession:
		return "session messages"
	}
	return "fences"
}

// dropStrayResults erases the results of commands that named the chat when the
// connector did not know it: they stand on the subjects of no chat.
func (p *purge) dropStrayResults(ctx context.Context) error {
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		if !spec.NamesChat() {
			continue
		}
		filter := p.cfg.Prefix.Result("", subjects.Command(spec.Name))
		err := p.streams.Events.Each(ctx, filter, func(msg *bus.Stored) error { return p.dropStray(ctx, msg) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *purge) dropStray(ctx context.Context, msg *bus.Stored) error {
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	var result struct {
		ChatID string `json:"chatId"`
	}
	if err != nil || json.Unmarshal(ce.Data(), &result) != nil || result.ChatID != string(p.key.ID) {
		return nil
	}
	erased, err := p.streams.Events.Erase(ctx, msg.Sequence)
	if erased {
		p.count(p.cfg.Prefix.StreamName("EVENTS"), "results", 1)
	}
	return err
}
