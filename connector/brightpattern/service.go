package brightpattern

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// Availability says whether a chat would be taken now.
type Availability struct {
	Available     bool
	EstimatedWait *float64 // seconds
}

// Parameter is one that the launch point expects of a chat request.
type Parameter struct {
	Name string
	Type string // PHONE, TEXT, EMAIL, FIRST_NAME, LAST_NAME, ACCOUNT, COMPANY
}

// ICEServer is a STUN or TURN server. Its credential is a secret.
type ICEServer struct{ URL, Username, Credential string }

// Version is the server's version, in its own words. Where only version 1 of
// the API exists, the status is 404.
func (c *Client) Version(ctx context.Context, cred Credentials) (string, error) {
	return c.version(ctx, cred, nil)
}

func (c *Client) version(ctx context.Context, cred Credentials, seen func(*http.Response)) (version string, err error) {
	err = c.readBy(ctx, cred, call{method: "getVersion", path: []string{"version"}, seen: seen}, func(o object) error {
		if version = cut(o.said("server_version"), maxText); version == "" {
			return lacking("server_version")
		}
		return nil
	})
	return version, err
}

// Availability asks whether the launch point takes chats now.
func (c *Client) Availability(ctx context.Context, cred Credentials) (Availability, error) {
	var a Availability
	err := c.read(ctx, cred, "checkAvailability", "availability", func(o object) error {
		if !o.isString("chat") {
			return lacking("chat")
		}
		a = Availability{Available: o.str("chat") == "available", EstimatedWait: o.number("ewt")}
		return nil
	})
	return a, err
}

// Parameters are those that the launch point expects, in its order.
func (c *Client) Parameters(ctx context.Context, cred Credentials) ([]Parameter, error) {
	var parameters []Parameter
	err := c.send(ctx, cred, call{method: "getParameters", path: []string{"parameters"}}, func(body []byte) error {
		raws, err := parseList(body, "parameters")
		for _, raw := range raws {
			more, readable := parseParameters(raw)
			if !readable {
				return lacking("parameters")
			}
			parameters = append(parameters, more...)
		}
		if len(parameters) > maxListed {
			return errTooMany
		}
		return err
	})
	return parameters, err
}

// parseParameters reads {"<name>":"<type>",…} in its order.
func parseParameters(raw json.RawMessage) (parameters []Parameter, ok bool) {
	types, ok := parseObject(raw)
	if !ok {
		return nil, false
	}
	for _, name := range keys(raw) {
		if !types.isString(name) {
			return nil, false
		}
		parameters = append(parameters, Parameter{name, types.str(name)})
	}
	return parameters, true
}

// keys are those of a valid JSON object, in their order.
func keys(raw json.RawMessage) []string {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	_, _ = decoder.Token() // the opening brace
	var keys []string
	for decoder.More() {
		key, err := decoder.Token()
		name, ok := key.(string)
		var value json.RawMessage
		if err != nil || !ok || decoder.Decode(&value) != nil {
			break
		}
		keys = append(keys, name)
	}
	return keys
}

// deepestPassedOn is how many levels a JSON text may have that is passed on.
const deepestPassedOn = 56

// Configuration is the launch point's widget configuration, the whole JSON
// body as it came.
func (c *Client) Configuration(ctx context.Context, cred Credentials) (json.RawMessage, error) {
	var configuration json.RawMessage
	call := call{method: "getConfiguration", path: []string{"configuration"}, limit: largeBody}
	err := c.send(ctx, cred, call, func(body []byte) error {
		body = readable(body)
		switch {
		case ShapeOf(body).Depth > deepestPassedOn:
			return errTooNested
		case !isObject(body):
			return errNotJSON
		}
		configuration = body
		return nil
	})
	return configuration, err
}

// ICEServers are for the media of audio and video calls.
func (c *Client) ICEServers(ctx context.Context, cred Credentials) ([]ICEServer, error) {
	var servers []ICEServer
	err := c.send(ctx, cred, call{method: "getICEServers", path: []string{"iceservers"}}, func(body []byte) error {
		raws, err := parseList(body, "servers")
		for _, raw := range raws {
			o, _ := parseObject(raw)
			if !o.isString("url") {
				return lacking("url of a server")
			}
			servers = append(servers, ICEServer{o.str("url"), o.text("username"), o.text("credential")})
		}
		return err
	})
	return servers, err
}

// read is a GET that is answered with an object.
func (c *Client) read(ctx context.Context, cred Credentials, method, path string, take func(object) error) error {
	return c.readBy(ctx, cred, call{method: method, path: []string{path}}, take)
}

func (c *Client) readBy(ctx context.Context, cred Credentials, call call, take func(object) error) error {
	return c.send(ctx, cred, call, func(body []byte) error {
		o, ok := parseObject(body)
		if !ok {
			return errNotJSON
		}
		return take(o)
	})
}

// maxListed is how many parameters or servers an answer may list.
const maxListed = 1000

func isObject(raw []byte) bool {
	_, is := parseObject(raw)
	return is
}

// parseList reads {"<key>":[…]}.
func parseList(body []byte, key string) ([]json.RawMessage, error) {
	o, ok := parseObject(body)
	if !ok {
		return nil, errNotJSON
	}
	if !o.has(key) || string(o[key]) == "null" {
		return nil, lacking(key)
	}
	list := []json.RawMessage{}
	f := feedOf(o[key])
	err := f.list(func() error {
		if len(list) == maxListed {
			return errTooMany
		}
		raw, err := f.value()
		list = append(list, raw)
		return err
	})
	return list, err
}
