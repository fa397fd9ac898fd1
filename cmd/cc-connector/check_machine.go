package main

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"cc-connector/connector/check"
)

const (
	machineFiles   check.ID = "machine.file_descriptors"
	machineMemory  check.ID = "machine.memory"
	machineSecrets check.ID = "machine.secret_files"
)

// A chat takes a connection, and a call one more. The others are those to NATS,
// to CC_HTTP_ADDR, and what the process has open anyhow.
const otherFiles = connectionsMost + 64

// What memory a replica takes: for each chat, and for what is not a chat's.
const (
	chatMemory = 128 << 10
	baseMemory = 64 << 20
)

// machine is what the system gives the process. 0 is no limit, or none that is known.
type machine struct {
	files  uint64 // open at once
	memory int64  // by its cgroup
	goes   int64  // GOMEMLIMIT
}

func thisMachine() machine {
	m := machine{files: filesLimit(), memory: cgroupMemory("/sys/fs/cgroup/memory.max"), goes: debug.SetMemoryLimit(-1)}
	if m.goes == math.MaxInt64 {
		m.goes = 0
	}
	return m
}

// cgroupMemory is the limit of a container.
func cgroupMemory(file string) int64 {
	content, problem := readFile(file)
	if problem != "" {
		return 0
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	if err != nil { // "max"
		return 0
	}
	return limit
}

func machineFindings(cfg config) []check.Finding {
	m := thisMachine()
	return append(fileFindings(cfg.secretFiles),
		m.filesFor(cfg.connector.MaxChats, cfg.connector.MaxCalls),
		m.memoryFor(cfg.connector.MaxChats),
	)
}

func (m machine) filesFor(chats, calls int) check.Finding {
	needed := uint64(chats + calls + otherFiles)
	switch {
	case m.files == 0:
		return check.Finding{ID: machineFiles, Status: check.NotTried, Says: "how many files may be open is not known here"}
	case m.files < needed:
		return check.Finding{ID: machineFiles, Status: check.Wrong,
			Says: fmt.Sprintf("the process may have %d files open, and with CC_MAX_CHATS=%d and CC_MAX_CALLS=%d it needs %d: each chat is a connection", m.files, chats, calls, needed),
			Do:   "raise the limit (ulimit -n, LimitNOFILE, --ulimit nofile), or lower CC_MAX_CHATS"}
	}
	return check.Finding{ID: machineFiles, Status: check.OK, Says: fmt.Sprintf("the process may have %d files open, and needs %d", m.files, needed)}
}

func (m machine) memoryFor(chats int) check.Finding {
	needed := int64(chats)*chatMemory + baseMemory
	limit := m.memory
	if m.goes > 0 && (limit == 0 || m.goes < limit) {
		limit = m.goes
	}
	f := check.Finding{ID: machineMemory, Status: check.Warning}
	switch {
	case limit == 0:
		f.Status, f.Says = check.OK, fmt.Sprintf("no limit of memory is set; CC_MAX_CHATS=%d may take %s", chats, mebibytes(needed))
	case needed > limit:
		f.Says = fmt.Sprintf("the process may take %s of memory, and CC_MAX_CHATS=%d may need %s", mebibytes(limit), chats, mebibytes(needed))
		f.Do = "raise the limit of memory (and GOMEMLIMIT), or lower CC_MAX_CHATS"
	case m.goes == 0:
		f.Says = fmt.Sprintf("the container may take %s of memory, which Go does not know of", mebibytes(limit))
		f.Do = fmt.Sprintf("set GOMEMLIMIT=%dMiB, nine tenths of it", m.memory/10*9>>20)
	default:
		f.Status, f.Says = check.OK, fmt.Sprintf("the process may take %s of memory; CC_MAX_CHATS=%d may need %s", mebibytes(limit), chats, mebibytes(needed))
	}
	return f
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// secretFile is one that a variable names.
type secretFile struct{ variable, path string }

// secretFiles are those that hold what nobody else should read.
func (r *reader) secretFiles() (files []secretFile) {
	for _, setting := range given(&r.NATSCreds, &r.NATSNkeySeedFile, &r.NATSPasswordFile, &r.NATSTokenFile, &r.NATSTLSKey, &r.ConsoleFile) {
		path := *setting
		if _, inline := r.inline[setting]; inline {
			path, _ = contextPath(r.NATSContext)
		}
		files = append(files, secretFile{r.nameOf(setting), path})
	}
	return files
}

// fileFindings tells of files that everybody on the machine may read.
func fileFindings(files []secretFile) (found []check.Finding) {
	for _, f := range files {
		info, err := os.Stat(f.path)
		if err != nil || runtime.GOOS == "windows" { // or it has been told already
			continue
		}
		found = append(found, f.finding(info.Mode()))
	}
	return found
}

const othersMayRead fs.FileMode = 0o004

func (f secretFile) finding(mode fs.FileMode) check.Finding {
	if mode&othersMayRead != 0 {
		return check.Finding{ID: machineSecrets, Status: check.Warning, About: f.variable,
			Says: "the file of " + f.variable + " holds a secret, and every user of this machine may read it", Do: "take that from it by chmod o-r"}
	}
	return check.Finding{ID: machineSecrets, Status: check.OK, About: f.variable, Says: "the file of " + f.variable + " is not readable by everyone"}
}
