package lake

import (
	"context"
	"slices"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// A Lake is an open catalog with the tables runs and run_profiles. It is safe
// for concurrent use, except on a catalog of Hive: iceberg-go talks to that over
// one connection, which answers one question at a time.
type Lake struct {
	catalog  catalog.Catalog
	runs     relation[analysis.Run]
	profiles relation[analysis.RunProfile]

	dir   string // of an embedded lake
	where string // for messages
}

// Close releases the catalog.
func (l *Lake) Close() error {
	c, ok := l.catalog.(catalog.Closer)
	if !ok {
		return nil
	}
	return c.Close()
}

// profilesName is the name of the second table, which is in the namespace of
// the first. A stored format.
const profilesName = "run_profiles"

// load opens the catalog and makes sure that runs can be used; run_profiles is
// made when there is one. With columns runs is a foreign table. A lake that
// can't be written is opened all the same: some only want to read.
func (l *Lake) load(ctx context.Context, name string, props iceberg.Properties, columns map[string]string) error {
	cat, err := catalog.Load(ctx, name, props)
	if l.dir != "" && notWritable(err) {
		if read, failed := catalog.Load(ctx, name, readOnly(l.dir)); failed == nil {
			cat, err = read, nil
		}
	}
	if err != nil {
		return again(err)
	}
	l.catalog, l.runs.catalog, l.profiles.catalog = cat, cat, cat
	if columns != nil {
		err = l.mapColumns(ctx, columns)
	} else {
		_, err = l.runs.ensure(ctx)
	}
	if err != nil {
		_ = l.Close()
		return again(err)
	}
	return nil
}

// ID names the table of runs, wherever it is: a table that was made anew at the
// same place has another one.
func (l *Lake) ID(ctx context.Context) (string, error) {
	t, err := l.runs.table(ctx)
	if err != nil {
		return "", l.explain(err)
	}
	return t.Metadata().TableUUID().String(), nil
}

// Profiles returns the profiles of the application attempts keys. One that the
// lake has no profile of is not in the map.
func (l *Lake) Profiles(ctx context.Context, keys []analysis.Key) (map[analysis.Key]analysis.RunProfile, error) {
	if l.runs.foreign || len(keys) == 0 {
		return nil, nil
	}
	var found map[analysis.Key]analysis.RunProfile
	err := l.profiles.onNewest(ctx, func(t *table.Table) (err error) {
		found, err = l.profiles.find(ctx, t, keys, l.profiles.fields)
		return err
	})
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, l.explain(err)
	}
	return found, nil
}

// besideRuns is the name of another table in the namespace of runs.
func besideRuns(runs table.Identifier, name string) table.Identifier {
	return append(slices.Clone(runs[:len(runs)-1]), name)
}
