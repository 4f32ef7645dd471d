package lake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// A relation is one Iceberg table, whose rows are R.
type relation[R any] struct {
	catalog catalog.Catalog
	ident   table.Identifier
	fields  []field[R]
	foreign bool // somebody else's: only read
	kind[R]
}

// A kind says what the lake has to know of rows.
type kind[R any] struct {
	layout
	key func(*R) analysis.Key
	// order is the layout's, with the key to make it total.
	order func(a, b R) int
	// rank is read from ranking, names of fields.
	rank    func(*R) rank
	ranking []string
}

// A layout says how the rows of a table lie in its files.
type layout struct {
	comment string
	sort    []string // columns
	// rowGroup is how many rows a row group has. They are small because a
	// query wants few jobs of many; the smaller, the more statistics of columns
	// are read to choose among them (lab/lake).
	rowGroup int
	codec    string // of Parquet
	// fileRows is how many rows a compacted file has at most, half of it the
	// least. It bounds memory: a file is sorted as a whole.
	fileRows int64
	// rowValues is how many values a row has that counts as one of them, and
	// larger ones as several; 0 where all rows are about as large.
	rowValues int64
}

var runKind = kind[analysis.Run]{
	layout: layout{
		comment:  "Measured runs of Spark applications, one row per application attempt, written by sparktune.",
		sort:     []string{"dag_id", "task_id", "app_name", "start_ts"}, // one job's runs share few row groups
		rowGroup: 500,
		codec:    "snappy", // a third larger than zstd, and read in 0.86 of its time
		fileRows: 100_000,
	},
	key:   func(r *analysis.Run) analysis.Key { return r.Key },
	order: byJob,
	rank: func(r *analysis.Run) rank {
		return rank{
			finished: r.Finished, complete: r.Complete(), until: progress(r.Finished, r.End.UnixMicro()), events: r.Events,
			settled: r.Status != analysis.StatusUnknown, asked: asked(r.YARNFinalStatus), used: r.YARNMemoryMBSeconds.V,
		}
	},
	ranking: []string{
		"finished", "truncated", "compacted", "malformed_lines", "missing_tasks", "missing_events", "end_ts", "events",
		"status", "yarn_final_status", "yarn_memory_mb_seconds",
	},
}

var profileKind = kind[analysis.RunProfile]{
	layout: layout{
		comment:  "Stages, executors and driver gaps of the application attempts in runs, for simulation, written by sparktune.",
		sort:     []string{"app_id", "cluster", "attempt"}, // they are asked for by key
		rowGroup: 100,
		codec:    "zstd",
		fileRows: 5000, rowValues: 512, // some ten stages; of most profiles there are a thousand in a file
	},
	key:   func(p *analysis.RunProfile) analysis.Key { return p.Key },
	order: func(a, b analysis.RunProfile) int { return byAppID(a.Key, b.Key) },
	rank: func(p *analysis.RunProfile) rank {
		return rank{finished: p.Finished, complete: p.Complete, until: progress(p.Finished, profileEnd(p)), events: p.Events}
	},
	ranking: []string{"start_ts", "span_ms", "finished", "complete", "events"},
}

// progress is how far the log of an application that runs had come, in
// microseconds: once the History Server has compacted it, it has fewer events
// than before and is further. Of one that ended it says nothing.
func progress(finished bool, end int64) int64 {
	if finished {
		return 0
	}
	return end
}

// profileEnd is the end of the run, as [analysis.RunProfile] has it: a span
// without a start begins in 1970.
func profileEnd(p *analysis.RunProfile) int64 {
	var start int64
	if !p.Start.IsZero() {
		start = p.Start.UnixMicro()
	}
	return start + 1000*p.SpanMs
}

// asked is what a final status of YARN says: nothing, that the application has
// not ended, or how it did.
func asked(status string) int {
	switch status {
	case "":
		return 0
	case "UNDEFINED":
		return 1
	}
	return 2
}

// byJob is the order of runs.
func byJob(a, b analysis.Run) int {
	return cmp.Or(strings.Compare(a.DAGID, b.DAGID), strings.Compare(a.TaskID, b.TaskID),
		strings.Compare(a.AppName, b.AppName), a.Start.Compare(b.Start), a.Compare(b.Key))
}

func byAppID(a, b analysis.Key) int {
	return cmp.Or(strings.Compare(a.AppID, b.AppID), a.Compare(b))
}

// A rank says which of two rows of one attempt stays: the greater one, field by
// field.
type rank struct {
	finished, complete bool
	until, events      int64
	// What the ResourceManager adds, which does not change the events. That
	// another attempt followed settles the status and leaves asked as it was.
	settled bool
	asked   int
	used    int64 // grows while the application runs
}

