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
	m := machine{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU()}
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return m
	}
	if cpus, err := proc.CPUInfo(); err == nil && len(cpus) > 0 {
		m.CPU = cpus[0].ModelName
	}
	if memory, err := proc.Meminfo(); err == nil && memory.MemTotalBytes != nil {
		m.Memory = float64(*memory.MemTotalBytes) / (1 << 30)
	}
	return m
}
