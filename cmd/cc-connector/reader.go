package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// reader turns raw settings into values and collects all that is wrong with them.
// What it says of a setting never quotes the value: people put secrets into the wrong variable.
type reader struct {
	*settings
	wrong map[*string]string
}

// badSettings has a line for every bad variable.
type badSettings []string

func (b badSettings) Error() string {
	return "nothing was started, these settings are bad:\n  " + strings.Join(b, "\n  ")
}

// err returns what is wrong, in the order of the settings, or nil.
func (r *reader) err() error {
	var bad badSettings
	for _, v := range r.variables() {
		if what, ok := r.wrong[v.value]; ok {
			bad = append(bad, v.name+" "+what)
		}
	}
	if bad == nil {
		return nil
	}
	return bad
}

// bad notes what is wrong with a setting and what to do. The first word on a setting stays.
func (r *reader) bad(setting *string, what string) {
	if _, ok := r.wrong[setting]; !ok {
		r.wrong[setting] = what
	}
}

func (r *reader) require(ok bool, setting *string, what string) {
	if !ok {
		r.bad(setting, what)
	}
}

// checkQuotes finds what env files leave around a value.
func (r *reader) checkQuotes() {
	for _, v := range r.variables() {
		bare := strings.Trim(*v.value, "\"' \t\r\n")
		r.require(bare == *v.value, v.value, "begins or ends with a quote or white space; leave it away")
	}
}

func (r *reader) duration(setting *string) time.Duration {
	d, err := time.ParseDuration(*setting)
	r.require(err == nil, setting, "is not a duration; write it like 15s, 2m or 24h")
	r.require(d > 0, setting, "must be more than 0")
	return d
}

func (r *reader) number(setting *string, least, most int) int {
	n, err := strconv.Atoi(*setting)
	limits := strconv.Itoa(least) + " to " + strconv.Itoa(most)
	r.require(err == nil && least <= n && n <= most, setting, "must be a whole number, "+limits)
	return n
}

func (r *reader) boolean(setting *string) bool {
	b, err := strconv.ParseBool(*setting)
	r.require(err == nil, setting, "must be true or false")
	return b
}

var byteUnits = map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

// bytes returns 0 for an absent setting.
func (r *reader) bytes(setting *string) int64 {
	if *setting == "" {
		return 0
	}
	digits, unit := *setting, int64(1)
	for suffix, size := range byteUnits {
		if before, ok := strings.CutSuffix(digits, suffix); ok {
			digits, unit = before, size
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	ok := err == nil && n > 0 && n <= (1<<63-1)/unit
	r.require(ok, setting, "must be a number of bytes, like 1073741824 or 20GiB; leave it out for no limit")
	return n * unit
}

// ifGiven is the zero value for a setting that the environment does not have:
// then its default is for what is made, and nothing that is there is changed.
func ifGiven[T any](r *reader, setting *string, value T) (given T) {
	for _, v := range r.variables() {
		if v.value == setting && os.Getenv(v.name) != "" {
			return value
		}
	}
	return given
}

type option[T any] struct {
	name  string
	value T
}

func choose[T any](r *reader, setting *string, options ...option[T]) T {
	names := make([]string, len(options))
	for i, o := range options {
		if o.name == *setting {
			return o.value
		}
		names[i] = o.name
	}
	r.bad(setting, "must be one of "+strings.Join(names, ", "))
	return options[0].value
}

// file returns what a named file holds, nil if that cannot be used.
func (r *reader) file(setting *string) []byte {
	content, err := os.ReadFile(*setting)
	problem := fileProblem(content, err)
	r.require(problem == "", setting, problem)
	return content
}

func fileProblem(content []byte, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "names a file that does not exist; it must hold a path"
	case errors.Is(err, fs.ErrPermission):
		return "names a file that this user may not read"
	case err != nil:
		return "names something that cannot be read as a file; it must hold a path"
	case len(content) == 0:
		return "names an empty file"
	}
	return ""
}

// secret returns a file's content without its final newline.
func (r *reader) secret(setting *string) string {
	content := r.file(setting)
	secret := trimNewline(content)
	r.require(secret != "" || len(content) == 0, setting, "names a file that holds a newline only")
	return secret
}

func trimNewline(content []byte) string {
	return strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
}

// given returns those of the settings that are not empty.
func given(settings ...*string) []*string {
	return slices.DeleteFunc(settings, func(s *string) bool { return *s == "" })
}
