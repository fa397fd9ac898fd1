package main

import (
	"runtime"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/procfs"
)

// report is all that was measured: the data of -json.
type report struct {
	Form     string        `json:"form"` // quick, whole
	Rounds   int           `json:"rounds"`
	Seconds  float64       `json:"seconds"`
	Machine  machine       `json:"machine"`
	Go       string        `json:"go"`
	NATS     string        `json:"natsServer"`
	Measured []contender   `json:"measured"`
	Commands []commandRow  `json:"commands,omitempty"`
	Accounts []account     `json:"accounts,omitempty"`
	Chats    []chatRow     `json:"chats,omitempty"`
	Recovery []recoveryRow `json:"recovery,omitempty"`
	Growth   []growthRow   `json:"growth,omitempty"`
}

type machine struct {
	System string  `json:"system"`
	CPU    string  `json:"cpu"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memoryGiB"`
}

func newReport(all programs, p plan) report {
	return report{Form: p.form, Rounds: p.rounds, Machine: thisMachine(), Go: runtime.Version(), NATS: server.VERSION, Measured: all.contenders}
}

// thisMachine leaves out what cannot be found out.
func thisMachine() machine {
	m := machine{System: runtime.GOOS + "/" + runtime.GOARCH, CPU: processor(), Cores: runtime.NumCPU()}
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return m
	}
	if memory, err := proc.Meminfo(); err == nil && memory.MemTotalBytes != nil {
		m.Memory = float64(*memory.MemTotalBytes) / (1 << 30)
	}
	return m
}

// commandRow is what one lane does with so many callers.
type commandRow struct {
	Lane      string  `json:"lane"` // floor, live, durable
	Of        string  `json:"of,omitempty"`
	Callers   int     `json:"callers"`
	Commands  int     `json:"commands"`  // given, all of them done
	PerSecond spread  `json:"perSecond"` // in a closed loop: full load
	OfFloor   spread  `json:"ofFloor"`   // that, divided by the floor's of the same round
	CPU       spread  `json:"cpuMicros"` // of the lane's process, a command at full load
	Full      millis  `json:"full"`
	Half      millis  `json:"half"`          // in an open loop
	HalfRate  float64 `json:"halfPerSecond"` // which is half of the median throughput
}

// title names the contender where there are two.
func (r commandRow) title() string {
	if r.Of == rival {
		return r.Lane + " (" + r.Of + ")"
	}
	return r.Lane
}

// account holds against each other the commands that were given and what came
// of them: each is one call and one stored result.
type account struct {
	Of      string `json:"of"` // a contender; the floor keeps no results
	Given   int    `json:"commands"`
	Results int    `json:"results"`
}

// chatRow is what so many polled chats cost.
type chatRow struct {
	Of       string  `json:"of"`
	Chats    int     `json:"chats"`
	Memory   float64 `json:"memoryMiB"` // resident
	PerChat  float64 `json:"kiBPerChat"`
	PeakChat float64 `json:"peakKiBPerChat"` // with the events
	Idle     float64 `json:"idleCores"`      // of a core, with nothing happening
	Rate     float64 `json:"eventsPerSecond"`
	Events   int     `json:"events"`    // pushed and received
	CPU      spread  `json:"cpuMicros"` // of the connector, an event; the polls included
	Stream   millis  `json:"stream"`    // from when the push was due to a JetStream consumer
	Core     millis  `json:"core"`      // to a core subscriber
}

// ofRival is empty for what is measured.
func (row chatRow) ofRival() string {
	if row.Of == rival {
		return " (" + row.Of + ")"
	}
	return ""
}

// recoveryRow is how long chats are not polled when their replica ends.
type recoveryRow struct {
	Of       string  `json:"of"`
	By       string  `json:"by"` // kill -9, SIGTERM
	Chats    int     `json:"chats"`
	Failover float64 `json:"failoverSeconds"` // which a killed replica is waited for, and not counted
	Half     spread  `json:"halfSeconds"`     // until half of the chats are polled again
	All      spread  `json:"allSeconds"`      // until all are
}

// growthRow has ratios of more to less. One is independence; of times and
// costs, less is better, of commands a second, more.
type growthRow struct {
	Of         string  `json:"of"`
	More       string  `json:"more"`
	Commands   *spread `json:"commandsPerSecond,omitempty"`
	Durable    *spread `json:"durablePerSecond,omitempty"`
	CommandCPU *spread `json:"cpuPerCommand,omitempty"`
	Floor      *spread `json:"floorPerSecond,omitempty"`
	EventCPU   spread  `json:"cpuPerEvent"`
	EventP50   spread  `json:"eventP50"`
	Memory     *spread `json:"memoryPerChat,omitempty"` // looked at once, like the next
	Idle       *spread `json:"idlePerChat,omitempty"`
}
