package bus

import (
	"regexp"
	"strings"
)

// earlierEnding is what settings once kept behind an address, and now leave away.
var earlierEnding = regexp.MustCompile(`(?i)(/+clientweb(/+api(/+v2(/.*)?)?)?)?/*$`)

// isSameAddress compares marks, of which earlier ones may be spelt otherwise.
func isSameAddress(a, b string) bool { return plainAddress(a) == plainAddress(b) }

func plainAddress(address string) string {
	address = earlierEnding.ReplaceAllString(address, "")
	scheme, rest, web := strings.Cut(address, "://")
	if !web {
		return address
	}
	host, path, deep := strings.Cut(rest, "/")
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme])
	if deep {
		host += "/" + path
	}
	return scheme + "://" + host
}
