package lake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/iceberg-go"

	"github.com/sparktune/sparktune/analysis"
)

var errReadOnly = errors.New("belongs to somebody else (metrics.columns is set) and is only read")

// mapColumns prepares a foreign table: each column gets the name it has there,
// and what is missing there is dropped, which makes it a missing measurement
// of every run.
func (l *Lake) mapColumns(ctx context.Context, columns map[string]string) error {
	l.runs.foreign = true // and there are no profiles
	t, err := l.runs.table(ctx)
	if err != nil {
		return err
	}
	theirs := t.Schema().Fields()
	names := maps.Clone(columns)
	taken := slices.Collect(maps.Values(columns))
	var mapped []field[analysis.Run]
	for _, f := range l.runs.fields {
		named, ok := names[f.name]
		delete(names, f.name)
		switch {
		case ok:
			f.column = named
		case f.derived || slices.Contains(taken, f.column):
			continue // their column of this name means something else
		}
		i := slices.IndexFunc(theirs, func(c iceberg.NestedField) bool { return c.Name == f.column })
		switch {
		case i >= 0:
			if err := checkReadable(f, theirs[i].Type); err != nil {
				return fmt.Errorf("table %s: %w", l.runs.name(), err)
			}
			mapped = append(mapped, f)
		case ok:
			return l.noColumn(t.Schema(), f)
		case f.null != nil:
			f.column = "" // its runs are told
			mapped = append(mapped, f)
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("metrics.columns has %s, which is no column of sparktune", slices.Sorted(maps.Keys(names))[0])
	}
	l.runs.fields = mapped
	return l.checkNeeded()
}

// noColumn says why the column that f is mapped to can't be read.
func (l *Lake) noColumn(sc *iceberg.Schema, f field[analysis.Run]) error {
	if _, nested := sc.FindFieldByName(f.column); nested {
		return fmt.Errorf("metrics.columns maps %s to %s, which is inside another column of table %s: only whole columns can be read", f.name, f.column, l.runs.name())
	}
	return fmt.Errorf("metrics.columns maps %s to %s, a column that table %s does not have", f.name, f.column, l.runs.name())
}

// checkNeeded refuses a table without which no run can be told from another,
// put in order, or be matched with a job.
func (l *Lake) checkNeeded() error {
	needed := []struct{ columns, why string }{
		{"app_id", "without it runs can't be told apart"},
		{"start_ts", "without it no window of runs can be chosen"},
		{"app_name dag_id", "without one of them no run can be matched with a job"},
	}
	for _, n := range needed {
		names := strings.Fields(n.columns)
		if !slices.ContainsFunc(names, func(name string) bool { _, ok := l.runs.column(name); return ok }) {
			return fmt.Errorf("table %s has no column %s: %s, and every rule stays unmeasured; map it in metrics.columns",
				l.runs.name(), strings.Join(names, " or "), n.why)
		}
	}
	return nil
}

// Missing lists the names of [analysis.Columns] that a foreign table does not
// have: rules that need one of them abstain on every run.
func (l *Lake) Missing() []string {
	var names []string
	for _, c := range analysis.Columns {
		if _, ok := l.runs.column(c.Name); !ok {
			names = append(names, c.Name)
		}
	}
	return names
}
