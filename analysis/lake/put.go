package lake

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// PutStats says what became of the runs of a [Lake.Put], one of the three for
// each key.
type PutStats struct {
	Added     int
	Replaced  int // a better row of the same attempt took the place of the old one
	Unchanged int // the lake had as good a row
}

// maxPruned is the longest IN that iceberg-go prunes files by.
const maxPruned = 200

// maxReplaced bounds how many rows one commit replaces: the filter that names
// them grows with it.
const maxReplaced = maxPruned

// Put stores runs, one row per key. Where the lake or runs has another row of
// the same attempt, the better one stays: a finished one before an unfinished
// one, a complete one before one that lost events, then the one with more
// events. So the order of calls does not matter, and the same log twice
// changes nothing.
func (l *Lake) Put(ctx context.Context, runs []analysis.Run) (PutStats, error) {
	if len(runs) == 0 {
		return PutStats{}, nil
	}
	var done PutStats
	if l.foreign {
		return done, l.explain(errReadOnly)
	}
	best := bestOf(runs)
	err := retry(ctx, func() error { return l.putAll(ctx, best, &done) })
	if err != nil {
		return done, l.explain(err)
	}
	done.Unchanged = len(best) - done.Added - done.Replaced
	return done, nil
}

// putAll commits until nothing of runs is missing in the table.
func (l *Lake) putAll(ctx context.Context, runs []analysis.Run, done *PutStats) error {
	for {
		t, err := l.currentTable(ctx)
		if err != nil {
			return again(err)
		}
		p, err := l.plan(ctx, t, runs)
		if err != nil || p.empty() {
			return again(err)
		}
		if err := l.apply(ctx, t, p); err != nil {
			return err
		}
		done.Added += len(p.add)
		done.Replaced += len(p.replace)
	}
}

// bestOf keeps the best run of each key, in the table's sort order.
func bestOf(runs []analysis.Run) []analysis.Run {
	best := make(map[analysis.Key]*analysis.Run, len(runs))
	for i := range runs {
		if old := best[runs[i].Key]; old == nil || better(&runs[i], old) {
			best[runs[i].Key] = &runs[i]
		}
	}
	out := make([]analysis.Run, 0, len(best))
	for _, r := range best {
		out = append(out, *r)
	}
	slices.SortFunc(out, byJob)
	return out
}

