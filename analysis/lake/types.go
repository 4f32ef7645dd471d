package lake

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"
)

// alike compares types without the ids and the optionality of their parts; leaf
// compares those without parts.
func alike(have, want iceberg.Type, leaf func(have, want iceberg.Type) bool) bool {
	switch want := want.(type) {
	case *iceberg.ListType:
		have, ok := have.(*iceberg.ListType)
		return ok && alike(have.Element, want.Element, leaf)
	case *iceberg.MapType:
		have, ok := have.(*iceberg.MapType)
		return ok && alike(have.KeyType, want.KeyType, leaf) && alike(have.ValueType, want.ValueType, leaf)
	}
	return leaf(have, want)
}

// readable are the types that are read as want, a type without parts.
func readable(want iceberg.Type) []iceberg.Type {
	switch want.(type) {
	case iceberg.Int64Type:
		return []iceberg.Type{want, iceberg.PrimitiveTypes.Int32}
	case iceberg.Float64Type:
		return []iceberg.Type{want, iceberg.PrimitiveTypes.Float32, iceberg.PrimitiveTypes.Int64, iceberg.PrimitiveTypes.Int32}
	case iceberg.TimestampTzType:
		return []iceberg.Type{
			want, iceberg.PrimitiveTypes.Timestamp, iceberg.PrimitiveTypes.TimestampTzNs, iceberg.PrimitiveTypes.TimestampNs,
		}
	}
	return []iceberg.Type{want}
}

// checkReadable says of a column of another's table that it does not fit f.
func checkReadable[R any](f field[R], have iceberg.Type) error {
	want := columnType(f.value(new(R)), func() int { return 0 })
	if alike(have, want, func(have, want iceberg.Type) bool { return slices.ContainsFunc(readable(want), have.Equals) }) {
		return nil
	}
	var names []string
	for _, t := range readable(want) {
		names = append(names, t.String())
	}
	return fmt.Errorf("its column %s, which is read as %s, has type %s: want %s; map %s to another column in metrics.columns",
		f.column, f.name, have, strings.Join(names, " or "), f.name)
}

// checkWritable finds a column of want that have has in another type, as
// somebody else made it. A list of structs may lack some of their fields.
func checkWritable(have, want *iceberg.StructType, path ...string) error {
	for _, w := range want.FieldList {
		i := slices.IndexFunc(have.FieldList, func(f iceberg.NestedField) bool { return f.Name == w.Name })
		if i < 0 {
			continue
		}
		here := append(slices.Clone(path), w.Name)
		h := have.FieldList[i].Type
		hs, ws := elements(h), elements(w.Type)
		switch {
		case hs != nil && ws != nil:
			if err := checkWritable(hs, ws, here...); err != nil {
				return err
			}
		case ws != nil || !alike(h, w.Type, iceberg.Type.Equals):
			return fmt.Errorf("its column %s has type %s, and sparktune writes %s: rename that column, which leaves its values where they are, or name another table",
				strings.Join(here, "."), brief(h), brief(w.Type))
		}
	}
	return nil
}

// brief is a type without the fields of the structs in a list.
func brief(t iceberg.Type) string {
	if elements(t) != nil {
		return "list<struct>"
	}
	return t.String()
}
