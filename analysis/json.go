package analysis

import (
	"bytes"
	"encoding/json"
	"time"
)

// MarshalJSON writes the columns in their order, missing ones as null, so that
// a line of output is a row of the table.
func (r Run) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, c := range Columns {
		b.WriteByte("{,"[min(i, 1)])
		name, _ := json.Marshal(c.Name) // a string always marshals
		b.Write(name)
		b.WriteByte(':')
		v, err := json.Marshal(plainValue(c.Field(&r)))
		if err != nil {
			return nil, err
		}
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plainValue is what a column's pointer points to, nil when it is missing.
func plainValue(field any) any {
	switch f := field.(type) {
	case *string:
		if *f == "" {
			return nil
		}
	case *time.Time:
		if f.IsZero() {
			return nil
		}
		return f.UTC()
	case *[]string:
		if *f == nil {
			return nil
		}
	case *map[string]int64:
		if *f == nil {
			return nil
		}
	case *Conf:
		if *f == nil {
			return nil
		}
	case *Opt[int64]:
		if !f.OK {
			return nil
		}
	case *Opt[float64]:
		if !f.OK {
			return nil
		}
	case *Opt[bool]:
		if !f.OK {
			return nil
		}
	}
	return field
}
