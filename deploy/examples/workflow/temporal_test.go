package main

import (
	"context"
	"log/slog"
	"net"
	"sync"

	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cc-connector/schema"
)

// temporalServer stands for Temporal's server, as far as the bridge uses it: it
// remembers what was begun, and keeps the signals. The workflows themselves run
// in the SDK's own test environment.
type temporalServer struct {
	*system
	workflowservice.UnimplementedWorkflowServiceServer
	client client.Client

	mu      sync.Mutex
	down    bool
	begun   map[string]AgentLeft
	runs    int
	refused int
	signals map[string]schema.Result
}

func (s *system) startTemporal() *temporalServer {
	s.Helper()
	t := &temporalServer{system: s, begun: map[string]AgentLeft{}, signals: map[string]schema.Result{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.check(err)
	server := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(server, t)
	go func() { _ = server.Serve(listener) }()
	s.Cleanup(server.Stop)
	t.client, err = client.DialContext(s.Context(), client.Options{
		HostPort: listener.Addr().String(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	s.check(err)
	s.Cleanup(t.client.Close)
	return t
}

func (t *temporalServer) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

// StartWorkflowExecution takes every workflow to be over already: only the
// policy to reject duplicates keeps another run from being begun.
func (t *temporalServer) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down {
		t.refused++
		return nil, status.Error(codes.FailedPrecondition, "down") // the client tries again by itself what is Unavailable
	}
	if _, before := t.begun[r.WorkflowId]; before && r.WorkflowIdReusePolicy == enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE {
		return nil, serviceerror.ToStatus(serviceerror.NewWorkflowExecutionAlreadyStarted("it was begun before", r.RequestId, "run")).Err()
	}
	var left AgentLeft
	if err := decode(r.Input, &left); err != nil {
		return nil, err
	}
	t.begun[r.WorkflowId] = left
	t.runs++
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run", Started: true}, nil
}

func (t *temporalServer) SignalWorkflowExecution(_ context.Context, r *workflowservice.SignalWorkflowExecutionRequest) (*workflowservice.SignalWorkflowExecutionResponse, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, there := t.begun[r.WorkflowExecution.WorkflowId]; !there || r.SignalName != outcome {
		return nil, serviceerror.ToStatus(serviceerror.NewNotFound("there is none")).Err()
	}
	var result schema.Result
	if err := decode(r.Input, &result); err != nil {
		return nil, err
	}
	t.signals[r.WorkflowExecution.WorkflowId] = result
	return &workflowservice.SignalWorkflowExecutionResponse{}, nil
}

func decode(input *commonpb.Payloads, into any) error {
	return converter.GetDefaultDataConverter().FromPayloads(input, into)
}

func (t *temporalServer) setDown(down bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down = down
}

// counts are the runs that were begun, and how often one could not be.
func (t *temporalServer) counts() (runs, refused int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.runs, t.refused
}

// awaitBegun waits for the workflow of a chat.
func (t *temporalServer) awaitBegun(chat string) (left AgentLeft) {
	t.Helper()
	t.eventually("a workflow is begun", func() bool {
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, begun := range t.begun {
			if begun.ChatID == chat {
				left = begun
			}
		}
		return left.ChatID != ""
	})
	return left
}

func (t *temporalServer) awaitSignal(id string) (result schema.Result) {
	t.Helper()
	t.eventually("the result is signalled", func() (there bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		result, there = t.signals[id]
		return there
	})
	return result
}

// doing are the real activities. Say dies once after its work is done, and in
// the end waits for the result, because the test environment's clock leaps to
// what a workflow waits for as soon as nobody works.
type doing struct {
	*Activities
	temporal *temporalServer
	env      *testsuite.TestWorkflowEnvironment
	deaths   int
}

func (d *doing) Say(ctx context.Context, left AgentLeft) error {
	if err := d.Activities.Say(ctx, left); err != nil {
		return err
	}
	if d.deaths > 0 {
		d.deaths--
		return status.Error(codes.Aborted, "it died before it could tell")
	}
	d.env.SignalWorkflow(outcome, d.temporal.awaitSignal(left.ID()))
	return nil
}

// run runs a workflow from beginning to end, and returns how it ended.
func (t *temporalServer) run(a *Activities, left AgentLeft) (end string) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(hanging)
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: hanging}) // a busy machine is no deadlock
	env.RegisterActivity(&doing{a, t, env, 1})
	env.ExecuteWorkflow(SpeakUp, left)
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow does not end")
	}
	t.check(env.GetWorkflowError())
	t.check(env.GetWorkflowResult(&end))
	return end
}
