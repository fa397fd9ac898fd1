package schema

import "encoding/json"

// attributeNames are all that the connector writes, and reads of a command.
var attributeNames = []string{
	"specversion", "id", "source", "type", "subject", "datacontenttype", "dataschema", "time",
	AttrCorrelationID, AttrCausationID, AttrTraceParent, AttrTraceState, AttrExpiryTime, AttrSequence, AttrPartitionKey, AttrOrigin, AttrRecordedTime, AttrDataRef,
}

// Names that come and go with every message are not made anew for each: those of
// members by what stands in JSON, quotes included, those of headers by the
// attribute's name.
var memberNames, headerNames = func() (members, headers map[string]string) {
	members, headers = make(map[string]string), make(map[string]string)
	for _, name := range append(fieldNames(), attributeNames...) {
		members[`"`+name+`"`] = name
	}
	for _, name := range attributeNames {
		headers[name] = attributePrefix + name
	}
	return members, headers
}()

func fieldNames() []string {
	names := []string{"data"}
	for _, c := range Commands {
		for _, f := range c.Fields {
			names = append(names, f.Name)
		}
	}
	return names
}

func memberName(quoted json.RawMessage) string {
	if name, known := memberNames[string(quoted)]; known {
		return name
	}
	name, _ := text(quoted)
	return name
}

func headerName(attribute string) string {
	if name, known := headerNames[attribute]; known {
		return name
	}
	return attributePrefix + attribute
}
