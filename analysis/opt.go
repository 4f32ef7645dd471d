package analysis

import "encoding/json"

// Opt is a measurement that may be missing. The zero Opt is missing, which is
// never the same as zero: a rule that needs a missing value abstains.
type Opt[T any] struct {
	V  T
	OK bool
}

// Some is a measured v.
func Some[T any](v T) Opt[T] { return Opt[T]{V: v, OK: true} }

// Or is the value, or def when it is missing.
func (o Opt[T]) Or(def T) T {
	if o.OK {
		return o.V
	}
	return def
}

// MarshalJSON writes the value, or null when it is missing.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.OK {
		return []byte("null"), nil
	}
	return json.Marshal(o.V)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (o *Opt[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*o = Opt[T]{}
		return nil
	}
	o.OK = true
	return json.Unmarshal(b, &o.V)
}
