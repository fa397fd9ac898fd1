package main

import (
	"os"
	"reflect"
	"slices"
	"strings"
)

// tracingSettings are the variables of OpenTelemetry that the connector heeds. It reads some of them itself; the
// others are its SDK's to read. The SDK passes over what is bad, and quotes it, tokens and all; so each has a kind by
// which it is checked first. Those without a meaning here are not listed for users: they say the same for traces
// alone, or set limits that hardly anybody changes.
type tracingSettings struct {
	Endpoint   string `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT" kind:"url" desc:"where traces are sent, like http://collector:4318; without it there are none"`
	Protocol   string `envconfig:"OTEL_EXPORTER_OTLP_PROTOCOL" kind:"protocol" default:"http/protobuf" desc:"http/protobuf, http/json or grpc"`
	Headers    string `envconfig:"OTEL_EXPORTER_OTLP_HEADERS" kind:"headers" desc:"headers to send, as name=value,name=value; values are percent-encoded"`
	CA         string `envconfig:"OTEL_EXPORTER_OTLP_CERTIFICATE" kind:"certificates" desc:"file with the root certificates of the endpoint"`
	ClientCert string `envconfig:"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" kind:"certificates" desc:"file with the client certificate for the endpoint"`
	ClientKey  string `envconfig:"OTEL_EXPORTER_OTLP_CLIENT_KEY" kind:"file" desc:"file with the key of OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"`
	Service    string `envconfig:"OTEL_SERVICE_NAME" kind:"text" default:"cc-connector" desc:"name of the service in traces"`
	Resource   string `envconfig:"OTEL_RESOURCE_ATTRIBUTES" kind:"pairs" desc:"more that traces say of this process, as name=value,name=value"`
	Sampler    string `envconfig:"OTEL_TRACES_SAMPLER" kind:"sampler" default:"parentbased_always_on" desc:"which traces are made: always_on, always_off, traceidratio, or these with parentbased_ before them"`
	SamplerArg string `envconfig:"OTEL_TRACES_SAMPLER_ARG" kind:"text" default:"1.0" desc:"the part of all traces that a sampler by traceidratio takes, from 0 to 1"`
	Exporter   string `envconfig:"OTEL_TRACES_EXPORTER" kind:"exporter" default:"otlp" desc:"otlp or none"`
	Disabled   string `envconfig:"OTEL_SDK_DISABLED" kind:"flag" default:"false" desc:"true: no traces, whatever else is set"`
	Queue      string `envconfig:"OTEL_BSP_MAX_QUEUE_SIZE" kind:"count" default:"2048" desc:"how many spans wait to be sent at most; of more, each is dropped"`

	TracesEndpoint   string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" kind:"url"`
	TracesProtocol   string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" kind:"protocol"`
	TracesHeaders    string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_HEADERS" kind:"headers"`
	TracesCA         string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE" kind:"certificates"`
	TracesClientCert string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE" kind:"certificates"`
	TracesClientKey  string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY" kind:"file"`

	Timeout           string `envconfig:"OTEL_EXPORTER_OTLP_TIMEOUT" kind:"count"`
	TracesTimeout     string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT" kind:"count"`
	Compression       string `envconfig:"OTEL_EXPORTER_OTLP_COMPRESSION" kind:"compression"`
	TracesCompression string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION" kind:"compression"`
	Insecure          string `envconfig:"OTEL_EXPORTER_OTLP_INSECURE" kind:"flag"`
	TracesInsecure    string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_INSECURE" kind:"flag"`

	ScheduleDelay string `envconfig:"OTEL_BSP_SCHEDULE_DELAY" kind:"count"`
	ExportTimeout string `envconfig:"OTEL_BSP_EXPORT_TIMEOUT" kind:"count"`
	Batch         string `envconfig:"OTEL_BSP_MAX_EXPORT_BATCH_SIZE" kind:"count"`

	ValueLength     string `envconfig:"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT" kind:"limit"`
	Attributes      string `envconfig:"OTEL_ATTRIBUTE_COUNT_LIMIT" kind:"limit"`
	SpanValueLength string `envconfig:"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT" kind:"limit"`
	SpanAttributes  string `envconfig:"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" kind:"limit"`
	SpanEvents      string `envconfig:"OTEL_SPAN_EVENT_COUNT_LIMIT" kind:"limit"`
	SpanLinks       string `envconfig:"OTEL_SPAN_LINK_COUNT_LIMIT" kind:"limit"`
	EventAttributes string `envconfig:"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT" kind:"limit"`
	LinkAttributes  string `envconfig:"OTEL_LINK_ATTRIBUTE_COUNT_LIMIT" kind:"limit"`
}

func (s *tracingSettings) variables() []variable { return variablesOf(reflect.ValueOf(s).Elem()) }

// listedTracing are those that users read of.
func listedTracing() []variable {
	return slices.DeleteFunc(new(tracingSettings).variables(), func(v variable) bool { return v.doc == "" })
}

// readTracingSettings reads the environment. An absent one stays empty: its default is the SDK's.
func readTracingSettings() *tracingSettings {
	s := new(tracingSettings)
	for _, v := range s.variables() {
		*v.value = strings.TrimSpace(os.Getenv(v.name))
	}
	return s
}

// tellSDK leaves in the environment what was read from it: the SDK takes an empty variable for a given one, and
// white space for a part of the value.
func (s *tracingSettings) tellSDK() error {
	for _, v := range s.variables() {
		change := func() error { return os.Setenv(v.name, *v.value) }
		if *v.value == "" {
			change = func() error { return os.Unsetenv(v.name) }
		}
		if err := change(); err != nil {
			return err
		}
	}
	return nil
}
