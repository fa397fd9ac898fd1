package schema

import (
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
)

func TestJSONLeavesHTMLAsItIs(t *testing.T) {
	value := CaseHistoryResult{Sessions: []CaseSession{{Events: []NamedEvent{{&SecureFormData{EventHeader: EventHeader{ChatID: "<&>"}, FormName: "a\u2028\x01"}}}}}}
	const want = `{"sessions":[{"chatId":"","events":[{"name":"secure_form_data","chatId":"<&>","formName":"a\u2028\u0001"}]}]}`
	if got, err := JSON(value); err != nil || string(got) != want {
		t.Errorf("it is written as %s, %v", got, err)
	}
	e := event.New()
	if err := SetData(&e, "<&>"); err != nil || string(e.Data()) != `"<&>"` || e.DataContentType() != event.ApplicationJSON {
		t.Errorf("the data are %s of the type %s, %v", e.Data(), e.DataContentType(), err)
	}
	if _, err := JSON(func() {}); err == nil || SetData(&e, func() {}) == nil {
		t.Error("what cannot be written is no error")
	}
}
