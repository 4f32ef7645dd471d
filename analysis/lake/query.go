package lake

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// A Query selects runs. The zero Query is all of them, whole.
type Query struct {
	// Start of the runs, in [From, To); a zero time is no bound. A run without
	// a start is in no bounded window.
	From, To time.Time
	// Jobs are alternatives; none means every job.
	Jobs []Job
	// Columns to read besides the key, the start and those of Job; none means
	// all. The other fields of a Run stay missing.
	Columns []string
}

// A Job selects the runs that have all of its non-empty parts.
type Job struct {
	DAGID, TaskID string
	AppPrefix     string // of the application's name
}

func (j Job) matches(r *analysis.Run) bool {
	return (j.DAGID == "" || j.DAGID == r.DAGID) &&
		(j.TaskID == "" || j.TaskID == r.TaskID) &&
		strings.HasPrefix(r.AppName, j.AppPrefix)
}

func (q Query) matches(r *analysis.Run) bool {
	return len(q.Jobs) == 0 || slices.ContainsFunc(q.Jobs, func(j Job) bool { return j.matches(r) })
}

// Runs returns the runs that q selects, sorted by start, then key.
func (l *Lake) Runs(ctx context.Context, q Query) ([]analysis.Run, error) {
	t, err := l.runs.table(ctx)
	if err != nil {
		return nil, l.explain(err)
	}
	var runs []analysis.Run
	err = scan(ctx, t, l.filter(q), l.project(q), func(batch []analysis.Run) {
		for i := range batch {
			if q.matches(&batch[i]) {
				runs = append(runs, batch[i])
			}
		}
	})
	if err != nil {
		return nil, l.explain(err)
	}
	slices.SortFunc(runs, byStart)
	return runs, nil
}

func byStart(a, b analysis.Run) int {
	return cmp.Or(a.Start.Compare(b.Start), a.Compare(b.Key))
}

// filter is what the files can be asked: it prunes partitions and row groups,
// and lets more through than q selects.
func (l *Lake) filter(q Query) iceberg.BooleanExpression {
	start, _ := l.runs.column("start_ts")
	return iceberg.NewAnd(window(start, q.From, q.To), l.jobFilter(q.Jobs))
}

func window(column string, from, to time.Time) iceberg.BooleanExpression {
	start := iceberg.Reference(column)
	var e iceberg.BooleanExpression = iceberg.AlwaysTrue{}
	if !from.IsZero() {
		e = iceberg.NewAnd(e, iceberg.GreaterThanEqual(start, iceberg.Timestamp(from.UnixMicro())))
	}
	if !to.IsZero() {
		e = iceberg.NewAnd(e, iceberg.LessThan(start, iceberg.Timestamp(to.UnixMicro())))
	}
	return e
}

// jobFilter names DAGs and prefixes of application names. All DAGs go into one
// IN, which readers prune by. A part that the table has no column for matches
// no run.
func (l *Lake) jobFilter(jobs []Job) iceberg.BooleanExpression {
	if len(jobs) == 0 || slices.ContainsFunc(jobs, func(j Job) bool { return j.DAGID == "" && j.AppPrefix == "" }) {
		return iceberg.AlwaysTrue{}
	}
	dag, hasDAG := l.runs.column("dag_id")
	app, hasApp := l.runs.column("app_name")
	var dags []string
	var e iceberg.BooleanExpression = iceberg.AlwaysFalse{}
	for _, j := range jobs {
		switch {
		case j.DAGID != "" && hasDAG:
			dags = append(dags, j.DAGID)
		case j.DAGID == "" && hasApp:
			e = iceberg.NewOr(e, beginsWith(app, j.AppPrefix))
		}
	}
	if len(dags) == 0 {
		return e
	}
	return iceberg.NewOr(e, iceberg.IsIn(iceberg.Reference(dag), dags...))
}

// beginsWith is a range of texts: iceberg-go plans with its own starts_with but
// can't filter rows by it.
func beginsWith(column, prefix string) iceberg.BooleanExpression {
	from := iceberg.GreaterThanEqual(iceberg.Reference(column), prefix)
	to, ok := afterPrefix(prefix)
	if !ok {
		return from
	}
	return iceberg.NewAnd(from, iceberg.LessThan(iceberg.Reference(column), to))
}

// afterPrefix is a text behind all that begin with prefix: its last ASCII
// letter goes up by one, and what follows is cut. [Query.matches] is exact.
func afterPrefix(prefix string) (string, bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if c := prefix[i]; c < utf8.RuneSelf-1 {
			return prefix[:i] + string(rune(c+1)), true
		}
	}
	return "", false
}

// project picks the fields that q needs.
func (l *Lake) project(q Query) []field[analysis.Run] {
	always := []string{"start_ts", "dag_id", "task_id", "app_name"}
	return pick(l.runs.fields, func(f field[analysis.Run]) bool {
		return !f.derived && (len(q.Columns) == 0 || f.required ||
			slices.Contains(always, f.name) || slices.Contains(q.Columns, f.name))
	})
}

func pick[R any](fs []field[R], keep func(field[R]) bool) []field[R] {
	var out []field[R]
	for _, f := range fs {
		if keep(f) {
			out = append(out, f)
		}
	}
	return out
}

// scan reads the fields fs of the rows that filter lets through and hands them
// to visit batch by batch; the slice is only valid during the call. A field
// that the table lacks stays missing.
func scan[R any](ctx context.Context, t *table.Table, filter iceberg.BooleanExpression, fs []field[R], visit func([]R)) error {
	sc := t.Schema() // a copy each time
	var names []string
	for _, f := range fs {
		if _, ok := sc.FindFieldByName(f.column); ok {
			names = append(names, f.column)
		}
	}
	_, batches, err := t.Scan(table.WithRowFilter(filter), table.WithSelectedFields(names...)).ToArrowRecords(ctx)
	if err != nil {
		return err
	}
	for batch, err := range batches {
		if err != nil {
			return err
		}
		rows := make([]R, batch.NumRows())
		err := decode(batch, fs, rows)
		batch.Release()
		if err != nil {
			return err
		}
		visit(rows)
	}
	return nil
}
