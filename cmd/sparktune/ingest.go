package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/eventlog"
	"github.com/sparktune/sparktune/analysis/lake"
)

var ingestCommand = command{
	name: "ingest",
	args: "PATH...",
	help: `read Spark event logs into the lake

A PATH is an event log, a rolling log's folder, or a folder that is searched.
Plain, zstd, lz4, snappy, lzf and gzip logs are read, finished or not. A log
that was ingested before changes nothing; a finished log replaces the row that
it had while it was running.

example: sparktune ingest /var/log/spark-events`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		lakeDir := lakeFlag(flags)
		cluster := flags.String("cluster", "", "`NAME` of the cluster the logs are from; part of each run's key")
		out := outputFlag(flags)
		return func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usageError{"ingest needs at least one path"}
			}
			lk, err := c.openLake(ctx, *lakeDir)
			if err != nil {
				return err
			}
			defer lk.Close()
			sum, err := c.ingest(ctx, lk, args, *cluster)
			if err != nil {
				return err
			}
			if *out == outputJSON {
				return errors.Join(writeJSON(c.stdout, sum), sum.err())
			}
			fmt.Fprintln(c.stdout, sum.text())
			return sum.err()
		}
	},
}

// An ingestion says what became of the logs.
type ingestion struct {
	Logs      int         `json:"logs"`
	Runs      int         `json:"runs"`
	Added     int         `json:"added"`
	Replaced  int         `json:"replaced"`
	Unchanged int         `json:"unchanged"`
	Failed    []failedLog `json:"failed"`
}

type failedLog struct {
	Log    string `json:"log"`
	Reason string `json:"reason"`
}

func (s *ingestion) text() string {
	return fmt.Sprintf("%s of %s: %d added, %d replaced, %d unchanged", plural(s.Runs, "run"), plural(s.Logs, "event log"), s.Added, s.Replaced, s.Unchanged)
}

// err is not nil when a log gave no run: the others are in the lake.
func (s *ingestion) err() error {
	if len(s.Failed) == 0 {
		return nil
	}
	err := fmt.Errorf("%d of %d event logs could not be read", len(s.Failed), s.Logs)
	if s.Runs == 0 {
		return err
	}
	return hintError{err, "the others are in the lake; mend or remove these and run it again"}
}

// batch is how many runs go into one commit of the lake.
const batch = 500

// ingest reads the logs under paths, several at a time, and puts their runs
// into the lake in the order of the paths.
func (c *cli) ingest(ctx context.Context, lk *lake.Lake, paths []string, cluster string) (*ingestion, error) {
	logs, err := c.findLogs(paths)
	if err != nil {
		return nil, err
	}
	sum := &ingestion{Logs: len(logs), Failed: []failedLog{}}
	for start := 0; start < len(logs); start += batch {
		part := logs[start:min(start+batch, len(logs))]
		c.progress("reading event logs %d/%d", start, len(logs))
		m, err := readLogs(ctx, part, sum, func(i int) { c.progress("reading event logs %d/%d", start+i, len(logs)) })
		if err != nil {
			return nil, err
		}
		m.setCluster(cluster)
		stats, err := lk.Put(ctx, m.runs, m.profiles...)
		if err != nil {
			return nil, err
		}
		sum.Runs += len(m.runs)
		sum.Added += stats.Added
		sum.Replaced += stats.Replaced
		// Two logs of one attempt are one row: the lesser one changes nothing.
		sum.Unchanged += len(m.runs) - stats.Added - stats.Replaced
	}
	c.progress("")
	for _, f := range sum.Failed {
		c.logf("%s: %s", f.Log, f.Reason)
	}
	return sum, nil
}

// A placedLog is an event log and the tree it is in.
type placedLog struct {
	dir string
	log eventlog.Log
}

func (c *cli) findLogs(paths []string) ([]placedLog, error) {
	var logs []placedLog
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, fmt.Errorf("find event logs: %w", err)
		}
		if _, err := os.Stat(abs); err != nil {
			return nil, fmt.Errorf("find event logs: %w", err)
		}
		dir := filepath.Dir(abs)
		found, skipped, err := eventlog.Find(os.DirFS(dir), filepath.Base(abs))
		if err != nil {
			return nil, fmt.Errorf("find event logs in %s: %w", p, err)
		}
		c.sayOther(p, skipped)
		if len(found) == 0 {
			return nil, hintError{fmt.Errorf("no Spark event log in %s", p), "event logs are what spark.eventLog.enabled=true writes into spark.eventLog.dir"}
		}
		for _, l := range found {
			logs = append(logs, placedLog{dir, l})
		}
	}
	return logs, nil
}

// sayOther tells of the files of a folder that are no event logs: a few by
// name, many by their number.
func (c *cli) sayOther(folder string, skipped []eventlog.Skipped) {
	if len(skipped) > maxSaid {
		c.logf("%d files in %s are no Spark event logs", len(skipped), folder)
		return
	}
	for _, s := range skipped {
		c.logf("%s: %s", filepath.Join(folder, strings.TrimPrefix(s.Path, filepath.Base(folder))), s.Reason)
	}
}

// A measured is what event logs give: runs, and as many profiles of them.
type measured struct {
	runs     []analysis.Run
	profiles []analysis.RunProfile
}

// setCluster says where the runs are from that do not say it themselves.
func (m *measured) setCluster(name string) {
	for i := range m.runs {
		if m.runs[i].Cluster == "" {
			m.runs[i].Cluster, m.profiles[i].Cluster = name, name
		}
	}
}

// readLogs reads logs in parallel and keeps their order. A log that gives no
// run is noted in sum, not an error.
func readLogs(ctx context.Context, logs []placedLog, sum *ingestion, done func(int)) (measured, error) {
	read := make([]measured, len(logs))
	failures := make([]error, len(logs))
	var n atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, l := range logs {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			read[i].runs, read[i].profiles, failures[i] = eventlog.ReadProfiles(os.DirFS(l.dir), l.log)
			done(int(n.Add(1)))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return measured{}, err
	}
	var all measured
	for i, l := range logs {
		if failures[i] != nil {
			sum.Failed = append(sum.Failed, failedLog{filepath.Join(l.dir, l.log.Path), failures[i].Error()})
		}
		all.runs = append(all.runs, read[i].runs...)
		all.profiles = append(all.profiles, read[i].profiles...)
	}
	return all, nil
}

// progress shows one line that the next one overwrites; an empty one clears it.
func (c *cli) progress(format string, args ...any) {
	if !c.watched() {
		return
	}
	line := ""
	if format != "" {
		line = "sparktune: " + fmt.Sprintf(format, args...)
	}
	fmt.Fprintf(c.stderr, "\r%s\x1b[K", strings.TrimRight(line, "\n"))
}
