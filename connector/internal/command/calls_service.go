package command

import (
	"context"

	"cc-connector/schema"
)

// The calls on a launch point.

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
	var result schema.ServiceParametersResult
	for _, p := range parameters {
		result.Parameters = append(result.Parameters, schema.Parameter{Name: p.Name, Type: p.Type})
	}
	return result, err
}

func serviceConfiguration(ctx context.Context, s service) (any, error) {
	configuration, err := s.client.Configuration(ctx, s.credentials)
	return schema.ServiceConfigurationResult{Configuration: configuration}, err
}

func serviceICEServers(ctx context.Context, s service) (any, error) {
	servers, err := s.client.ICEServers(ctx, s.credentials)
	result := schema.ServiceICEServersResult{Servers: []schema.ICEServer{}}
	for _, server := range servers {
		result.Servers = append(result.Servers, schema.ICEServer{URL: server.URL, Username: server.Username, Credential: server.Credential})
	}
	return result, err
}
