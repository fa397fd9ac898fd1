package schema

import (
	"bytes"
	"encoding/json"

	"github.com/cloudevents/sdk-go/v2/event"
)

// JSON writes a value as the connector writes all JSON that it stores or sends:
// with <, > and & as they are, of which json.Marshal makes six bytes each. Only
// control characters, U+2028 and U+2029 still grow to six.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// SetData gives a CloudEvent its payload as JSON.
func SetData(e *event.Event, v any) error {
	data, err := JSON(v)
	if err != nil {
		return err
	}
	e.SetDataContentType(event.ApplicationJSON)
	e.DataEncoded, e.DataBase64 = data, false
	return nil
}