func (a rank) above(b rank) bool {
	return cmp.Or(
		compareBool(a.finished, b.finished), compareBool(a.complete, b.complete),
		cmp.Compare(a.until, b.until), cmp.Compare(a.events, b.events),
		compareBool(a.settled, b.settled), cmp.Compare(a.asked, b.asked), cmp.Compare(a.used, b.used)) > 0
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

// table loads the newest state. A table of ours that a newer version wrote is
// refused: its writer may mean by a column what this program does not know. So
// is one that is somebody else's: it would be written.
func (r *relation[R]) table(ctx context.Context) (*table.Table, error) {
	t, err := r.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("load table %s: %w", r.name(), err)
	}
	if r.foreign {
		return t, nil
	}
	text, ours := t.Properties()[versionKey]
	if !ours {
		return nil, fmt.Errorf("table %s %w: it has no property %s", r.name(), errNotOurs, versionKey)
	}
	stored, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("table property %s: %w", versionKey, err)
	}
	if known := r.version(); stored > known {
		return nil, fmt.Errorf("%w (schema version %d of %s, this program knows %d)", errNewer, stored, r.name(), known)
	}
	return t, nil
}

// ensure is table that makes the table where it is missing.
func (r *relation[R]) ensure(ctx context.Context) (*table.Table, error) {
	t, err := r.table(ctx)
	if !isMissing(err) {
		return t, err
	}
	if err := r.create(ctx); err != nil {
		return nil, err
	}
	return r.table(ctx)
}

// onNewest calls do with the newest state of the table, and once more with a
// newer one where a file was gone that another process had expired meanwhile.
func (r *relation[R]) onNewest(ctx context.Context, do func(*table.Table) error) error {
	return retry(ctx, func() error {
		t, err := r.table(ctx)
		if err != nil {
			return err
		}
		return r.againIfOld(ctx, t, do(t))
	})
}

// againIfOld marks an error of work on t, a file of which is gone, where t is
// no longer the newest state.
func (r *relation[R]) againIfOld(ctx context.Context, t *table.Table, err error) error {
	gone := isGone(err) && !errors.Is(err, errUnanswered)
	return againIf(gone && r.isOld(ctx, t), err)
}

// isOld says whether there is a newer state than t.
func (r *relation[R]) isOld(ctx context.Context, t *table.Table) bool {
	now, err := r.load(ctx)
	return err == nil && now.MetadataLocation() != t.MetadataLocation()
}

// load is table without its checks. The metadata too may be replaced and
// removed between the look into the catalog and the one into the file.
func (r *relation[R]) load(ctx context.Context) (*table.Table, error) {
	t, err := r.catalog.LoadTable(ctx, r.ident)
	if isGone(err) {
		return r.catalog.LoadTable(ctx, r.ident)
	}
	return t, err
}

// isGone says whether a file is not there.
func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func isMissing(err error) bool {
	return errors.Is(err, catalog.ErrNoSuchTable) || errors.Is(err, catalog.ErrNoSuchNamespace)
}

func (r *relation[R]) name() string { return strings.Join(r.ident, ".") }

func (r *relation[R]) version() int {
	columns := newSchema(r.fields).AsStruct()
	return versionOf(&columns)
}

// create creates namespace and table. Another process may be doing the same:
// who comes second takes what is there.
func (r *relation[R]) create(ctx context.Context) error {
	err := r.catalog.CreateNamespace(ctx, catalog.NamespaceFromIdent(r.ident), nil)
	if err != nil && !errors.Is(err, catalog.ErrNamespaceAlreadyExists) {
		return err
	}
	sc := newSchema(r.fields)
	spec, err := partitioning(sc)
	if err != nil {
		return fmt.Errorf("partition spec: %w", err)
	}
	order, err := sorting(sc, r.sort)
	if err != nil {
		return fmt.Errorf("sort order: %w", err)
	}
	_, err = r.catalog.CreateTable(ctx, r.ident, sc, catalog.WithPartitionSpec(&spec),
		catalog.WithSortOrder(order), catalog.WithProperties(tableProperties(r.version(), r.layout)))
	if errors.Is(err, catalog.ErrTableAlreadyExists) {
		return nil
	}
	return err
}

// column is what the table calls the column of that name.
func (r *relation[R]) column(name string) (string, bool) {
	for _, f := range r.fields {
		if f.name == name {
			return f.column, f.column != ""
		}
	}
	return "", false
}

// Bounds of what one table piles up between two calls of Tend.
const (
	tendFiles     = 32 // small files of one month
	tendSnapshots = 64
	tendAge       = time.Hour // of a snapshot that is forgotten: readers take minutes
)

// Tend keeps the cost of reads and commits from growing with the number of
// commits: it merges files where many small ones have piled up, and forgets
// snapshots when there are very many.
func (l *Lake) Tend(ctx context.Context) error {
	if l.runs.foreign {
		return nil
	}
	err := l.runs.tend(ctx)
	if err == nil {
		err = l.profiles.tend(ctx)
	}
	if err != nil {
		return l.explain(err)
	}
	return nil
}

func (r *relation[R]) tend(ctx context.Context) error {
	if _, err := r.compact(ctx, tendFiles); err != nil {
		return err
	}
	t, err := r.table(ctx)
	if isMissing(err) {
		return nil
	}
	if err != nil || len(t.Metadata().Snapshots()) < tendSnapshots {
		return again(err)
	}
	_, err = r.expire(ctx, tendAge, tendSnapshots/2)
	return err
}
