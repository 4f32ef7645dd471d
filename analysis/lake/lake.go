package lake

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	_ "github.com/apache/iceberg-go/catalog/sql" // the catalog of the embedded lake
	"github.com/apache/iceberg-go/table"
	_ "github.com/mattn/go-sqlite3" // its database
)

// catalogName is part of every row of a SQL catalog: other engines must call
// the catalog by this name to find the tables. A stored format.
const catalogName = "sparktune"

// catalogFile is the SQLite database of the embedded catalog.
const catalogFile = "catalog.db"

// A Lake is an open table of runs. It is safe for concurrent use.
type Lake struct {
	catalog catalog.Catalog
	dir     string // for messages
	fields  []field
}

// Open opens the lake in the folder dir and creates what is missing. The
// folder must be new, empty or a lake.
func Open(ctx context.Context, dir string) (*Lake, error) {
	return open(ctx, dir, fields)
}

// open is Open by a version of the program that knows the columns fs.
func open(ctx context.Context, dir string, fs []field) (*Lake, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open lake %s: %w", dir, err)
	}
	if err := makeFolder(abs); err != nil {
		return nil, explain(abs, err)
	}
	l := &Lake{dir: abs, fields: fs}
	err = retry(ctx, func() error { return l.connect(ctx) })
	if err != nil {
		return nil, explain(abs, err)
	}
	return l, nil
}

// Close releases the catalog.
func (l *Lake) Close() error {
	c, ok := l.catalog.(catalog.Closer)
	if !ok {
		return nil
	}
	return c.Close()
}

// makeFolder makes dir, or checks that it may become a lake: the files of
// somebody else are no place for one.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, catalogFile)); err == nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		// A fresh volume has lost+found. A catalog that appeared since is
		// another process that creates this lake.
		if n := e.Name(); n[0] != '.' && n != "lost+found" && !strings.HasPrefix(n, catalogFile) {
			return fmt.Errorf("%w: it has no %s but holds %s", errNoLake, catalogFile, n)
		}
	}
	return nil
}

// connect opens the catalog and makes sure that the table is there.
func (l *Lake) connect(ctx context.Context) error {
	cat, err := catalog.Load(ctx, catalogName, embedded(l.dir))
	if err != nil {
		return again(err)
	}
	l.catalog = cat
	t, err := l.ensureTable(ctx)
	if err == nil {
		err = l.checkVersion(t)
	}
	if err != nil {
		_ = l.Close()
		return again(err)
	}
	return nil
}

// embedded are the properties of the catalog in dir.
func embedded(dir string) iceberg.Properties {
	file := func(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }
	return iceberg.Properties{
		"type":        "sql",
		"sql.driver":  "sqlite3",
		"sql.dialect": "sqlite",
		"uri":         file(filepath.Join(dir, catalogFile)) + "?_busy_timeout=10000&_journal_mode=WAL",
		"warehouse":   file(filepath.Join(dir, "warehouse")),
	}
}

func ident() table.Identifier { return table.Identifier{namespace, runsTable} }

// table loads the newest state.
func (l *Lake) table(ctx context.Context) (*table.Table, error) {
	return l.catalog.LoadTable(ctx, ident())
}

// ensureTable loads the table or creates it. Another process may be doing the
// same: who comes second takes what is there.
func (l *Lake) ensureTable(ctx context.Context) (*table.Table, error) {
	t, err := l.table(ctx)
	if !errors.Is(err, catalog.ErrNoSuchTable) && !errors.Is(err, catalog.ErrNoSuchNamespace) {
		return t, err
	}
	err = l.catalog.CreateNamespace(ctx, table.Identifier{namespace}, nil)
	if err != nil && !errors.Is(err, catalog.ErrNamespaceAlreadyExists) {
		return nil, err
	}
	t, err = l.createTable(ctx)
	if errors.Is(err, catalog.ErrTableAlreadyExists) {
		return l.table(ctx)
	}
	return t, err
}

func (l *Lake) createTable(ctx context.Context) (*table.Table, error) {
	sc := newSchema(l.fields)
	spec, err := partitioning(sc)
	if err != nil {
		return nil, fmt.Errorf("partition spec: %w", err)
	}
	order, err := sorting(sc)
	if err != nil {
		return nil, fmt.Errorf("sort order: %w", err)
	}
	return l.catalog.CreateTable(ctx, ident(), sc, catalog.WithPartitionSpec(&spec),
		catalog.WithSortOrder(order), catalog.WithProperties(tableProperties(len(l.fields))))
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
