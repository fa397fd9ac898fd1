package schema

// List is a slice whose nil is written as [] in JSON, not as null.
type List[T any] []T

// MarshalJSON writes an array, always.
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	return JSON([]T(l))
}
