package check

import meta "k8s.io/apimachinery/pkg/apis/meta/v1"

// The resources of NACK (jetstream.nats.io/v1beta2), as far as the connector's streams need them: field by field
// after the API of NACK 0.22, whose Go module is not to be had here.
type (
	nackStream struct {
		meta.TypeMeta   `json:",inline"`
		meta.ObjectMeta `json:"metadata"`
		Spec            nackStreamSpec `json:"spec"`
	}
	nackStreamSpec struct {
		Name                   string            `json:"name"`
		Description            string            `json:"description"`
		Subjects               []string          `json:"subjects"`
		Retention              string            `json:"retention"`
		MaxConsumers           int               `json:"maxConsumers"`
		MaxMsgsPerSubject      int               `json:"maxMsgsPerSubject"`
		MaxMsgs                int               `json:"maxMsgs"`
		MaxBytes               int               `json:"maxBytes"`
		MaxAge                 string            `json:"maxAge"`
		MaxMsgSize             int               `json:"maxMsgSize"`
		Storage                string            `json:"storage"`
		Discard                string            `json:"discard"`
		Replicas               int               `json:"replicas"`
		NoAck                  bool              `json:"noAck"`
		DuplicateWindow        string            `json:"duplicateWindow"`
		Compression            string            `json:"compression"`
		Sealed                 bool              `json:"sealed"`
		DenyDelete             bool              `json:"denyDelete"`
		DenyPurge              bool              `json:"denyPurge"`
		AllowDirect            bool              `json:"allowDirect"`
		AllowRollup            bool              `json:"allowRollup"`
		DiscardPerSubject      bool              `json:"discardPerSubject"`
		Metadata               map[string]string `json:"metadata"`
		AllowMsgTTL            bool              `json:"allowMsgTtl"`
		SubjectDeleteMarkerTTL string            `json:"subjectDeleteMarkerTtl"`
		nackConnection
	}

	nackConsumer struct {
		meta.TypeMeta   `json:",inline"`
		meta.ObjectMeta `json:"metadata"`
		Spec            nackConsumerSpec `json:"spec"`
	}
	nackConsumerSpec struct {
		StreamName     string            `json:"streamName"`
		DurableName    string            `json:"durableName"`
		Description    string            `json:"description"`
		AckPolicy      string            `json:"ackPolicy"`
		AckWait        string            `json:"ackWait"`
		DeliverPolicy  string            `json:"deliverPolicy"`
		ReplayPolicy   string            `json:"replayPolicy"`
		FilterSubject  string            `json:"filterSubject"`
		FilterSubjects []string          `json:"filterSubjects"`
		MaxAckPending  int               `json:"maxAckPending"`
		MaxDeliver     int               `json:"maxDeliver"`
		MaxWaiting     int               `json:"maxWaiting"`
		Replicas       int               `json:"replicas"`
		Metadata       map[string]string `json:"metadata"`
		PriorityPolicy string            `json:"priorityPolicy"`
		PriorityGroups []string          `json:"priorityGroups"`
		nackConnection
	}

	// nackConnection stands in every resource.
	nackConnection struct {
		PreventDelete bool     `json:"preventDelete"`
		PreventUpdate bool     `json:"preventUpdate"`
		Account       string   `json:"account"`
		Creds         string   `json:"creds"`
		Nkey          string   `json:"nkey"`
		Servers       []string `json:"servers"`
		JsDomain      string   `json:"jsDomain"`
	}
)
