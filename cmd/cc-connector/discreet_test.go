package main

import "strings"

// What is said, and who is who, in every storm. None of it may be logged, at no level.
const (
	customerName = "Ada Q7Lovelace"
	customerText = "https://example.com/q7said/" // the beginning of all that customers say
	agentName    = "Alice Q7Agent"
	agentText    = "q7told " // the beginning of all that agents say
	formName     = "q7form"
	formValue    = "q7card4111"
	deviceToken  = "q7device0123456789"
)

// checkDiscreet fails a test whose connectors have logged what people said, are called or sign in by.
func (w *world) checkDiscreet(logs []string) {
	w.Helper()
	w.mu.Lock()
	private := append([]string{customerName, customerText, agentName, agentText, formName, formValue, deviceToken, natsPassword}, w.clients...)
	w.mu.Unlock()
	all := strings.Join(logs, "\n")
	for _, text := range private {
		if i := strings.Index(all, text); text != "" && i >= 0 {
			w.Errorf("the log has %q: …%s…", text, all[max(0, i-200):min(len(all), i+len(text)+50)])
		}
	}
	if !strings.Contains(all, `"chat":"`) || len(w.clients) == 0 {
		w.Error("the log names no chat, or no customer is known: this has shown nothing")
	}
}
