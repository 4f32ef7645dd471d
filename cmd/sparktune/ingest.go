package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
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
application ended and what it used, which a killed driver's log does not say; with
both, logs are read again until it has said so.

example: sparktune ingest /var/log/spark-events --new --yarn http://rm:8088`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		lakeDir := lakeFlag(flags)
		in := ingester{cli: c}
		flags.StringVar(&in.cluster, "cluster", "", "`NAME` of the cluster the logs are from, where they do not say; part of each run's key")
		yarn := flags.String("yarn", "", "`URL` of the YARN ResourceManager the applications ran on")
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
			if *yarn != "" {
				in.yarn = newResourceManager(*yarn)
			}
			if *onlyNew {
				if in.seen, err = c.openSeen(ctx, lk); err != nil {
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

// openSeen opens the watermarks of a lake.
func (c *cli) openSeen(ctx context.Context, lk *lake.Lake) (*watermarks, error) {
	state, err := c.stateDir()
	if err != nil {
		return nil, err
	}
	id, err := lk.ID(ctx)
	if err != nil {
		return nil, err
	}
	return openWatermarks(state, id)
}

// An ingestion says what became of the logs.
type ingestion struct {
	Logs      int         `json:"logs"` // those that failed among them
	Runs      int         `json:"runs"`
	Added     int         `json:"added"`
	Replaced  int         `json:"replaced"`
	Unchanged int         `json:"unchanged"`
	Failed    []failedLog `json:"failed"`
	// YARNFailed are in the lake as they are: it could not be asked about them.
	YARNFailed []failedLog `json:"yarn_failed,omitempty"`
	Lag        *lag        `json:"lag,omitempty"` // with --new
	missed     int         // places among the failed: nothing is known of their logs
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

// err is not nil when a log gave no run or YARN's answer was missing: what could
// be read is in the lake.
func (s *ingestion) err() error {
	var read, yarn error
	if len(s.Failed) > 0 {
		read = fmt.Errorf("%d of %d event logs could not be read", len(s.Failed), s.Logs)
		if s.Runs > 0 {
			read = hintError{read, "the others are in the lake; mend or remove these and run it again"}
		}
	}
	if len(s.YARNFailed) > 0 {
		yarn = hintError{
			fmt.Errorf("ask the ResourceManager: no answer for %d of %d event logs, which are in the lake without it", len(s.YARNFailed), s.Logs),
			"name its web address with --yarn, such as http://rm:8088",
		}
	}
	return errors.Join(read, yarn)
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
	yarn    *resourceManager // nil: none is asked
	seen    *watermarks      // nil: everything is read
}

// ingest reads the logs at places, several at a time, and puts their runs into
// the lake in their order.
func (in *ingester) ingest(ctx context.Context, places []string) (*ingestion, error) {
	sum := &ingestion{Failed: []failedLog{}}
	if in.seen != nil {
		sum.Lag = new(lag)
	}
	var todo []placedLog
	taken := make(map[string]marks) // by place
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
	if err := in.putAll(ctx, todo, sum, taken); err != nil {
		return nil, err
	}
	in.progress("")
	in.sayFailed(sum)
	if in.seen == nil {
		return sum, nil
	}
	return sum, in.seen.save(taken)
}

// sayFailed names the logs that could not be read, and a few of those that YARN
// could not be asked about: mostly it is one reason for all.
func (in *ingester) sayFailed(sum *ingestion) {
	for _, f := range sum.Failed {
		in.logf("%s: %s", f.Log, f.Reason)
	}
	for _, f := range sum.YARNFailed[:min(len(sum.YARNFailed), maxSaid)] {
		in.logf("%s: ask the ResourceManager: %s", f.Log, f.Reason)
	}
}

// find lists the logs at a place that are to be read, and notes in taken those
// that are in the lake as they are.
func (in *ingester) find(ctx context.Context, arg string, sum *ingestion, taken map[string]marks) ([]placedLog, error) {
	place := placeOf(arg)
	var old marks
	if in.seen != nil {
		old = in.seen.of(place)
	}
	logs, err := in.findLogs(ctx, arg, func(name string) bool { _, ok := old[name]; return ok })
	if err != nil {
		return nil, err
	}
	taken[place] = make(marks)
	var fresh []placedLog
	for _, l := range logs {
		l.place = place
		m, known := old[l.name]
		if known && m.logState == l.state && m.logState != (logState{}) && (m.Told || in.yarn == nil) {
			taken[place][l.name] = m
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

// commitSize is how much of what was read is held before it goes into the lake,
// in bytes as [measured.size] estimates them: that is all that grows with the
// number of logs. Small logs come to some hundreds in a commit.
const commitSize = 4 << 20

// putAll reads logs and puts them into the lake, a commit as soon as enough is
// held. What a commit has depends on the logs alone, not on which was read first.
func (in *ingester) putAll(ctx context.Context, logs []placedLog, sum *ingestion, taken map[string]marks) error {
	var held []*reading
	for next := 0; next < len(logs) || len(held) > 0; {
		more, err := readLogs(ctx, logs[next:], commitSize-sizeOf(held), func(n int) {
			in.progress("reading event logs %d/%d", next+n, len(logs))
		})
		if err != nil {
			return err
		}
		next += len(more)
		held = append(held, more...)
		n := commitOf(held)
		if err := in.put(ctx, held[:n], sum, taken); err != nil {
			return err
		}
		held = slices.Clone(held[n:])
	}
	return nil
}

func sizeOf(held []*reading) int64 {
	var n int64
	for _, r := range held {
		n += r.size
	}
	return n
}

// commitOf is how many of held go into one commit.
func commitOf(held []*reading) int {
	var size int64
	for i, r := range held {
		if size += r.size; size >= commitSize {
			return i + 1
		}
	}
	return len(held)
}

// put makes one commit of what was read, and marks the logs. One that gave no run
// is not marked: it is tried again.
func (in *ingester) put(ctx context.Context, held []*reading, sum *ingestion, taken map[string]marks) error {
	var all measured
	for _, r := range held {
		if r.err != nil {
			sum.Failed = append(sum.Failed, failedLog{r.log.name, r.err.Error()})
		}
		r.setCluster(in.cluster)
		told, err := in.yarn.ask(ctx, r.runs)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			sum.YARNFailed = append(sum.YARNFailed, failedLog{r.log.name, err.Error()})
		}
		if r.err == nil {
			taken[r.log.place][r.log.name] = mark{r.log.state, told}
			if sum.Lag != nil {
				sum.Lag.add(r.log.state, in.now())
			}
		}
		all.add(r.measured)
	}
	stats, err := in.lake.Put(ctx, all.runs, all.profiles...)
	if err != nil {
		return err
	}
	sum.Runs += len(all.runs)
	sum.Added += stats.Added
	sum.Replaced += stats.Replaced
	// Two logs of one attempt are one row: the lesser one changes nothing.
	sum.Unchanged += len(all.runs) - stats.Added - stats.Replaced
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

// setCluster says where the runs are from that do not say it themselves. Masters
// of standalone clusters count their applications each for itself: two that start
// one in the same second give it the same id, and their addresses tell them apart.
func (m *measured) setCluster(name string) {
	for i := range m.runs {
		r := &m.runs[i]
		switch {
		case r.Cluster != "":
		case name != "":
			r.Cluster = name
		case r.Platform() == analysis.Standalone:
			r.Cluster = r.Master
		}
		m.profiles[i].Cluster = r.Cluster
	}
}

var errNameless = errors.New("no application id in the log, and no file's name to take in its place: name the file as PATH")

// dropNameless leaves out the runs of a stream that has lost its start. All of
// them would be one row.
func (m *measured) dropNameless() error {
	var named measured
	for i := range m.runs {
		if m.runs[i].AppID != "" {
			named.add(measured{m.runs[i : i+1], m.profiles[i : i+1]})
		}
	}
	if len(named.runs) == len(m.runs) {
		return nil
	}
	*m = named
	return errNameless
}

// Bytes of memory that parts of a run and its profile take.
const (
	runSize   = 4 << 10
	stageSize = 400
	binSize   = 16
)

// size estimates the bytes of memory that m takes: what differs much between
// runs, which are stages and settings.
func (m *measured) size() int64 {
	n := len(m.runs) * runSize
	for i := range m.runs {
		for key, value := range m.runs[i].Conf {
			n += len(key) + len(value)
		}
	}
	for i := range m.profiles {
		p := &m.profiles[i]
		n += len(p.Stages)*stageSize + (len(p.Executors)+len(p.Gaps))*binSize
		for j := range p.Stages {
			s := &p.Stages[j]
			n += (len(s.RunHist) + len(s.InputHist) + len(s.ShuffleRdHist) + len(s.Parents)) * binSize
		}
	}
	return int64(n)
}

// A reading is what a log gave.
type reading struct {
	log placedLog
	measured
	err  error // some of it may be there nevertheless
	size int64
}

// readLogs reads logs in parallel and keeps their order, until they fill room. It
// returns those that it read; a log that gives no run is no error.
func readLogs(ctx context.Context, logs []placedLog, room int64, done func(int)) ([]*reading, error) {
	done(0)
	var read []*reading
	var n, held atomic.Int64
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, l := range logs {
		if held.Load() >= room || ctx.Err() != nil {
			break
		}
		r := &reading{log: l}
		read = append(read, r)
		g.Go(func() error {
			r.measured, r.err = l.read(ctx)
			r.err = errors.Join(r.err, r.dropNameless())
			r.size = r.measured.size()
			held.Add(r.size)
			done(int(n.Add(1)))
			return nil
		})
	}
	_ = g.Wait()
	return read, ctx.Err()
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
