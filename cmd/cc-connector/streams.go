package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
)

const streamsAbout = `With CC_PROVISION=false the connector expects these to be there. Buckets and object stores are streams, too (KV_…,
OBJ_…). What is printed follows the settings (CC_SUBJECT_PREFIX, CC_EVENTS_MAX_AGE, CC_STREAM_REPLICAS and so on);
CC_BASE_URL must be given, because every stream carries the contact center's address as its mark. No connection is made.

Without an argument, all streams as one JSON array; with the name of one, this one's configuration, as
"nats stream add --config" takes it; with the name of a consumer behind it, the consumer's, for "nats consumer add":

  cc-connector streams CC_SESSIONS > stream.json && nats stream add --config stream.json
  cc-connector streams CC_SESSIONS holders > consumer.json && nats consumer add CC_SESSIONS --config consumer.json

Who reads the stream of events as one of the users that "cc-connector permissions" prints may make no consumer, but has
one by its own name. --reader prints it, to be made by an administrator; with --make it is made here and now, by the user
as whom the CC_NATS_ settings sign in: the connector's may, for cc-consumer and cc-auditor. Where the stream is not there
yet, it is made, too. What is there stays as it is.

  cc-connector streams --reader cc-consumer > consumer.json && nats consumer add CC_EVENTS --config consumer.json
  cc-connector streams --reader cc-consumer --make`

func prepareStreams(flags *flag.FlagSet) action {
	consumers := flags.Bool("consumers", false, "print all consumers instead, each with the name of its stream")
	nack := flags.Bool("nack", false, "print all streams and consumers as YAML resources of NACK, the Kubernetes controller of JetStream")
	reader := flags.String("reader", "", "print the consumer of the user `NAME`, who reads the stream of events")
	makeIt := flags.Bool("make", false, "with --reader: make the consumer instead of printing it")
	return func(operands []string, stdout, _ io.Writer) error {
		if *reader != "" || *makeIt {
			return readersConsumer(*reader, *makeIt, *consumers || *nack || len(operands) > 0, stdout)
		}
		if (*consumers || *nack) && len(operands) > 0 || *consumers && *nack {
			return usageError("--consumers and --nack print everything: give one of them, and no name")
		}
		definitions, err := readDefinitions()
		if err != nil {
			return err
		}
		if *nack {
			return printNACK(stdout, definitions)
		}
		printed, err := pick(definitions, *consumers, operands)
		if err != nil {
			return err
		}
		return printJSON(stdout, printed)
	}
}

func printJSON(w io.Writer, printed any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(printed)
}

// readDefinitions reads the settings that the streams depend on, and no others.
func readDefinitions() ([]connector.Definition, error) {
	r, err := newReader()
	if err != nil {
		return nil, err
	}
	definitions := r.definitions()
	return definitions, r.err()
}

func newReader() (*reader, error) {
	raw, err := readSettings()
	if err != nil {
		return nil, err
	}
	r := readerOf(raw)
	r.checkQuotes()
	return r, nil
}

func (r *reader) definitions() []connector.Definition {
	cfg := r.limits()
	cfg.Prefix = r.prefix()
	base := r.baseURL()
	cfg.BaseURL, cfg.Tenant = base.String(), r.tenant(base)
	if r.AppID != "" || r.Apps != "" {
		cfg.Apps = r.apps()
	}
	return connector.Definitions(cfg)
}

// consumerOf is a consumer in the form of a request to make it.
type consumerOf struct {
	Stream string                   `json:"stream_name"`
	Config jetstream.ConsumerConfig `json:"config"`
}

// pick chooses what is to be printed.
func pick(definitions []connector.Definition, consumers bool, names []string) (any, error) {
	switch {
	case len(names) > 2:
		return nil, usageError("at most the names of a stream and of a consumer can be given")
	case consumers:
		return allConsumers(definitions), nil
	case len(names) == 0:
		var all []jetstream.StreamConfig
		for _, d := range definitions {
			all = append(all, d.Stream)
		}
		return all, nil
	}
	d, err := find(definitions, names[0], "stream", func(d connector.Definition) string { return d.Stream.Name })
	if err != nil || len(names) == 1 {
		return d.Stream, err
	}
	return find(d.Consumers, names[1], "consumer of "+names[0], func(c jetstream.ConsumerConfig) string { return c.Durable })
}

func allConsumers(definitions []connector.Definition) (all []consumerOf) {
	for _, d := range definitions {
		for _, c := range d.Consumers {
			all = append(all, consumerOf{d.Stream.Name, c})
		}
	}
	return all
}

func find[T any](all []T, name, what string, nameOf func(T) string) (found T, err error) {
	var names []string
	for _, one := range all {
		if nameOf(one) == name {
			return one, nil
		}
		names = append(names, nameOf(one))
	}
	if names == nil {
		return found, usageError("there is no " + what)
	}
	return found, usageError(fmt.Sprintf("there is no %s %q; there are %s", what, name, strings.Join(names, ", ")))
}
