package schema

// How large a message may be that a command needs. A character of a JSON string
// is at most six bytes: \u0000.

const (
	envelope = 8 << 10 // what stands around the fields: attributes, headers, white space
	escaped  = 6
	spelling = 1 << 10 // of a number
)

// MaxSize is the size in bytes, headers included, that no message of the command
// has to exceed: it holds every field at its limit in the longest spelling, also
// as the data_base64 of a CloudEvent.
func (c *Command) MaxSize() int {
	data := 0
	for _, f := range c.Fields {
		data += f.maxSize()
	}
	for _, group := range c.OneOf {
		data -= c.maxOfOthers(group)
	}
	return envelope + inBase64(data)
}

// maxOfOthers is that of the fields of a group but the largest: they are not there.
func (c *Command) maxOfOthers(group []string) int {
	all, largest := 0, 0
	for _, name := range group {
		f, _ := c.Field(name)
		all, largest = all+f.maxSize(), max(largest, f.maxSize())
	}
	return all - largest
}

// maxSize is that of the field, with its name.
func (f Field) maxSize() int { return len(`"":,`) + escaped*len(f.Name) + f.maxValue() }

func (f Field) maxValue() int {
	switch f.Kind {
	case KindLatitude, KindLongitude:
		return spelling
	case KindObject:
		return f.Max
	case KindStringMap:
		return MaxParameters * (len(`"":"",`) + escaped*(MaxString+f.Max))
	case KindBase64:
		return 2 * inBase64(f.Max) // some writers escape the slash
	}
	return len(`""`) + escaped*f.Max
}

func inBase64(bytes int) int { return (bytes + 2) / 3 * 4 }
