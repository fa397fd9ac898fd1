package metrics

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// query is what an expression of PromQL asks for. Whether it is one at all, promtool says.
type query struct {
	selectors []selector
	groupings []string // the labels of by, on, group_left and the like
}

// selector is one metric, and the labels that it is selected by.
type selector struct {
	metric string
	where  map[string][]string // all that a label is compared with
}

var token = regexp.MustCompile("`[^`]*`" + `|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[a-zA-Z_:][\w:]*|[0-9.]+[a-z]*|[=!]~|!=|\S`)

var matchings = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}

// metricName tells a metric from a function, an operator and a keyword. One with colons is what a rule records.
var metricName = regexp.MustCompile(`^(cc|jetstream|gnatsd|process|go)_|^(up|ALERTS)$|:`)

func parseQuery(expression string) query {
	var q query
	tokens := token.FindAllString(expression, -1)
	for i := 0; i < len(tokens); i++ {
		word, opens := tokens[i], i+1 < len(tokens) && tokens[i+1] == "("
		switch {
		case opens && slices.Contains(matchings, word):
			end := i + slices.Index(tokens[i:], ")")
			q.groupings = append(q.groupings, names(tokens[i+2:end])...)
			i = end
		case metricName.MatchString(word):
			s := selector{metric: word, where: make(map[string][]string)}
			if i+1 < len(tokens) && tokens[i+1] == "{" {
				i += s.read(tokens[i+2:]) + 1
			}
			q.selectors = append(q.selectors, s)
		}
	}
	return q
}

// read takes the comparisons up to the closing brace, and returns how many tokens they are.
func (s selector) read(tokens []string) int {
	end := slices.Index(tokens, "}") + 1
	for i := 0; i+2 < end; i++ {
		if tokens[i] != "," {
			s.where[tokens[i]] = append(s.where[tokens[i]], strings.Trim(tokens[i+2], "\"'`"))
			i += 2
		}
	}
	return end
}

func names(tokens []string) []string {
	return slices.DeleteFunc(slices.Clone(tokens), func(t string) bool { return t == "," })
}

// alternatives are the words that a regular expression of words and groups of words can match.
func alternatives(expression string) []string {
	for _, char := range `.*+?[\$` {
		if strings.ContainsRune(expression, char) {
			return nil // anything
		}
	}
	before, rest, found := strings.Cut(expression, "(")
	if !found {
		return strings.Split(expression, "|")
	}
	inner, after, _ := strings.Cut(rest, ")")
	words := strings.Split(before, "|")
	prefix := words[len(words)-1]
	words = words[:len(words)-1]
	for word := range strings.SplitSeq(inner, "|") {
		words = append(words, prefix+word)
	}
	if after = strings.TrimPrefix(after, "|"); after != "" {
		words = append(words, alternatives(after)...)
	}
	return words
}

func TestParseQuery(t *testing.T) {
	q := parseQuery(`sum by (job, le) (rate(cc_a_bucket{x="1", y!~"b|c(d|e)"}[5m] offset 1h)) / on (job) group_left () cc_b > 0.5 and up{job='}'}`)
	if len(q.selectors) != 3 || q.selectors[0].metric != "cc_a_bucket" || q.selectors[1].metric != "cc_b" || q.selectors[2].where["job"][0] != "}" {
		t.Fatalf("selectors: %+v", q.selectors)
	}
	if !slices.Equal(q.groupings, []string{"job", "le", "job"}) {
		t.Errorf("groupings: %q", q.groupings)
	}
	if got := alternatives(q.selectors[0].where["y"][0]); !slices.Equal(got, []string{"b", "cd", "ce"}) {
		t.Errorf("alternatives: %q", got)
	}
	if got := alternatives("a_(b|c)|d"); !slices.Equal(got, []string{"a_b", "a_c", "d"}) {
		t.Errorf("alternatives: %q", got)
	}
}
