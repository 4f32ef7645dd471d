package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"github.com/sparktune/sparktune/analysis/lake"
)

// A lakeFile is what --lake FILE.yaml holds: a lake in another catalog, or the
// table of somebody else.
type lakeFile struct {
	Dir string `yaml:"dir"` // of an embedded lake, in place of Catalog
	// Catalog has the properties of the catalog, as Iceberg names them. $NAME
	// and ${NAME} stand for environment variables, so that no secret is in the
	// file.
	Catalog map[string]string `yaml:"catalog"`
	Table   string            `yaml:"table"`
	Metrics struct {
		// Columns are ours to theirs; not nil where the file has metrics at all,
		// which says that the table is foreign.
		Columns map[string]string `yaml:"columns"`
	} `yaml:"metrics"`
}

// openLake opens the lake in the folder or of the file place, or the one in the
// state folder, and makes it when it is not there.
func (c *cli) openLake(ctx context.Context, place string) (*lake.Lake, error) {
	switch filepath.Ext(place) {
	case ".yaml", ".yml":
		return c.openLakeFile(ctx, place)
	}
	if place == "" {
		state, err := c.stateDir()
		if err != nil {
			return nil, err
		}
		place = filepath.Join(state, "lake")
	}
	return lake.Open(ctx, place)
}

func (c *cli) openLakeFile(ctx context.Context, path string) (*lake.Lake, error) {
	f, err := readLakeFile(path)
	if err != nil {
		return nil, hintError{fmt.Errorf("read the lake's file: %w", err), "docs/lake.md shows what it holds"}
	}
	for key, value := range f.Catalog {
		f.Catalog[key] = os.Expand(value, c.getenv)
	}
	lk, err := lake.Connect(ctx, lake.Config{Dir: f.Dir, Catalog: f.Catalog, Table: f.Table, Columns: f.Metrics.Columns})
	if err != nil {
		return nil, err
	}
	if missing := lk.Missing(); len(missing) > 0 {
		c.logf("the table lacks %s: %s; 'sparktune lake columns' names them", plural(len(missing), "column"), lost(missing))
	}
	return lk, nil
}

// readLakeFile is strict: a misspelled key is an error that names its line.
func readLakeFile(path string) (lakeFile, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return lakeFile{}, err
	}
	var f lakeFile
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return lakeFile{}, fmt.Errorf("%s: %w", path, err)
	}
	if f.Metrics.Columns == nil && hasKey(b, "metrics") {
		f.Metrics.Columns = map[string]string{}
	}
	if (len(f.Catalog) == 0) == (f.Dir == "") {
		return lakeFile{}, fmt.Errorf("%s: want one of catalog and dir", path)
	}
	return f, nil
}

// hasKey says whether a YAML document that was read before has a key. One with
// nothing behind it is null, which does not touch what it is decoded into.
func hasKey(document []byte, key string) bool {
	var keys map[string]any
	_ = yaml.Unmarshal(document, &keys)
	_, ok := keys[key]
	return ok
}