// better says whether a is to take the place of b, a row of the same attempt.
func better(a, b *analysis.Run) bool {
	return cmp.Or(compareBool(a.Finished, b.Finished),
		compareBool(a.Complete(), b.Complete()), cmp.Compare(a.Events, b.Events)) > 0
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// byJob is the order of sortColumns, with the key to make it total.
func byJob(a, b analysis.Run) int {
	return cmp.Or(strings.Compare(a.DAGID, b.DAGID), strings.Compare(a.TaskID, b.TaskID),
		strings.Compare(a.AppName, b.AppName), a.Start.Compare(b.Start), a.Compare(b.Key))
}

// A plan is what one commit does: insert both, and drop the rows that have
// the keys of replace.
type plan struct {
	add, replace []analysis.Run
}

func (p plan) empty() bool { return len(p.add)+len(p.replace) == 0 }

// plan compares runs with the rows of their keys in t.
func (l *Lake) plan(ctx context.Context, t *table.Table, runs []analysis.Run) (plan, error) {
	stored, err := l.stored(ctx, t, runs)
	if err != nil {
		return plan{}, err
	}
	var p plan
	for i := range runs {
		old, exists := stored[runs[i].Key]
		switch {
		case !exists:
			p.add = append(p.add, runs[i])
		case better(&runs[i], &old) && len(p.replace) < maxReplaced:
			p.replace = append(p.replace, runs[i])
		}
	}
	return p, nil
}

// rankColumns are what better compares, besides the key.
var rankColumns = []string{"finished", "truncated", "compacted", "malformed_lines", "missing_tasks", "events"}

// stored finds the rows that have the keys of runs, with their rank only.
func (l *Lake) stored(ctx context.Context, t *table.Table, runs []analysis.Run) (map[analysis.Key]analysis.Run, error) {
	wanted := make(map[analysis.Key]bool, len(runs))
	for i := range runs {
		wanted[runs[i].Key] = true
	}
	found := make(map[analysis.Key]analysis.Run)
	cols := pick(l.fields, func(f field) bool { return f.required || slices.Contains(rankColumns, f.name) })
	err := scan(ctx, t, iceberg.NewAnd(sameStart(runs), sameApp(runs)), cols, func(rows []analysis.Run) {
		for i := range rows {
			old, dup := found[rows[i].Key]
			if wanted[rows[i].Key] && (!dup || better(&rows[i], &old)) {
				found[rows[i].Key] = rows[i]
			}
		}
	})
	return found, err
}

// sameStart lets the rows through that may be of the same attempts as runs. An
// attempt starts once: other logs of it have that start or, cut at the front,
// none.
func sameStart(runs []analysis.Run) iceberg.BooleanExpression {
	from, to := runs[0].Start, runs[0].Start
	for _, r := range runs {
		if r.Start.IsZero() {
			return iceberg.AlwaysTrue{}
		}
		if r.Start.Before(from) {
			from = r.Start
		}
		if r.Start.After(to) {
			to = r.Start
		}
	}
	return iceberg.NewOr(window("start_ts", from, to.Add(time.Microsecond)), iceberg.IsNull(iceberg.Reference("start_ts")))
}

// sameApp lets the rows through that may have the application ids of runs. It
// spares opening most files: they hold their bounds in the manifests.
func sameApp(runs []analysis.Run) iceberg.BooleanExpression {
	id := iceberg.Reference("app_id")
	ids := appIDs(runs)
	if len(ids) <= maxPruned {
		return iceberg.IsIn(id, ids...)
	}
	return iceberg.NewAnd(iceberg.GreaterThanEqual(id, slices.Min(ids)), iceberg.LessThanEqual(id, slices.Max(ids)))
}

func appIDs(runs []analysis.Run) []string {
	ids := make([]string, len(runs))
	for i := range runs {
		ids[i] = runs[i].AppID
	}
	return ids
}

// apply commits p on top of t, or reports errAgain when t is no longer the
// newest state.
func (l *Lake) apply(ctx context.Context, t *table.Table, p plan) error {
	batch, err := encode(t.Schema(), l.fields, slices.SortedFunc(slices.Values(slices.Concat(p.add, p.replace)), byJob))
	if err != nil {
		return err
	}
	defer batch.Release()
	rows, err := array.NewRecordReader(batch.Schema(), []arrow.RecordBatch{batch})
	if err != nil {
		return err
	}
	defer rows.Release()

	tx := t.NewTransaction()
	// The plan holds for this state only: what another process added since
	// may be the same attempt.
	if err := tx.AssertRefSnapshotID(table.MainBranch); err != nil {
		return err
	}
	if len(p.replace) > 0 {
		err = tx.Overwrite(ctx, rows, nil, table.WithOverwriteFilter(withKeys(p.replace)))
	} else {
		err = tx.Append(ctx, rows, nil)
	}
	if err != nil {
		return err
	}
	return l.commit(ctx, t, tx)
}

// withKeys lets exactly the rows through that have the keys of runs. The first
// part is implied by the rest; it is what files are pruned by.
func withKeys(runs []analysis.Run) iceberg.BooleanExpression {
	var any iceberg.BooleanExpression = iceberg.AlwaysFalse{}
	for _, r := range runs {
		any = iceberg.NewOr(any, iceberg.NewAnd(
			iceberg.EqualTo(iceberg.Reference("app_id"), r.AppID),
			iceberg.EqualTo(iceberg.Reference("cluster"), r.Cluster),
			iceberg.EqualTo(iceberg.Reference("attempt"), r.Attempt)))
	}
	return iceberg.NewAnd(sameApp(runs), any)
}
