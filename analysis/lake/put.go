package lake

import (
	"context"
	"slices"

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

// Put stores runs, one row per key, and beside them the profiles of some. Where
// the lake or runs has another row of the same attempt, the better one stays: a
// finished one before an unfinished one, a complete one before one that lost
// events, of unfinished ones the one that came further, then the one with more
// events, then the one that knows more of the outcome. So the order of calls does
// not matter, and the same log twice changes nothing.
//
// Profiles come first and by the same rule. A crash in between leaves profiles
// whose runs are not there; the next Put of the same adds what is missing,
// whatever it is.
func (l *Lake) Put(ctx context.Context, runs []analysis.Run, profiles ...analysis.RunProfile) (PutStats, error) {
	if l.runs.foreign && len(runs)+len(profiles) > 0 {
		return PutStats{}, l.explain(errReadOnly)
	}
	if _, err := l.profiles.put(ctx, profiles); err != nil {
		return PutStats{}, l.explain(err)
	}
	done, err := l.runs.put(ctx, runs)
	if err != nil {
		return done, l.explain(err)
	}
	return done, nil
}

func (r *relation[R]) put(ctx context.Context, rows []R) (PutStats, error) {
	var done PutStats
	if len(rows) == 0 {
		return done, nil
	}
	best := r.bestOf(rows)
	if err := retry(ctx, func() error { return r.putAll(ctx, best, &done) }); err != nil {
		return done, err
	}
	done.Unchanged = len(best) - done.Added - done.Replaced
	return done, nil
}

// putAll commits until nothing of rows is missing in the table.
func (r *relation[R]) putAll(ctx context.Context, rows []R, done *PutStats) error {
	for {
		t, err := r.current(ctx)
		if err != nil {
			return again(err)
		}
		p, err := r.plan(ctx, t, rows)
		if err != nil || p.empty() {
			return r.againIfOld(ctx, t, again(err))
		}
		if err := r.apply(ctx, t, p); err != nil {
			return r.againIfOld(ctx, t, err)
		}
		done.Added += len(p.add)
		done.Replaced += len(p.replace)
	}
}

// bestOf keeps the best row of each key, in the table's sort order.
func (r *relation[R]) bestOf(rows []R) []R {
	best := make(map[analysis.Key]*R, len(rows))
	for i := range rows {
		k := r.key(&rows[i])
		if old := best[k]; old == nil || r.better(&rows[i], old) {
			best[k] = &rows[i]
		}
	}
	out := make([]R, 0, len(best))
	for _, row := range best {
		out = append(out, *row)
	}
	slices.SortFunc(out, r.order)
	return out
}

// better says whether a is to take the place of b, a row of the same attempt.
func (r *relation[R]) better(a, b *R) bool { return r.rank(a).above(r.rank(b)) }

// A plan is what one commit does: insert both, and drop the rows that have
// the keys of replace.
type plan[R any] struct {
	add, replace []R
}

func (p plan[R]) empty() bool { return len(p.add)+len(p.replace) == 0 }

// plan compares rows with those of their keys in t.
func (r *relation[R]) plan(ctx context.Context, t *table.Table, rows []R) (plan[R], error) {
	stored, err := r.stored(ctx, t, rows)
	if err != nil {
		return plan[R]{}, err
	}
	var p plan[R]
	for i := range rows {
		old, exists := stored[r.key(&rows[i])]
		switch {
		case !exists:
			p.add = append(p.add, rows[i])
		case r.better(&rows[i], &old) && len(p.replace) < maxReplaced:
			p.replace = append(p.replace, rows[i])
		}
	}
	return p, nil
}

// stored finds the rows that have the keys of rows, with their rank only. It
// does not go by the start: a log that was cut at the front says another.
func (r *relation[R]) stored(ctx context.Context, t *table.Table, rows []R) (map[analysis.Key]R, error) {
	ranking := pick(r.fields, func(f field[R]) bool { return f.required || slices.Contains(r.ranking, f.name) })
	return r.find(ctx, t, r.keys(rows), ranking)
}

func (r *relation[R]) keys(rows []R) []analysis.Key {
	keys := make([]analysis.Key, len(rows))
	for i := range rows {
		keys[i] = r.key(&rows[i])
	}
	return keys
}

// find reads the fields fs of the rows that have one of keys, the best of each
// key.
func (r *relation[R]) find(ctx context.Context, t *table.Table, keys []analysis.Key, fs []field[R]) (map[analysis.Key]R, error) {
	found := make(map[analysis.Key]R)
	err := scan(ctx, t, r.withKeys(keys, fs), func(rows []R) {
		for i := range rows {
			k := r.key(&rows[i])
			if old, dup := found[k]; !dup || r.better(&rows[i], &old) {
				found[k] = rows[i]
			}
		}
	})
	return found, err
}

func (r *relation[R]) withKeys(keys []analysis.Key, fs []field[R]) selection[R] {
	wanted := make(map[analysis.Key]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	return selection[R]{
		fields: fs, filter: sameApp(keys), mayHold: mayHoldApp(keys), keep: func(row *R) bool { return wanted[r.key(row)] }, keys: keyColumns,
	}
}

// sameApp lets the rows through that may have the application ids of keys. It
// spares opening most files: they hold their bounds in the manifests.
func sameApp(keys []analysis.Key) iceberg.BooleanExpression {
	id := iceberg.Reference("app_id")
	ids := appIDs(keys)
	if len(ids) <= maxPruned {
		return iceberg.IsIn(id, ids...)
	}
	return iceberg.NewAnd(iceberg.GreaterThanEqual(id, slices.Min(ids)), iceberg.LessThanEqual(id, slices.Max(ids)))
}

// mayHoldApp says whether a row group can have one of the application ids of
// keys.
func mayHoldApp(keys []analysis.Key) func(bounds) bool {
	ids := appIDs(keys)
	slices.Sort(ids)
	return func(b bounds) bool {
		least, greatest, known := b.texts("app_id")
		next, _ := slices.BinarySearch(ids, least)
		return !known || next < len(ids) && ids[next] <= greatest
	}
}

func appIDs(keys []analysis.Key) []string {
	ids := make([]string, len(keys))
	for i := range keys {
		ids[i] = keys[i].AppID
	}
	return ids
}

// apply commits p on top of t, or reports errAgain when t is no longer the
// newest state.
func (r *relation[R]) apply(ctx context.Context, t *table.Table, p plan[R]) error {
	rows := slices.Concat(p.add, p.replace)
	slices.SortFunc(rows, r.order)
	batch, err := encode(t.Schema(), r.fields, rows)
	if err != nil {
		return err
	}
	defer batch.Release()
	batches, err := array.NewRecordReader(batch.Schema(), []arrow.RecordBatch{batch})
	if err != nil {
		return err
	}
	defer batches.Release()

	tx := t.NewTransaction()
	// The plan holds for this state only: what another process added since
	// may be the same attempt.
	if err := tx.AssertRefSnapshotID(table.MainBranch); err != nil {
		return err
	}
	if len(p.replace) > 0 {
		err = tx.Overwrite(ctx, batches, nil, table.WithOverwriteFilter(withKeys(r.keys(p.replace))))
	} else {
		err = tx.Append(ctx, batches, nil)
	}
	if err != nil {
		return err
	}
	return r.commit(ctx, t, tx)
}

// withKeys lets exactly the rows through that have one of keys. The first part
// is implied by the rest; it is what files are pruned by.
func withKeys(keys []analysis.Key) iceberg.BooleanExpression {
	var any iceberg.BooleanExpression = iceberg.AlwaysFalse{}
	for _, k := range keys {
		any = iceberg.NewOr(any, iceberg.NewAnd(
			iceberg.EqualTo(iceberg.Reference("app_id"), k.AppID),
			iceberg.EqualTo(iceberg.Reference("cluster"), k.Cluster),
			iceberg.EqualTo(iceberg.Reference("attempt"), k.Attempt)))
	}
	return iceberg.NewAnd(sameApp(keys), any)
}
