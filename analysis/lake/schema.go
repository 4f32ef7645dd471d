package lake

import (
	"fmt"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// versionKey is a table property: the number of columns that the newest writer
// knew. Columns are only ever added, so their number is the version of the
// schema and nobody can forget to raise it. A stored format.
const versionKey = "sparktune.schema-version"

// A field is one column of the table.
type field struct {
	name     string // in [analysis.Columns] or [analysis.Properties]
	column   string // in the table: the same, except in a foreign one
	doc      string
	required bool
	// value points to what the column holds of a run; types as in
	// [analysis.Column]. A derived field points to a copy: it is written for
	// readers of SQL and never read back.
	value   func(*analysis.Run) any
	derived bool
}

// fields are the columns of the table, in the order of a new one.
var fields = tableFields()

func tableFields() []field {
	var fs []field
	for _, c := range analysis.Columns {
		fs = append(fs, field{
			name:     c.Name,
			column:   c.Name,
			doc:      fmt.Sprintf("%s [%s; %s]", c.Doc, c.Unit, c.Event),
			required: isKey(c.Name),
			value:    c.Field,
		})
	}
	for _, p := range analysis.Properties {
		fs = append(fs, field{
			name:    p.Column,
			column:  p.Column,
			doc:     fmt.Sprintf("%s NULL when not set. [%s; %s]", p.Doc, kindUnit(p.Kind), p.Name),
			value:   func(r *analysis.Run) any { return parsed(r.Conf, p) },
			derived: true,
		})
	}
	return fs
}

// isKey says whether a column is part of the row's key. Only those are never
// NULL: an empty part is an empty text.
func isKey(name string) bool {
	return name == "cluster" || name == "app_id" || name == "attempt"
}

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

// columnType is the Iceberg type for a pointer as [analysis.Column] has them.
// next numbers the inner fields of a nested type. Those are optional: Spark's
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
	case *[]string:
		return &iceberg.ListType{ElementID: next(), Element: iceberg.PrimitiveTypes.String}
	case *map[string]int64:
		return mapOf(iceberg.PrimitiveTypes.Int64, next)
	case *analysis.Conf:
		return mapOf(iceberg.PrimitiveTypes.String, next)
	}
	panic(fmt.Sprintf("unreachable except bug in analysis.Columns: %T", p))
}

func mapOf(value iceberg.Type, next func() int) iceberg.Type {
	return &iceberg.MapType{
		KeyID: next(), KeyType: iceberg.PrimitiveTypes.String,
		ValueID: next(), ValueType: value,
	}
}

// newSchema is the schema of a new table. The ids it gives matter at creation
// only; from then on the live table says which id a column has.
func newSchema(fs []field) *iceberg.Schema {
	last := len(fs)
	next := func() int { last++; return last }
	var keys []int
	cols := make([]iceberg.NestedField, len(fs))
	for i, f := range fs {
		cols[i] = iceberg.NestedField{
			ID: i + 1, Name: f.column, Doc: f.doc, Required: f.required,
			Type: columnType(f.value(new(analysis.Run)), next),
		}
		if f.required {
			keys = append(keys, i+1)
		}
	}
	return iceberg.NewSchemaWithIdentifiers(0, keys, cols...)
}

// partitioning is by month of the start: measured best for windows of weeks
// over many jobs. A run without a start is in the partition of NULL.
func partitioning(sc *iceberg.Schema) (iceberg.PartitionSpec, error) {
	return iceberg.NewPartitionSpecOpts(
		iceberg.AddPartitionFieldByName("start_ts", "start_ts_month", iceberg.MonthTransform{}, sc, nil))
}

// sortColumns order the rows of a file, so that one job's runs share few row
// groups.
var sortColumns = []string{"dag_id", "task_id", "app_name", "start_ts"}

func sorting(sc *iceberg.Schema) (table.SortOrder, error) {
	var keys []table.SortField
	for _, name := range sortColumns {
		f, _ := sc.FindFieldByName(name)
		keys = append(keys, table.SortField{
			SourceIDs: []int{f.ID}, Transform: iceberg.IdentityTransform{},
			Direction: table.SortASC, NullOrder: table.NullsFirst,
		})
	}
	return table.NewSortOrder(table.InitialSortOrderID, keys)
}

// tableProperties of a new table. Row groups are small because a query wants
// few jobs of many; below a thousand rows, opening the columns of a group costs
// more than the rows it spares (BenchmarkMillionRows). Bounds are kept for the columns that queries name; for two
// hundred columns they would be most of the metadata.
func tableProperties(version int) iceberg.Properties {
	props := iceberg.Properties{
		versionKey:                                fmt.Sprint(version),
		table.PropertyFormatVersion:               "2",
		table.ParquetRowGroupLimitKey:             "1000",
		table.DefaultWriteMetricsModeKey:          "none",
		table.MetadataDeleteAfterCommitEnabledKey: "true",
		table.MetadataPreviousVersionsMaxKey:      "20",
		table.ManifestMergeEnabledKey:             "true",
		"comment":                                 "Measured runs of Spark applications, one row per application attempt, written by sparktune.",
	}
	for _, name := range append([]string{"cluster", "app_id", "attempt"}, sortColumns...) {
		props[table.MetricsModeColumnConfPrefix+"."+name] = "full"
	}
	return props
}
