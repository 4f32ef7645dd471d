package lake

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// versionKey is a table property: the number of columns that the newest writer
// knew, with the fields of structs. Columns are only ever added, so their number is the version of the
// schema and nobody can forget to raise it. A stored format.
const versionKey = "sparktune.schema-version"

// A field is one column of a table whose rows are R.
type field[R any] struct {
	name     string // in the list of columns that it comes from
	column   string // in the table: the same, except in a foreign one; "" is not there
	doc      string
	required bool
	// value points to what the column holds of a row; types as in
	// [analysis.Column] and [analysis.ProfileColumn]. A derived field points to
	// a copy: it is written for readers of SQL and never read back.
	value   func(*R) any
	derived bool
	// null tells a row that it has no value of the column, where the field
	// can't hold that; nil where it can.
	null func(*R)
}

// setNull is for a row without a value.
func (f field[R]) setNull(row *R) {
	if f.null != nil {
		f.null(row)
	}
}

// runFields are the columns of runs, in the order of a new table.
var runFields = func() []field[analysis.Run] {
	var fs []field[analysis.Run]
	for _, c := range analysis.Columns {
		f := field[analysis.Run]{
			name: c.Name, column: c.Name, doc: columnDoc(c.Doc, c.Unit, c.Event), required: isKey(c.Name), value: c.Field,
		}
		if slices.Contains(analysis.CompletenessColumns, c.Name) {
			f.null = func(r *analysis.Run) { r.Unknown = append(r.Unknown, c.Name) }
		}
		fs = append(fs, f)
	}
	for _, p := range analysis.Properties {
		fs = append(fs, field[analysis.Run]{
			name: p.Column, column: p.Column, doc: columnDoc(p.Doc+" NULL when not set.", kindUnit(p.Kind), p.Name),
			value:   func(r *analysis.Run) any { return parsed(r.Conf, p) },
			derived: true,
		})
	}
	return fs
}()

// The columns of run_profiles, and the fields of the structs in its lists.
var (
	profileFields = profileColumns(analysis.ProfileColumns, isKey)
	stageFields   = profileColumns(analysis.StageColumns, never)
	stepFields    = profileColumns(analysis.StepColumns, never)
	spanFields    = profileColumns(analysis.SpanColumns, never)
)

func never(string) bool { return false }

func profileColumns[R any](cs []analysis.ProfileColumn[R], required func(name string) bool) []field[R] {
	fs := make([]field[R], len(cs))
	for i, c := range cs {
		fs[i] = field[R]{
			name: c.Name, column: c.Name, doc: columnDoc(c.Doc, c.Unit, c.Event), required: required(c.Name), value: c.Field,
		}
	}
	return fs
}

func columnDoc(doc, unit, event string) string { return fmt.Sprintf("%s [%s; %s]", doc, unit, event) }

// keyColumns are the row's key. Only those are never NULL: an empty part is an
// empty text.
var keyColumns = []string{"cluster", "app_id", "attempt"}

func isKey(name string) bool { return slices.Contains(keyColumns, name) }

func kindUnit(k analysis.Kind) string {
	switch k {
	case analysis.KindBytes:
		return "bytes"
	case analysis.KindMillis:
		return "ms"
	case analysis.KindInt:
		return "count"
	case analysis.KindFloat:
		return "ratio"
	case analysis.KindBool:
		return "flag"
	case analysis.KindText:
		return "text"
	}
	panic("unreachable except bug in analysis.Properties")
}

// parsed is a pointer to the value of p that c sets. A default is no setting,
// so it is missing here.
func parsed(c analysis.Conf, p analysis.Property) any {
	text, set := c[p.Name]
	switch p.Kind {
	case analysis.KindBytes:
		return explicit(set, c.Bytes(p.Name))
	case analysis.KindMillis:
		return explicit(set, c.Millis(p.Name))
	case analysis.KindInt:
		return explicit(set, c.Int(p.Name))
	case analysis.KindFloat:
		return explicit(set, c.Float(p.Name))
	case analysis.KindBool:
		return explicit(set, c.Bool(p.Name))
	case analysis.KindText:
		return &text
	}
	panic("unreachable except bug in analysis.Properties")
}

func explicit[T any](set bool, v analysis.Opt[T]) *analysis.Opt[T] {
	if !set {
		return &analysis.Opt[T]{}
	}
	return &v
}

// columnType is the Iceberg type for a pointer as [field] has them. next numbers the inner fields of a nested type. Those are optional: Spark's
// own maps and arrays are, and rewriting a file in Arrow forgets that they are
// not.
func columnType(p any, next func() int) iceberg.Type {
	switch p.(type) {
	case *string:
		return iceberg.PrimitiveTypes.String
	case *bool, *analysis.Opt[bool]:
		return iceberg.PrimitiveTypes.Bool
	case *int64, *analysis.Opt[int64]:
		return iceberg.PrimitiveTypes.Int64
	case *analysis.Opt[float64]:
		return iceberg.PrimitiveTypes.Float64
	case *time.Time:
		return iceberg.PrimitiveTypes.TimestampTz
	case *float64:
		return iceberg.PrimitiveTypes.Float64
	case *[]string:
		return listOf(iceberg.PrimitiveTypes.String, next)
	case *[]int64:
		return listOf(iceberg.PrimitiveTypes.Int64, next)
	case *map[string]int64:
		return mapOf(iceberg.PrimitiveTypes.String, iceberg.PrimitiveTypes.Int64, next)
	case *analysis.Conf:
		return mapOf(iceberg.PrimitiveTypes.String, iceberg.PrimitiveTypes.String, next)
	case *analysis.Histogram:
		return mapOf(iceberg.PrimitiveTypes.Int32, iceberg.PrimitiveTypes.Int64, next)
	case *[]analysis.StageProfile:
		return listOf(structOf(stageFields, next), next)
	case *[]analysis.ExecutorStep:
		return listOf(structOf(stepFields, next), next)
	case *[]analysis.Span:
		return listOf(structOf(spanFields, next), next)
	}
	panic(fmt.Sprintf("unreachable except bug in the columns: %T", p))
}

