package schema

// Kind is what a field's value must be.
type Kind string

// The kinds of field.
const (
	KindString    Kind = "string"
	KindEnum      Kind = "enum"      // one of Enum
	KindID        Kind = "id"        // a string
	KindClientID  Kind = "clientId"  // a string of printable ASCII without quotes, not WebChat
	KindStringMap Kind = "stringmap" // an object of strings, at most MaxParameters
	KindObject    Kind = "object"    // any object
	KindBase64    Kind = "base64"    // a string
	KindLatitude  Kind = "latitude"  // a number, -90 to 90
	KindLongitude Kind = "longitude" // a number, -180 to 180
)

// Limits, in bytes (but MaxParameters and MaxAttributes). Of strings the UTF-8 counts, without
// JSON's quotes and escapes; of objects the JSON as it came; of content what is decoded.
const (
	MaxText       = 64 << 10
	MaxObject     = 64 << 10
	MaxContent    = 256 << 10
	MaxParameters = 64
	MaxParameter  = 4 << 10
	MaxID         = 256
	MaxToken      = 4 << 10
	MaxString     = 1 << 10
	MaxAttribute  = 1 << 10 // of a CloudEvent
	MaxAttributes = 64      // of a CloudEvent
)

// Field is one field of a command's data.
type Field struct {
	Name     string
	Kind     Kind
	Required bool
	Max      int      // bytes; of a stringmap: of each value
	Enum     []string // of KindEnum
	Member   string   // of KindObject: a string that the object must have
	Alias    string   // another name that is taken for this one
	InPath   bool     // it stands in a path at the contact center, whoever chose it
	Withheld bool     // no result tells it: see Command.Request
	Doc      string
}

func (f Field) required() Field { f.Required = true; return f }
func (f Field) inPath() Field   { f.InPath = true; return f }
func (f Field) withheld() Field { f.Withheld = true; return f }

func stringField(name, doc string) Field {
	return Field{Name: name, Kind: KindString, Max: MaxString, Doc: doc}
}

func textField(name, doc string) Field {
	return Field{Name: name, Kind: KindString, Max: MaxText, Doc: doc}
}

func idField(name, doc string) Field {
	return Field{Name: name, Kind: KindID, Max: MaxID, Doc: doc}
}

func objectField(name, doc string) Field {
	return Field{Name: name, Kind: KindObject, Max: MaxObject, Doc: doc}
}

func enumField(name, doc string, values ...string) Field {
	return Field{Name: name, Kind: KindEnum, Max: MaxString, Enum: values, Doc: doc}
}

// Fields that several commands have.
var (
	appField = stringField("app", "the name of a configured launch point; default the first")
	chatID   = idField("chatId", "the chat; on the durable lane the subject names it, and the data may leave it out").required()
	partyID  = idField("partyId", "the party of the chat").required().inPath()
	formID   = idField("formRequestId", "of the event that asked for the form").required()
	clientID = Field{Name: "clientId", Kind: KindClientID, Max: MaxID, Doc: "names one client instance, at best a UUID"}
	token    = Field{Name: "deviceToken", Kind: KindString, Required: true, Withheld: true, Max: MaxToken, Doc: "the device's token"}
)
