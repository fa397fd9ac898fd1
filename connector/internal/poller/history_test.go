package poller

import (
	"testing"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/throttle"
)

// Answers that wait for files give back what they took, as long as those that
// wait so are small together.
func TestAnswersThatWaitAreBounded(t *testing.T) {
	p, ended := &Poller{Needs: Needs{Places: throttle.NewPlaces()}}, 0
	setAside := func(name brightpattern.EventName) (back func()) {
		return p.setAside([]brightpattern.Event{{Name: name, Raw: make([]byte, 9<<20)}}, func() { ended++ })
	}
	check := func(what string, want int) {
		t.Helper()
		if ended != want {
			t.Errorf("%s: %d answers have given back what they took, want %d", what, ended, want)
		}
	}
	setAside(brightpattern.EventMessage)
	check("an answer without files", 0)
	back := setAside(brightpattern.EventFile)
	check("the first one", 1)
	setAside(brightpattern.EventFile)()
	check("one for which there is no room beside it", 1)
	back()
	setAside(brightpattern.EventFile)
	check("one after it", 2)
}
