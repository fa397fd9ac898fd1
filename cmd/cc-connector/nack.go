package main

import (
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.yaml.in/yaml/v3"

	"cc-connector/connector"
)

// The resources of NACK, as far as the connector's streams need them. Buckets
// are written as streams: NACK's own kinds for them know less.

type nackResource struct {
	APIVersion string       `yaml:"apiVersion"`
	Kind       string       `yaml:"kind"`
	Metadata   nackMetadata `yaml:"metadata"`
	Spec       any          `yaml:"spec"`
}

type nackMetadata struct {
	Name string `yaml:"name"`
}

type nackStream struct {
	Name                   string            `yaml:"name"`
	Description            string            `yaml:"description,omitempty"`
	Subjects               []string          `yaml:"subjects"`
	Retention              string            `yaml:"retention"`
	Storage                string            `yaml:"storage"`
	Replicas               int               `yaml:"replicas"`
	Discard                string            `yaml:"discard"`
	DiscardPerSubject      bool              `yaml:"discardPerSubject,omitempty"`
	MaxMsgsPerSubject      int64             `yaml:"maxMsgsPerSubject,omitempty"`
	MaxBytes               int64             `yaml:"maxBytes,omitempty"`
	MaxAge                 string            `yaml:"maxAge,omitempty"`
	DuplicateWindow        string            `yaml:"duplicateWindow,omitempty"`
	Compression            string            `yaml:"compression,omitempty"`
	DenyDelete             bool              `yaml:"denyDelete,omitempty"`
	AllowDirect            bool              `yaml:"allowDirect,omitempty"`
	AllowRollup            bool              `yaml:"allowRollup,omitempty"`
	AllowMsgTTL            bool              `yaml:"allowMsgTtl,omitempty"`
	SubjectDeleteMarkerTTL string            `yaml:"subjectDeleteMarkerTtl,omitempty"`
	Metadata               map[string]string `yaml:"metadata,omitempty"`
	PreventDelete          bool              `yaml:"preventDelete"`
}

type nackConsumer struct {
	StreamName     string   `yaml:"streamName"`
	DurableName    string   `yaml:"durableName"`
	DeliverPolicy  string   `yaml:"deliverPolicy"`
	AckPolicy      string   `yaml:"ackPolicy"`
	AckWait        string   `yaml:"ackWait"`
	MaxDeliver     int      `yaml:"maxDeliver"`
	MaxAckPending  int      `yaml:"maxAckPending"`
	MaxWaiting     int      `yaml:"maxWaiting"`
	ReplayPolicy   string   `yaml:"replayPolicy"`
	PriorityPolicy string   `yaml:"priorityPolicy,omitempty"`
	PriorityGroups []string `yaml:"priorityGroups,omitempty"`
	PreventDelete  bool     `yaml:"preventDelete"`
}

const nackHead = `# What cc-connector needs of JetStream, for NACK; connectors then run with CC_PROVISION=false.
# Made by "cc-connector streams --nack". A resource that is deleted leaves its stream and what is in it.
`

func printNACK(w io.Writer, definitions []connector.Definition) error {
	if _, err := io.WriteString(w, nackHead); err != nil {
		return err
	}
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	for _, d := range definitions {
		if err := encoder.Encode(resource("Stream", d.Stream.Name, streamSpec(d.Stream))); err != nil {
			return err
		}
		for _, c := range d.Consumers {
			if err := encoder.Encode(resource("Consumer", d.Stream.Name+"-"+c.Durable, consumerSpec(d.Stream.Name, c))); err != nil {
				return err
			}
		}
	}
	return encoder.Close()
}

// resource has a name that Kubernetes takes.
func resource(kind, name string, spec any) nackResource {
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	return nackResource{"jetstream.nats.io/v1beta2", kind, nackMetadata{name}, spec}
}

func streamSpec(s jetstream.StreamConfig) nackStream {
	return nackStream{
		Name: s.Name, Description: s.Description, Subjects: s.Subjects, Metadata: s.Metadata,
		Retention: spelt(s.Retention), Storage: spelt(s.Storage), Replicas: s.Replicas,
		Discard: spelt(s.Discard), DiscardPerSubject: s.DiscardNewPerSubject,
		MaxMsgsPerSubject: max(s.MaxMsgsPerSubject, 0), MaxBytes: max(s.MaxBytes, 0),
		MaxAge: duration(s.MaxAge), DuplicateWindow: duration(s.Duplicates), Compression: spelt(s.Compression),
		DenyDelete: s.DenyDelete, AllowDirect: s.AllowDirect, AllowRollup: s.AllowRollup,
		AllowMsgTTL: s.AllowMsgTTL, SubjectDeleteMarkerTTL: duration(s.SubjectDeleteMarkerTTL),
		PreventDelete: true,
	}
}

func consumerSpec(stream string, c jetstream.ConsumerConfig) nackConsumer {
	policies := map[jetstream.PriorityPolicy]string{jetstream.PriorityPolicyPrioritized: "prioritized"}
	return nackConsumer{
		StreamName: stream, DurableName: c.Durable,
		DeliverPolicy: spelt(c.DeliverPolicy), AckPolicy: spelt(c.AckPolicy), ReplayPolicy: spelt(c.ReplayPolicy),
		AckWait: duration(c.AckWait), MaxDeliver: c.MaxDeliver, MaxAckPending: c.MaxAckPending, MaxWaiting: c.MaxWaiting,
		PriorityPolicy: policies[c.PriorityPolicy], PriorityGroups: c.PriorityGroups,
		PreventDelete: true,
	}
}

// spelt is how NATS, and so NACK, writes one of its words.
func spelt(word interface{ MarshalJSON() ([]byte, error) }) string {
	written, err := word.MarshalJSON()
	if err != nil {
		return ""
	}
	return strings.Trim(string(written), `"`)
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