func listOf(element iceberg.Type, next func() int) iceberg.Type {
	return &iceberg.ListType{ElementID: next(), Element: element}
}

func mapOf(key, value iceberg.Type, next func() int) iceberg.Type {
	return &iceberg.MapType{KeyID: next(), KeyType: key, ValueID: next(), ValueType: value}
}

func structOf[R any](fs []field[R], next func() int) iceberg.Type {
	return &iceberg.StructType{FieldList: nestedFields(fs, next)}
}

func nestedFields[R any](fs []field[R], next func() int) []iceberg.NestedField {
	cols := make([]iceberg.NestedField, len(fs))
	for i, f := range fs {
		cols[i] = iceberg.NestedField{ID: next(), Name: f.column, Doc: f.doc, Required: f.required}
	}
	for i, f := range fs {
		cols[i].Type = columnType(f.value(new(R)), next)
	}
	return cols
}

// newSchema is the schema of a new table. The ids it gives matter at creation
// only; from then on the live table says which id a column has.
func newSchema[R any](fs []field[R]) *iceberg.Schema {
	last := 0
	next := func() int { last++; return last }
	cols := nestedFields(fs, next)
	var keys []int
	for _, c := range cols {
		if c.Required {
			keys = append(keys, c.ID)
		}
	}
	return iceberg.NewSchemaWithIdentifiers(0, keys, cols...)
}

// A newField is a column, or a field of the structs in one, that a table does
// not have yet.
type newField struct {
	path []string
	iceberg.NestedField
}

// missingFields are those of want that have does not have. A list of structs
// that is there may lack some of their fields.
func missingFields(have, want *iceberg.StructType, path ...string) []newField {
	var out []newField
	for _, w := range want.Fields() {
		here := append(slices.Clone(path), w.Name)
		i := slices.IndexFunc(have.FieldList, func(f iceberg.NestedField) bool { return f.Name == w.Name })
		if i < 0 {
			out = append(out, newField{here, w})
			continue
		}
		if h, w := elements(have.FieldList[i].Type), elements(w.Type); h != nil && w != nil {
			out = append(out, missingFields(h, w, here...)...)
		}
	}
	return out
}

// elements are the structs in a list; nil when it is none of structs.
func elements(t iceberg.Type) *iceberg.StructType {
	if list, ok := t.(*iceberg.ListType); ok {
		if s, ok := list.Element.(*iceberg.StructType); ok {
			return s
		}
	}
	return nil
}

// versionOf is the number of columns, with the fields of structs.
func versionOf(columns *iceberg.StructType) int {
	n := 0
	for _, f := range columns.FieldList {
		n++
		if s := elements(f.Type); s != nil {
			n += versionOf(s)
		}
	}
	return n
}

// partitioning is by month of the start: measured best for windows of weeks
// over many jobs. A run without a start is in the partition of NULL.
func partitioning(sc *iceberg.Schema) (iceberg.PartitionSpec, error) {
	return iceberg.NewPartitionSpecOpts(
		iceberg.AddPartitionFieldByName("start_ts", "start_ts_month", iceberg.MonthTransform{}, sc, nil))
}

func sorting(sc *iceberg.Schema, columns []string) (table.SortOrder, error) {
	var keys []table.SortField
	for _, name := range columns {
		f, _ := sc.FindFieldByName(name)
		keys = append(keys, table.SortField{
			SourceIDs: []int{f.ID}, Transform: iceberg.IdentityTransform{},
			Direction: table.SortASC, NullOrder: table.NullsFirst,
		})
	}
	return table.NewSortOrder(table.InitialSortOrderID, keys)
}

// tableProperties of a new table. Bounds are kept for the columns that queries
// name; for two hundred columns they would be most of the metadata.
func tableProperties(version int, l layout) iceberg.Properties {
	props := iceberg.Properties{
		versionKey:                                fmt.Sprint(version),
		table.PropertyFormatVersion:               "2",
		table.ParquetRowGroupLimitKey:             fmt.Sprint(l.rowGroup),
		table.ParquetCompressionKey:               l.codec,
		table.DefaultWriteMetricsModeKey:          "none",
		table.MetadataDeleteAfterCommitEnabledKey: "true",
		table.MetadataPreviousVersionsMaxKey:      "20",
		table.ManifestMergeEnabledKey:             "true",
		"comment":                                 l.comment,
	}
	for _, name := range slices.Concat(keyColumns, l.sort) {
		props[table.MetricsModeColumnConfPrefix+"."+name] = "full"
	}
	return props
}
