package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/analysis/lake"
)

var lakeCommand = command{
	name: "lake",
	args: "compact|expire|verify|clean|columns",
	help: `look after the lake

  compact  merge small files, so that the lake reads as if written at once
  expire   forget old snapshots and remove the files that only they used
  verify   read every value; look for files that are missing, damaged or
           nobody's, and for keys with two rows
  clean    remove the files that are nobody's
  columns  name the columns that a table of your own lacks, and the rules that
           stay unmeasured without them

All of them may run while others read and write. 'ingest' does what is most
needed of the first two by itself.

example: sparktune lake verify`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		lakeDir := lakeFlag(flags)
		m := maintenance{cli: c, out: outputFlag(flags)}
		flags.DurationVar(&m.age, "older-than", 24*time.Hour, "`AGE` from which on expire and clean remove; younger files may belong to a commit under way")
		flags.IntVar(&m.keep, "keep", 10, "`N` newest snapshots that expire keeps in any case")
		return func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return usageError{"lake needs one of compact, expire, verify, clean and columns"}
			}
			do, ok := map[string]func(context.Context, *lake.Lake) error{
				"compact": m.compact, "expire": m.expire, "verify": m.verify, "clean": m.clean, "columns": m.columns,
			}[args[0]]
			if !ok {
				return usageError{fmt.Sprintf("lake can't %q: it needs one of compact, expire, verify, clean and columns", args[0])}
			}
			lk, err := c.openLake(ctx, *lakeDir)
			if err != nil {
				return err
			}
			defer lk.Close()
			return do(ctx, lk)
		}
	},
}

// A maintenance is one call of the lake command.
type maintenance struct {
	*cli
	out  *output
	age  time.Duration
	keep int
}

// show prints a result as the value or the text.
func (m *maintenance) show(v any, format string, args ...any) error {
	if *m.out == outputJSON {
		return writeJSON(m.stdout, v)
	}
	_, err := fmt.Fprintf(m.stdout, format+"\n", args...)
	return err
}

func (m *maintenance) compact(ctx context.Context, lk *lake.Lake) error {
	s, err := lk.Compact(ctx)
	if err != nil {
		return err
	}
	return m.show(map[string]int{"before": s.Before, "after": s.After}, "%s merged into %d", plural(s.Before, "file"), s.After)
}

func (m *maintenance) expire(ctx context.Context, lk *lake.Lake) error {
	n, err := lk.Expire(ctx, m.age, m.keep)
	if err != nil {
		return err
	}
	return m.show(map[string]int{"expired": n}, "%s expired", plural(n, "snapshot"))
}

func (m *maintenance) verify(ctx context.Context, lk *lake.Lake) error {
	r, err := lk.Verify(ctx, m.age)
	if err != nil {
		return err
	}
	for _, f := range r.Missing {
		m.logf("missing: %s", f)
	}
	for _, f := range r.Unreadable {
		m.logf("can't be read: %s", f)
	}
	for _, f := range r.Orphans {
		m.logf("nobody's: %s; 'sparktune lake clean' removes it", f)
	}
	for _, k := range r.Duplicates {
		m.logf("more than one row: cluster %q, application %q, attempt %q", k.Cluster, k.AppID, k.Attempt)
	}
	counts := map[string]int64{
		"runs": r.Rows, "profiles": r.Profiles, "files": int64(r.Files), "missing": int64(len(r.Missing)),
		"unreadable": int64(len(r.Unreadable)), "orphans": int64(len(r.Orphans)), "duplicates": int64(len(r.Duplicates)),
	}
	err = m.show(counts, "%s, %s in %s: %d missing, %d damaged, %d nobody's, %s with more than one row", plural(int(r.Rows), "run"),
		plural(int(r.Profiles), "profile"), plural(r.Files, "file"), len(r.Missing), len(r.Unreadable), len(r.Orphans), plural(len(r.Duplicates), "key"))
	if err == nil && !r.Healthy() {
		return hintError{fmt.Errorf("the lake is damaged"), "ingest the logs again into a new lake, or restore the files from a backup"}
	}
	return err
}

func (m *maintenance) clean(ctx context.Context, lk *lake.Lake) error {
	removed, err := lk.Clean(ctx, m.age)
	if err != nil {
		return err
	}
	return m.show(map[string]any{"removed": append([]string{}, removed...)}, "%s removed", plural(len(removed), "file"))
}
