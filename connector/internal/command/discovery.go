package command

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nuid"

	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// What the live lane shows of itself by the protocol of NATS micro services.
// The library's own service answers on any reply subject, which may be one
// where only the connector may publish, and knows a request's end only if it is
// answered in the subscription's goroutine.

const serviceName = "cc-connector"

// longestLastError of an endpoint, in bytes: the statistics of all of them are one message.
const longestLastError = 80

// microService answers for all endpoints.
type microService struct {
	identity  micro.ServiceIdentity
	started   time.Time
	endpoints []*endpoint
	asked     []*nats.Subscription
}

// endpoint is a live command and its statistics.
type endpoint struct {
	spec         *schema.Command
	subscription *nats.Subscription

	mu    sync.Mutex
	stats micro.EndpointStats
}

func newEndpoint(spec *schema.Command, subject string) *endpoint {
	return &endpoint{spec: spec, stats: micro.EndpointStats{
		Name: spec.Noun() + "-" + spec.Verb(), Subject: subject, QueueGroup: serviceName,
	}}
}

// note counts a request, from its arrival to its reply.
func (e *endpoint) note(failure *schema.Error, took time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stats.NumRequests++
	e.stats.ProcessingTime += took
	e.stats.AverageProcessingTime = e.stats.ProcessingTime / time.Duration(e.stats.NumRequests)
	if failure != nil {
		e.stats.NumErrors++
		e.stats.LastError = translate.Cut(string(failure.Code)+":"+oneLine(failure.Message), longestLastError)
	}
}

func (e *endpoint) snapshot() *micro.EndpointStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	copied := e.stats
	return &copied
}

func (c *Commands) newService() *microService {
	return &microService{started: time.Now().UTC(), identity: micro.ServiceIdentity{
		Name: serviceName, ID: nuid.Next(), Version: c.cfg.Version,
		Metadata: map[string]string{"prefix": string(c.cfg.Prefix), "tenant": c.cfg.Tenant},
	}}
}

func (s *microService) ping() any {
	return micro.Ping{ServiceIdentity: s.identity, Type: micro.PingResponseType}
}

func (s *microService) info() any {
	info := micro.Info{
		ServiceIdentity: s.identity, Type: micro.InfoResponseType, Endpoints: []micro.EndpointInfo{},
		Description: "Runs contact-center commands and publishes their results",
	}
	for _, e := range s.endpoints {
		info.Endpoints = append(info.Endpoints, micro.EndpointInfo{Name: e.stats.Name, Subject: e.stats.Subject, QueueGroup: serviceName})
	}
	return info
}

func (s *microService) statistics() any {
	stats := micro.Stats{ServiceIdentity: s.identity, Type: micro.StatsResponseType, Started: s.started, Endpoints: []*micro.EndpointStats{}}
	for _, e := range s.endpoints {
		stats.Endpoints = append(stats.Endpoints, e.snapshot())
	}
	return stats
}

// answerQuestions answers who asks for all services, for these, or for this one.
func (c *Commands) answerQuestions(s *microService) error {
	for verb, say := range map[micro.Verb]func() any{micro.PingVerb: s.ping, micro.InfoVerb: s.info, micro.StatsVerb: s.statistics} {
		for _, of := range [][2]string{{"", ""}, {serviceName, ""}, {serviceName, s.identity.ID}} {
			subject, err := micro.ControlSubject(verb, of[0], of[1])
			if err != nil {
				return err
			}
			asked, err := c.NATS.Subscribe(subject, func(msg *nats.Msg) { c.answerQuestion(msg, say) })
			if err != nil {
				return err
			}
			s.asked = append(s.asked, asked)
		}
	}
	return nil
}

func (c *Commands) answerQuestion(msg *nats.Msg, say func() any) {
	if !mayReply(c.cfg.Prefix, msg.Reply) {
		c.ignore(metrics.IgnoredReply, "")
		return
	}
	data, err := schema.JSON(say())
	if err == nil {
		err = msg.Respond(data)
	}
	if err != nil {
		c.Log.Warn("a question about the service could not be answered", "error", err)
	}
}

// stop takes no more requests; those that have come are still handled.
func (s *microService) stop() error {
	for _, e := range s.endpoints {
		if err := e.subscription.Drain(); err != nil {
			return err
		}
	}
	for _, asked := range s.asked {
		if err := asked.Drain(); err != nil {
			return err
		}
	}
	return nil
}
