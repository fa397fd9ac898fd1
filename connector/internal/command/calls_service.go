package command

import (
	"context"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// The calls on a launch point.

// service is a launch point as the service commands see it.
type service struct {
	client      *brightpattern.Client
	credentials brightpattern.Credentials
}

func serviceVersion(ctx context.Context, s service) (any, error) {
	version, err := s.client.Version(ctx, s.credentials)
	return schema.ServiceVersionResult{ServerVersion: version}, err
}

func serviceAvailability(ctx context.Context, s service) (any, error) {
	availability, err := s.client.Availability(ctx, s.credentials)
	chat := schema.Unavailable
	if availability.Available {
		chat = schema.Available
	}
	return schema.ServiceAvailabilityResult{Chat: chat, EstimatedWaitTime: availability.EstimatedWait}, err
}

func serviceParameters(ctx context.Context, s service) (any, error) {
	parameters, err := s.client.Parameters(ctx, s.credentials)
	var list schema.ServiceParametersResult
	for _, p := range parameters {
		list.Parameters = append(list.Parameters, schema.Parameter{Name: p.Name, Type: p.Type})
	}
	return list, err
}

func serviceConfiguration(ctx context.Context, s service) (any, error) {
	configuration, err := s.client.Configuration(ctx, s.credentials)
	return schema.ServiceConfigurationResult{Configuration: configuration}, err
}

func serviceICEServers(ctx context.Context, s service) (any, error) {
	servers, err := s.client.ICEServers(ctx, s.credentials)
	list := schema.ServiceICEServersResult{Servers: []schema.ICEServer{}}
	for _, server := range servers {
		list.Servers = append(list.Servers, schema.ICEServer{URL: server.URL, Username: server.Username, Credential: server.Credential})
	}
	return list, err
}
