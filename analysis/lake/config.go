package lake

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/apache/iceberg-go"
	_ "github.com/apache/iceberg-go/catalog/glue"  // type glue
	"github.com/apache/iceberg-go/catalog/hive"    // type hive
	_ "github.com/apache/iceberg-go/catalog/rest"  // type rest
	_ "github.com/apache/iceberg-go/catalog/sql"   // type sql
	_ "github.com/apache/iceberg-go/io/gocloud/s3" // warehouses at s3://
	"github.com/apache/iceberg-go/table"
	_ "github.com/jackc/pgx/v5/stdlib" // SQL catalogs on Postgres

	"github.com/sparktune/sparktune/analysis"
)

// defaultName is the name of the catalog. It is part of every row of a SQL
// catalog: other engines must call the catalog by it to find the tables. A
// stored format.
const defaultName = "sparktune"

// A Config says which table to use.
type Config struct {
	// Dir is the folder of an embedded lake: new, empty or a lake.
	Dir string
	// Catalog has the properties of another catalog, which is used in place of
	// Dir, under the names that Iceberg and pyiceberg have for them: type
	// (rest, glue, hive or sql), uri, warehouse and what else the catalog needs. The
	// uri of an SQL catalog is that of a Postgres database; its property name,
	// sparktune by default, is the catalog's name in other engines.
	Catalog map[string]string
	// Table is the namespace and name of the table of runs, sparktune.runs by
	// default. It is created when it is missing, and run_profiles beside it.
	Table string
	// Columns, unless it is nil, says that Table belongs to somebody else and
	// is only read. It maps names of [analysis.Columns] to the table's; a
	// column that is not in it is looked for under its own name.
	Columns map[string]string
}

// Open opens the lake in the folder dir and creates what is missing. The
// folder must be new, empty or a lake.
func Open(ctx context.Context, dir string) (*Lake, error) {
	return Connect(ctx, Config{Dir: dir})
}

// Connect opens the table that c describes.
func Connect(ctx context.Context, c Config) (*Lake, error) { return connect(ctx, c, runFields) }

// connect is Connect by a version of the program that knows the columns fs of
// runs.
func connect(ctx context.Context, c Config, fs []field[analysis.Run]) (*Lake, error) {
	runs := table.Identifier{"sparktune", "runs"}
	if c.Table != "" {
		runs = strings.Split(c.Table, ".")
	}
	l := &Lake{
		runs:     relation[analysis.Run]{ident: runs, fields: fs, kind: runKind},
		profiles: relation[analysis.RunProfile]{ident: besideRuns(runs, profilesName), fields: profileFields, kind: profileKind},
		where:    "catalog " + c.address(),
	}
	name, props, err := c.properties(l)
	if err != nil {
		return nil, l.explain(err)
	}
	err = retry(ctx, func() error { return l.load(ctx, name, props, c.Columns) })
	if err != nil {
		return nil, l.explain(err)
	}
	return l, nil
}

// properties are those of iceberg-go for the catalog.
func (c Config) properties(l *Lake) (name string, props iceberg.Properties, err error) {
	if len(c.Catalog) > 0 {
		return c.remote()
	}
	if l.dir, err = filepath.Abs(c.Dir); err != nil {
		return "", nil, err
	}
	l.where = "lake " + l.dir
	return defaultName, embedded(l.dir), makeFolder(l.dir)
}

// hiveQueue has a writer wait for Hive's lock of a table in the metastore's
// queue, half a minute in all. By default iceberg-go leaves the queue after four
// looks, half a second, and whoever asks anew stands at its end.
var hiveQueue = iceberg.Properties{hive.LockCheckMaxWaitMs: "500", hive.LockCheckRetries: "64"}

// remote are the properties of a catalog that is not ours.
func (c Config) remote() (name string, props iceberg.Properties, err error) {
	props = maps.Clone(c.Catalog)
	name = props.Get("name", defaultName)
	switch props["type"] {
	case "sql":
		return name, props, withDriver(props)
	case "hive":
		for key, v := range hiveQueue {
			props[key] = props.Get(key, v)
		}
	}
	return name, props, nil
}

// withDriver translates the properties of a SQL catalog: iceberg-go wants a
// driver where other engines name one of theirs in the uri.
func withDriver(props iceberg.Properties) error {
	scheme, rest, found := strings.Cut(props["uri"], "://")
	scheme, _, _ = strings.Cut(scheme, "+")
	if !found || scheme != "postgresql" && scheme != "postgres" {
		return fmt.Errorf("catalog property uri: want postgresql://..., a SQL catalog on another database is not supported")
	}
	props["uri"] = "postgres://" + rest
	props["sql.driver"], props["sql.dialect"] = "pgx", "postgres"
	return nil
}

// address names the catalog in messages, without its secrets: a password may
// also be in the query.
func (c Config) address() string {
	uri := ""
	if u, err := url.Parse(c.Catalog["uri"]); err == nil {
		u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
		uri = u.Redacted()
	}
	return strings.TrimSpace(c.Catalog["type"] + " " + uri)
}
