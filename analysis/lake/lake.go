package lake

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
)

// A Lake is an open table of runs. It is safe for concurrent use.
type Lake struct {
	catalog catalog.Catalog
	ident   table.Identifier
	fields  []field
	foreign bool // the table is somebody else's: read only

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

// load opens the catalog and makes sure that the table can be used. With
// columns it is a foreign table.
func (l *Lake) load(ctx context.Context, name string, props iceberg.Properties, columns map[string]string) error {
	cat, err := catalog.Load(ctx, name, props)
	if err != nil {
		return again(err)
	}
	l.catalog = cat
	if columns != nil {
		err = l.mapColumns(ctx, columns)
	} else {
		err = l.makeTable(ctx)
	}
	if err != nil {
		_ = l.Close()
		return again(err)
	}
	return nil
}

// table loads the newest state.
func (l *Lake) table(ctx context.Context) (*table.Table, error) {
	return l.catalog.LoadTable(ctx, l.ident)
}

// makeTable creates the table where it is missing, or checks its version.
func (l *Lake) makeTable(ctx context.Context) error {
	t, err := l.table(ctx)
	if errors.Is(err, catalog.ErrNoSuchTable) || errors.Is(err, catalog.ErrNoSuchNamespace) {
		return l.createTable(ctx)
	}
	if err != nil {
		return err
	}
	return l.checkVersion(t)
}

// createTable creates namespace and table. Another process may be doing the
// same: who comes second takes what is there.
func (l *Lake) createTable(ctx context.Context) error {
	err := l.catalog.CreateNamespace(ctx, catalog.NamespaceFromIdent(l.ident), nil)
	if err != nil && !errors.Is(err, catalog.ErrNamespaceAlreadyExists) {
		return err
	}
	sc := newSchema(l.fields)
	spec, err := partitioning(sc)
	if err != nil {
		return fmt.Errorf("partition spec: %w", err)
	}
	order, err := sorting(sc)
	if err != nil {
		return fmt.Errorf("sort order: %w", err)
	}
	_, err = l.catalog.CreateTable(ctx, l.ident, sc, catalog.WithPartitionSpec(&spec),
		catalog.WithSortOrder(order), catalog.WithProperties(tableProperties(len(l.fields))))
	if errors.Is(err, catalog.ErrTableAlreadyExists) {
		return nil
	}
	return err
}

// checkVersion refuses a table of a newer version: its writer may mean by a
// column what this program does not know.
func (l *Lake) checkVersion(t *table.Table) error {
	stored, err := strconv.Atoi(t.Properties().Get(versionKey, "0"))
	if err != nil {
		return fmt.Errorf("table property %s: %w", versionKey, err)
	}
	if stored > len(l.fields) {
		return fmt.Errorf("%w (schema version %d, this program knows %d)", errNewer, stored, len(l.fields))
	}
	return nil
}
