package main

import (
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
	traced      *tracingSettings
	wrong       map[*string]string
	contextual  map[*string]string // settings that a context of the nats CLI gives, with its field
	inline      map[*string]source // what is no file's content, but a context's
	corrections []correction
	troubles    *fileTroubles
}

// correction tells that a setting was taken for what it must mean.
type correction struct{ variable, what string }

func readerOf(raw *settings) *reader {
	return &reader{
		settings: raw, traced: readTracingSettings(), wrong: make(map[*string]string), contextual: make(map[*string]string), inline: make(map[*string]source),
		troubles: newFileTroubles(),
	}
}

// variables are all that it knows, in the order in which users read of them.
func (r *reader) variables() []variable {
	return append(r.settings.variables(), r.traced.variables()...)
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
	if field, ok := r.contextual[setting]; ok {
		setting, what = &r.NATSContext, "names a context whose field "+field+" "+what
	}
	if _, ok := r.wrong[setting]; !ok {
		r.wrong[setting] = what
	}
}

func (r *reader) require(ok bool, setting *string, what string) {
	if !ok {
		r.bad(setting, what)
	}
}

// correct says that a setting is taken for what it must mean.
func (r *reader) correct(setting *string, what string) {
	c := correction{r.nameOf(setting), what}
	if !slices.Contains(r.corrections, c) {
		r.corrections = append(r.corrections, c)
	}
}

// nameOf is the variable to look at.
func (r *reader) nameOf(setting *string) string {
	if _, ok := r.contextual[setting]; ok {
		setting = &r.NATSContext
	}
	for _, v := range r.variables() {
		if v.value == setting {
			return v.name
		}
	}
	return ""
}

// checkQuotes finds what env files leave around a value.
func (r *reader) checkQuotes() {
	r.checkQuotesOf(r.settings.variables())
}

func (r *reader) checkQuotesOf(variables []variable) {
	for _, v := range variables {
		bare := strings.Trim(*v.value, "\"'")
		r.require(bare == *v.value, v.value, "begins or ends with a quote; leave it away")
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
		if v.value == setting && strings.TrimSpace(os.Getenv(v.name)) != "" {
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

// given returns those of the settings that are not empty.
func given(settings ...*string) []*string {
	return slices.DeleteFunc(settings, func(s *string) bool { return *s == "" })
}
