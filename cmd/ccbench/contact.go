package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	tenant   = "bench.example"
	appID    = "bench" // of the connector
	floorApp = "floor" // whose chats nobody polls
)

// contact is the simulated contact center as the floor and this program use it.
type contact struct {
	base   string
	client *http.Client
}

func newContact(base string) *contact {
	transport := &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}
	return &contact{base: base, client: &http.Client{Transport: transport}}
}

func (c *contact) close() { c.client.CloseIdleConnections() }

// call makes a call of the contact center's API, in the name of a client of the floor.
func (c *contact) call(ctx context.Context, path, client string, body []byte) ([]byte, error) {
	return c.callBy(ctx, http.MethodPost, path+"?tenantUrl="+tenant, client, body)
}

func (c *contact) callBy(ctx context.Context, method, way, client string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+"/clientweb/api/v2/"+way, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", `MOBILE-API-140-327-PLAIN appId="`+floorApp+`", clientId="`+client+`"`)
	request.Header.Set("User-Agent", "MobileClient")
	request.Header.Set("Cache-Control", "no-cache")
	request.Header.Set("Content-Type", "application/json; charset=UTF-8")
	return c.do(request)
}

func (c *contact) do(request *http.Request) ([]byte, error) {
	answer, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the contact center answers %s to %s", answer.Status, request.URL.Path)
	}
	return body, err
}

// open makes a chat of the floor, and returns its id.
func (c *contact) open(ctx context.Context, client string) (string, error) {
	body, err := c.call(ctx, "chats", client, []byte(`{"parameters":{}}`))
	if err != nil {
		return "", err
	}
	var made struct {
		ID string `json:"chat_id"`
	}
	return made.ID, json.Unmarshal(body, &made)
}

// control asks the simulator's control API.
func (c *contact) control(ctx context.Context, method, way string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.base+"/sim/"+way, bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := c.do(request)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

// calls is how often the contact center has carried out a method.
func (c *contact) calls(ctx context.Context, method string) (int, error) {
	var told struct{ Calls map[string]int }
	err := c.control(ctx, http.MethodGet, "calls", nil, &told)
	return told.Calls[method], err
}

const commandTime = 30 * time.Second // then a command counts as lost
