// Package microservice is what a connector shows of itself by the protocol of
// NATS micro services: its endpoints, and how they do.
//
// The library's own service answers on any reply subject, which may be one
// where only the connector may publish, and it takes a request for done when
// its handler returns. Here a request's handler only hands it on: how long it
// took, and whether it failed, is noted when its reply has been sent, from
// whatever goroutine.
package microservice

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nuid"

	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/metrics"
	"cc-connector/schema"
)

// Name is the service's, and its queue group's.
const Name = "cc-connector"

const (
	description = "Runs contact-center commands and publishes their results"

	// What an endpoint's subscription holds while the connector is too slow even
	// to refuse; beyond it NATS drops what comes, and the connection stays.
	mostPending      = 4096
	mostPendingBytes = 16 << 20
)

// Service answers for all endpoints.
type Service struct {
	nc        *nats.Conn
	guard     *intake.Guard
	log       *slog.Logger
	identity  micro.ServiceIdentity
	started   time.Time
	endpoints []*Endpoint
	asked     []*nats.Subscription
}

// New is a service of a SemVer version without endpoints.
func New(nc *nats.Conn, version string, metadata map[string]string, guard *intake.Guard, log *slog.Logger) *Service {
	return &Service{nc: nc, guard: guard, log: log, started: time.Now().UTC(), identity: micro.ServiceIdentity{
		Name: Name, ID: nuid.Next(), Version: version, Metadata: metadata,
	}}
}

// Add makes an endpoint whose requests take gets, one at a time. It is not for
// several goroutines, and must be done before Answer.
func (s *Service) Add(name, subject string, take func(*Endpoint, *nats.Msg)) (err error) {
	e := newEndpoint(name, subject)
	e.subscription, err = s.nc.QueueSubscribe(subject, Name, func(msg *nats.Msg) { take(e, msg) })
	if err != nil {
		return err
	}
	s.endpoints = append(s.endpoints, e)
	return e.subscription.SetPendingLimits(mostPending, max(mostPendingBytes, 2*int(s.nc.MaxPayload())))
}

// Answer begins to answer who asks for all services, for these, or for this one.
func (s *Service) Answer() error {
	for verb, say := range map[micro.Verb]func() any{micro.PingVerb: s.ping, micro.InfoVerb: s.info, micro.StatsVerb: s.statistics} {
		for _, of := range [][2]string{{"", ""}, {Name, ""}, {Name, s.identity.ID}} {
			subject, err := micro.ControlSubject(verb, of[0], of[1])
			if err != nil {
				return err
			}
			asked, err := s.nc.Subscribe(subject, func(msg *nats.Msg) { s.answer(msg, say) })
			if err != nil {
				return err
			}
			s.asked = append(s.asked, asked)
		}
	}
	return nil
}

func (s *Service) answer(msg *nats.Msg, say func() any) {
	if !s.guard.MayReply(msg.Reply) {
		s.guard.Ignore(metrics.IgnoredReply, "")
		return
	}
	if msg.Reply == "" { // nobody waits
		return
	}
	data, err := schema.JSON(say())
	if err == nil {
		err = msg.Respond(data)
	}
	if err != nil {
		s.log.Warn("a question about the service could not be answered", "error", err)
	}
}

func (s *Service) ping() any {
	return micro.Ping{ServiceIdentity: s.identity, Type: micro.PingResponseType}
}

func (s *Service) info() any {
	info := micro.Info{
		ServiceIdentity: s.identity, Type: micro.InfoResponseType, Endpoints: []micro.EndpointInfo{}, Description: description,
	}
	for _, e := range s.endpoints {
		info.Endpoints = append(info.Endpoints, micro.EndpointInfo{Name: e.stats.Name, Subject: e.stats.Subject, QueueGroup: Name})
	}
	return info
}

func (s *Service) statistics() any {
	stats := micro.Stats{ServiceIdentity: s.identity, Type: micro.StatsResponseType, Started: s.started, Endpoints: []*micro.EndpointStats{}}
	for _, e := range s.endpoints {
		stats.Endpoints = append(stats.Endpoints, e.snapshot())
	}
	return stats
}

// Stop takes no more requests; those that have come are still handled.
func (s *Service) Stop() error {
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
