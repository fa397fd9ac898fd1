package main

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"cc-connector/schema"
)

// AgentLeft is what a workflow is about.
type AgentLeft struct {
	EventID   string // of the event party_left
	ChatID    string
	Sequence  uint64 // of the event in its chat
	PartyType string // of who left; the contact center does not always say it
}

// idPrefix begins the ids of this program's commands.
const idPrefix = "agent-left-"

// ID is the workflow's id and the command's. It comes of the event, so that
// neither is done twice, whatever is delivered again and whoever dies. A result
// names the command as its cause, and so the workflow that waits for it.
func (left AgentLeft) ID() string { return idPrefix + left.EventID }

// outcome is the signal that brings a [schema.Result].
const outcome = "outcome"

// How a workflow ends.
const (
	Said      = "said"       // or "not said: " and the result's code
	NotNeeded = "not needed" // the chat is over, or an agent is there
	Untold    = "no result came"
)

const (
	grace    = 10 * time.Second // for another agent to come
	patience = 2 * time.Hour    // longer than CC_COMMAND_MAX_AGE: a command is done or given up by then
)

// SpeakUp speaks for the customer whose agent has left the chat, unless the chat
// has ended or another agent is there.
func SpeakUp(ctx workflow.Context, left AgentLeft) (string, error) {
	if err := workflow.Sleep(ctx, grace); err != nil {
		return "", err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second, ScheduleToCloseTimeout: patience})
	var alone bool
	if err := workflow.ExecuteActivity(ctx, (*Activities).IsAlone, left).Get(ctx, &alone); err != nil {
		return "", err
	}
	if !alone {
		return NotNeeded, nil
	}
	if err := workflow.ExecuteActivity(ctx, (*Activities).Say, left).Get(ctx, nil); err != nil {
		return "", err
	}
	return awaitOutcome(ctx), nil
}

// awaitOutcome waits for the signal that the bridge sends.
func awaitOutcome(ctx workflow.Context) string {
	var result schema.Result
	told, _ := workflow.GetSignalChannel(ctx, outcome).ReceiveWithTimeout(ctx, patience, &result)
	switch {
	case !told:
		return Untold
	case result.Error != nil:
		return "not said: " + string(result.Error.Code)
	}
	return Said
}
