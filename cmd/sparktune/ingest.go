package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/lake"
)

var ingestCommand = command{
	name: "ingest",
	args: "PATH...",
	help: `read Spark event logs into the lake

A PATH is an event log, a rolling log's folder, a folder that is searched,
s3://BUCKET/PREFIX, the address of a Spark History Server or of one download from
it (http://HOST:18080/api/v1/applications/ID/logs), a downloaded zip, or - for
standard input. Plain, zstd, lz4, snappy, lzf and gzip logs are read, finished or
not. A log that was ingested before changes nothing; a finished log replaces the
row that it had while it was running.

With --new only logs are read that are new or have grown since the last
ingest --new of the same PATH. With --yarn URL the ResourceManager adds how an
application ended and what it used, which a killed driver's log does not say.

example: sparktune ingest /var/log/spark-events --new --yarn http://rm:8088`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		lakeDir := lakeFlag(flags)
		in := ingester{cli: c}
		flags.StringVar(&in.cluster, "cluster", "", "`NAME` of the cluster the logs are from, where they do not say; part of each run's key")
		flags.StringVar(&in.yarn, "yarn", "", "`URL` of the YARN ResourceManager the applications ran on")
		onlyNew := flags.Bool("new", false, "read only logs that are new or have grown")
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
			in.lake = lk
			if *onlyNew {
				if in.seen, err = c.openSeen(*lakeDir); err != nil {
					return err
				}
			}
			sum, err := in.ingest(ctx, args)
			if err != nil {
				return err
			}
			if err := lk.Tend(ctx); err != nil {
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

// openSeen opens the watermarks of the lake that lakeDir names.
func (c *cli) openSeen(lakeDir string) (*watermarks, error) {
	state, err := c.stateDir()
	if err != nil {
		return nil, err
	}
	if lakeDir != "" {
		if lakeDir, err = filepath.Abs(lakeDir); err != nil {
			return nil, fmt.Errorf("read the watermark: %w", err)
		}
	}
	return openWatermarks(state, lakeDir)
}

// An ingestion says what became of the logs.
type ingestion struct {
	Logs      int         `json:"logs"` // those that failed among them
	Runs      int         `json:"runs"`
	Added     int         `json:"added"`
	Replaced  int         `json:"replaced"`
	Unchanged int         `json:"unchanged"`
	Failed    []failedLog `json:"failed"`
	Lag       *lag        `json:"lag,omitempty"` // with --new
	missed    int         // places among the failed: nothing is known of their logs
}

type failedLog struct {
	Log    string `json:"log"`
	Reason string `json:"reason"`
}

func (s *ingestion) text() string {
	text := fmt.Sprintf("%s of %s: %d added, %d replaced, %d unchanged", plural(s.Runs, "run"), plural(s.Logs, "event log"), s.Added, s.Replaced, s.Unchanged)
	if n := len(s.Failed); n > 0 {
		text += fmt.Sprintf(", %d failed", n)
	}
	if g := s.Lag; g != nil {
		text += fmt.Sprintf("; %d known before", g.Known)
		if !g.Newest.IsZero() {
			text += fmt.Sprintf("; written until %s, %s waited at most", g.Newest.UTC().Format(time.RFC3339), time.Duration(g.WaitedSeconds)*time.Second)
		}
	}
	return text
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

// ingest reads the logs under paths into lk: tune's own, simple form of the
// command.
func (c *cli) ingest(ctx context.Context, lk *lake.Lake, paths []string, cluster string) (*ingestion, error) {
	in := ingester{cli: c, lake: lk, cluster: cluster}
	return in.ingest(ctx, paths)
}

// An ingester puts what it reads into a lake.
type ingester struct {
	*cli
	lake    *lake.Lake
	cluster string
	yarn    string      // address; none when empty
	seen    *watermarks // nil: everything is read
}

// batch is how many logs go into one commit of the lake.
const batch = 500

// ingest reads the logs at places, several at a time, and puts their runs into
// the lake in their order.
func (in *ingester) ingest(ctx context.Context, places []string) (*ingestion, error) {
	sum := &ingestion{Failed: []failedLog{}}
	if in.seen != nil {
		sum.Lag = new(lag)
	}
	var todo []placedLog
	taken := make(map[string]map[string]logState) // by place
	for _, place := range places {
		logs, err := in.find(ctx, place, sum, taken)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil { // the other places have logs all the same
			sum.missed++
			logs = []placedLog{unread(redactedPlace(place), err)}
		}
		todo = append(todo, logs...)
	}
	sum.Logs = len(todo)
	for start := 0; start < len(todo); start += batch {
		part := todo[start:min(start+batch, len(todo))]
		if err := in.put(ctx, part, sum, func(n int) { in.progress("reading event logs %d/%d", start+n, len(todo)) }); err != nil {
			return nil, err
		}
	}
	in.progress("")
	for _, f := range sum.Failed {
		in.logf("%s: %s", f.Log, f.Reason)
	}
	if in.seen == nil {
		return sum, nil
	}
	return sum, in.remember(todo, taken, sum)
}

// find lists the logs at a place that are to be read, and notes in taken those
// that are in the lake as they are.
func (in *ingester) find(ctx context.Context, arg string, sum *ingestion, taken map[string]map[string]logState) ([]placedLog, error) {
	place := placeOf(arg)
	var old map[string]logState
	if in.seen != nil {
		old = in.seen.of(place)
	}
	logs, err := in.findLogs(ctx, arg, func(name string) bool { _, ok := old[name]; return ok })
	if err != nil {
		return nil, err
	}
	taken[place] = make(map[string]logState)
	var fresh []placedLog
	for _, l := range logs {
		l.place = place
		if s, known := old[l.name]; known && s == l.state && s != (logState{}) {
			taken[place][l.name] = s
			sum.Lag.Known++
			continue
		}
		fresh = append(fresh, l)
	}
	return fresh, nil
}

// placeOf names a place wherever it is called from.
func placeOf(arg string) string {
	abs, err := filepath.Abs(arg)
	if err != nil || arg == stdinName || strings.Contains(arg, "://") {
		return arg
	}
	return abs
}

// remember notes what was read: a log that gave no run is tried again.
func (in *ingester) remember(logs []placedLog, taken map[string]map[string]logState, sum *ingestion) error {
	failed := make(map[string]bool)
	for _, f := range sum.Failed {
		failed[f.Log] = true
	}
	for _, l := range logs {
		if !failed[l.name] {
			taken[l.place][l.name] = l.state
			sum.Lag.add(l.state, in.now())
		}
	}
	return in.seen.save(taken)
}

// put reads logs and makes one commit of them.
func (in *ingester) put(ctx context.Context, logs []placedLog, sum *ingestion, done func(int)) error {
	done(0)
	m, err := readLogs(ctx, logs, sum, done)
	if err != nil {
		return err
	}
	m.setCluster(in.cluster)
	if in.yarn != "" {
		if err := askYARN(ctx, in.yarn, m.runs); err != nil {
			return err
		}
	}
	stats, err := in.lake.Put(ctx, m.runs, m.profiles...)
	if err != nil {
		return err
	}
	sum.Runs += len(m.runs)
	sum.Added += stats.Added
	sum.Replaced += stats.Replaced
	// Two logs of one attempt are one row: the lesser one changes nothing.
	sum.Unchanged += len(m.runs) - stats.Added - stats.Replaced
	return nil
}

// A measured is what event logs give: runs, and as many profiles of them.
type measured struct {
	runs     []analysis.Run
	profiles []analysis.RunProfile
}

func (m *measured) add(o measured) {
	m.runs = append(m.runs, o.runs...)
	m.profiles = append(m.profiles, o.profiles...)
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
			read[i], failures[i] = l.read(ctx)
			done(int(n.Add(1)))
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return measured{}, err
	}
	var all measured
	for i, l := range logs {
		if failures[i] != nil {
			sum.Failed = append(sum.Failed, failedLog{l.name, failures[i].Error()})
		}
		all.add(read[i])
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
