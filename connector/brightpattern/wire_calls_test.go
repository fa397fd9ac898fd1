package brightpattern_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
)

// How the literal data write calls and their results down.

type callArgs struct {
	From, PhoneNumber               string
	Parameters                      map[string]string
	UserPlatform                    json.RawMessage
	DeviceToken, BundleID, Platform string
	Name, Content                   string
	TenantPaths                     bool
	Events                          []eventArgs
	cred                            brightpattern.Credentials
	chat                            brightpattern.ChatID
	party                           brightpattern.PartyID
	file                            brightpattern.FileID
}

var calls = map[string]func(context.Context, *brightpattern.Client, callArgs) (any, error){
	"version": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Version(ctx, a.cred)
	},
	"availability": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Availability(ctx, a.cred)
	},
	"parameters": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Parameters(ctx, a.cred)
	},
	"configuration": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Configuration(ctx, a.cred)
	},
	"iceServers": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.ICEServers(ctx, a.cred)
	},
	"requestChat": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.RequestChat(ctx, a.cred, brightpattern.ChatRequest{From: a.From, PhoneNumber: a.PhoneNumber, Parameters: a.Parameters, UserPlatform: a.UserPlatform})
	},
	"activeChat": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.ActiveChat(ctx, a.cred)
	},
	"poll": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Poll(ctx, a.cred, a.chat)
	},
	"send": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		var events []brightpattern.ClientEvent
		for _, e := range a.Events {
			events = append(events, clientEvents[e.Event](e))
		}
		return c.Send(ctx, a.cred, a.chat, events...)
	},
	"history": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.History(ctx, a.cred, a.chat)
	},
	"caseHistory": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.CaseHistory(ctx, a.cred, a.chat)
	},
	"closeCase": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return nil, c.CloseCase(ctx, a.cred, a.chat)
	},
	"subscribeAPNs": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return nil, c.SubscribeAPNs(ctx, a.cred, a.chat, a.DeviceToken, a.BundleID)
	},
	"subscribeFirebase": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		platform := map[string]brightpattern.Platform{"ios": brightpattern.PlatformIOS, "android": brightpattern.PlatformAndroid}[a.Platform]
		return nil, c.SubscribeFirebase(ctx, a.cred, a.chat, a.DeviceToken, platform)
	},
	"cancelNotifications": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return nil, c.CancelNotifications(ctx, a.cred, a.chat)
	},
	"upload": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.Upload(ctx, a.cred, a.Name, strings.NewReader(a.Content))
	},
	"file": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.File(ctx, a.cred, a.chat, a.file)
	},
	"profilePhoto": func(ctx context.Context, c *brightpattern.Client, a callArgs) (any, error) {
		return c.ProfilePhoto(ctx, a.cred, a.chat, a.party)
	},
}

type eventArgs struct {
	Event                          brightpattern.EventName
	ID, Ref                        brightpattern.MessageID
	Text, HTML, Channel            string
	Latitude, Longitude            float64
	URL, Title, Page, ProviderType string
	FileID                         brightpattern.FileID
	FileName, FileType             string
	FormRequestID                  brightpattern.FormRequestID
	FormName                       string
	Destination                    brightpattern.PartyID
	Data                           json.RawMessage
}

