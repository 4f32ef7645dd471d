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

// matcher says of a run whether q selects it.
func (q Query) matcher() func(*analysis.Run) bool {
	byDAG := make(map[string][]Job) // '' of any
	for _, j := range q.Jobs {
		byDAG[j.DAGID] = append(byDAG[j.DAGID], j)
	}
	anyDAG := byDAG[""]
	return func(r *analysis.Run) bool {
		matches := func(j Job) bool { return j.matches(r) }
		return q.inWindow(r.Start) &&
			(len(q.Jobs) == 0 || slices.ContainsFunc(byDAG[r.DAGID], matches) || slices.ContainsFunc(anyDAG, matches))
	}
}

// inWindow compares microseconds, which is what is stored.
func (q Query) inWindow(start time.Time) bool {
	if start.IsZero() {
		return q.From.IsZero() && q.To.IsZero()
	}
	return (q.From.IsZero() || start.UnixMicro() >= q.From.UnixMicro()) &&
		(q.To.IsZero() || start.UnixMicro() < q.To.UnixMicro())
}

// mayMatch says whether a row group with these bounds can have a run that
// matches.
func (q Query) mayMatch(b bounds) bool {
	first, last, known := b.times("start_ts")
	if known && (!q.To.IsZero() && !first.Before(q.To) || !q.From.IsZero() && last.Before(q.From.Truncate(time.Microsecond))) {
		return false
	}
	return len(q.Jobs) == 0 || slices.ContainsFunc(q.Jobs, func(j Job) bool { return j.mayMatch(b) })
}

func (j Job) mayMatch(b bounds) bool {
	least, greatest, known := b.texts("dag_id")
	if known && j.DAGID != "" && (j.DAGID < least || j.DAGID > greatest) {
		return false
	}
	least, greatest, known = b.texts("app_name")
	return !known || j.AppPrefix <= greatest && (j.AppPrefix >= least || strings.HasPrefix(least, j.AppPrefix))
}

// Runs returns the runs that q selects, sorted by start, then key.
func (l *Lake) Runs(ctx context.Context, q Query) ([]analysis.Run, error) {
	var runs []analysis.Run
	err := l.runs.onNewest(ctx, func(t *table.Table) error {
		runs = nil
		return scan(ctx, t, l.selection(q), func(some []analysis.Run) { runs = append(runs, some...) })
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

func (l *Lake) selection(q Query) selection[analysis.Run] {
	return selection[analysis.Run]{
		fields: l.project(q), filter: l.filter(q), mayHold: q.mayMatch, keep: q.matcher(), keys: queried,
	}
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
// letter goes up by one, and what follows is cut. [Query.matcher] is exact.
func afterPrefix(prefix string) (string, bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if c := prefix[i]; c < utf8.RuneSelf-1 {
			return prefix[:i] + string(rune(c+1)), true
		}
	}
	return "", false
}

// queried are the fields that [Query.matcher] looks at.
var queried = []string{"start_ts", "dag_id", "task_id", "app_name"}

// project picks the fields that q needs.
func (l *Lake) project(q Query) []field[analysis.Run] {
	return pick(l.runs.fields, func(f field[analysis.Run]) bool {
		return !f.derived && (len(q.Columns) == 0 || f.required ||
			slices.Contains(queried, f.name) || slices.Contains(q.Columns, f.name))
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
