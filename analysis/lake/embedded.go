package lake

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/iceberg-go"
	_ "github.com/mattn/go-sqlite3" // the database of the embedded catalog
)

// catalogFile is the SQLite database of the embedded catalog.
const catalogFile = "catalog.db"

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

// embedded are the properties of the catalog in dir.
func embedded(dir string) iceberg.Properties {
	return sqlite(dir, "_busy_timeout=5000&_journal_mode=WAL")
}

// readOnly is embedded where nothing in dir may be written. SQLite keeps a
// database in WAL mode together with files beside it. Where those are not there
// nobody writes, and it has to be told so, since it can't make them.
func readOnly(dir string) iceberg.Properties {
	options := "_busy_timeout=5000&mode=ro"
	if _, err := os.Stat(filepath.Join(dir, catalogFile+"-wal")); isGone(err) {
		options += "&immutable=1"
	}
	props := sqlite(dir, options)
	props["init_catalog_tables"] = "false"
	return props
}

func sqlite(dir, options string) iceberg.Properties {
	file := func(path string) string { return (&url.URL{Scheme: "file", Path: path}).String() }
	return iceberg.Properties{
		"type":        "sql",
		"sql.driver":  "sqlite3",
		"sql.dialect": "sqlite",
		"uri":         file(filepath.Join(dir, catalogFile)) + "?" + options,
		"warehouse":   file(filepath.Join(dir, "warehouse")),
	}
}