var clientEvents = map[brightpattern.EventName]func(eventArgs) brightpattern.ClientEvent{
	brightpattern.EventMessage: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.Message{ID: e.ID, Text: e.Text, HTML: e.HTML, Channel: e.Channel}
	},
	brightpattern.EventMessageDelivered: func(e eventArgs) brightpattern.ClientEvent { return brightpattern.Delivered{Ref: e.Ref} },
	brightpattern.EventMessageRead:      func(e eventArgs) brightpattern.ClientEvent { return brightpattern.Read{Ref: e.Ref} },
	brightpattern.EventTyping:           func(eventArgs) brightpattern.ClientEvent { return brightpattern.Typing{} },
	brightpattern.EventNotTyping:        func(eventArgs) brightpattern.ClientEvent { return brightpattern.NotTyping{} },
	brightpattern.EventLocation: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.Location{ID: e.ID, Place: &brightpattern.Place{Latitude: e.Latitude, Longitude: e.Longitude}, URL: e.URL}
	},
	brightpattern.EventFile: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.SharedFile{ID: e.ID, FileID: e.FileID, FileName: e.FileName, FileType: e.FileType}
	},
	brightpattern.EventFormData: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.FormData{FormRequestID: e.FormRequestID, FormName: e.FormName, Data: e.Data}
	},
	brightpattern.EventSecureFormData: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.SecureFormData{FormRequestID: e.FormRequestID, FormName: e.FormName, Data: e.Data}
	},
	brightpattern.EventSecureFormCancel: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.SecureFormCancel{FormRequestID: e.FormRequestID}
	},
	brightpattern.EventSignaling: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.Signal{ID: e.ID, Destination: e.Destination, Data: e.Data}
	},
	brightpattern.EventCobrowsingStarted: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.CobrowsingStarted{ProviderType: e.ProviderType, URL: e.URL}
	},
	brightpattern.EventCobrowsingRejected: func(eventArgs) brightpattern.ClientEvent { return brightpattern.CobrowsingRejected{} },
	brightpattern.EventCobrowsingEnded:    func(eventArgs) brightpattern.ClientEvent { return brightpattern.CobrowsingEnded{} },
	brightpattern.EventNavigation: func(e eventArgs) brightpattern.ClientEvent {
		return brightpattern.Navigation{ID: e.ID, Title: e.Title, Page: e.Page}
	},
	brightpattern.EventDisconnect: func(eventArgs) brightpattern.ClientEvent { return brightpattern.Disconnect{} },
	brightpattern.EventEnd:        func(eventArgs) brightpattern.ClientEvent { return brightpattern.End{} },
}

// plain turns a result into JSON values: its fields that are not empty, without Raw.
func plain(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	switch value := v.Interface().(type) {
	case time.Time:
		return value.Format(time.RFC3339Nano)
	case json.RawMessage:
		return value
	case io.ReadCloser:
		defer value.Close()
		body, err := io.ReadAll(value)
		return fmt.Sprint(string(body), errText(err))
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return plain(v.Elem())
	case reflect.Slice:
		out := []any{}
		for i := range v.Len() {
			out = append(out, plain(v.Index(i)))
		}
		return out
	case reflect.Struct:
		return plainFields(v)
	default:
		return v.Interface()
	}
}

func plainFields(v reflect.Value) map[string]any {
	out := map[string]any{}
	for i := range v.NumField() {
		name, value := v.Type().Field(i).Name, v.Field(i)
		empty := value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
		if name != "Raw" && !empty {
			out[name] = plain(value)
		}
	}
	return out
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return "!" + err.Error()
}

// TestEventsTellTheirEnd checks what an event says beyond its fields.
func TestEventsTellTheirEnd(t *testing.T) {
	values := exchange{}.values()
	chat := brightpattern.ChatID(values["chatId"])
	for _, dir := range []string{"client_events", "server_events"} {
		for _, name := range baseNames(t, dir) {
			for _, v := range load[eventFile](t, dir+"/"+name).Variants {
				raw, fromClient := v.Wire, v.FromClient
				if dir == "client_events" {
					raw, fromClient = v.History, true
				}
				if raw == nil {
					continue
				}
				event := brightpattern.ParseEvent(fill(literal(raw), values))
				if event.IsFromClient(chat) != fromClient {
					t.Errorf("%s/%s/%s: IsFromClient is %v", dir, name, v.Name, !fromClient)
				}
				if reason, ends := event.EndsSession(); reason != v.Ends || ends != (v.Ends != "") {
					t.Errorf("%s/%s/%s: EndsSession is %q, %v", dir, name, v.Name, reason, ends)
				}
			}
		}
	}
}
