package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
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
			limit := debug.SetMemoryLimit(-1) // as it is
			debug.SetMemoryLimit(min(limit, collectAt))
			defer debug.SetMemoryLimit(limit)
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

// collectAt is at how many bytes in use, garbage and all, the garbage collector
// no longer waits for twice as many as are live. Less is live while logs are read.
const collectAt = 48 << 20

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
// in bytes as [sizeOf] estimates them: that is all that grows with the number of
// logs, and of applications in one. Small logs come to some hundreds in a commit.
const commitSize = 4 << 20

// putAll reads logs in parallel and puts what they give into the lake in their
// order, a commit as soon as enough is held: what a commit has depends on the
// logs alone, not on which was read first.
func (in *ingester) putAll(ctx context.Context, logs []placedLog, sum *ingestion, taken map[string]marks) error {
	held := putting{ingester: in, sum: sum, taken: taken}
	g, going := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	turn := make(chan struct{}) // is closed when the logs before are done with
	close(turn)
	in.progress("reading event logs 0/%d", len(logs))
	for i, l := range logs {
		mine, next := turn, make(chan struct{})
		turn = next
		g.Go(func() error {
			defer func() { <-mine; close(next) }()
			if going.Err() != nil {
				return going.Err()
			}
			r := reading{log: l, told: true}
			err := l.read(going, func(run analysis.Run, profile analysis.RunProfile) error {
				<-mine
				r.stopped = held.add(going, &r, run, profile)
				return r.stopped
			})
			<-mine
			if stopped := cmp.Or(r.stopped, going.Err()); stopped != nil {
				return stopped
			}
			held.end(&r, err)
			in.progress("reading event logs %d/%d", i+1, len(logs))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return held.commit(ctx)
}

// A reading is how far a log was read.
type reading struct {
	log      placedLog
	told     bool  // YARN will not know more of its runs later
	unasked  error // why it could not be asked about one
	nameless bool  // a run had no application id
	stopped  error // why no more of it is taken
}

var errNameless = errors.New("no application id in the log, and no file's name to take in its place: name the file as PATH")

// A putting is what waits to be committed: runs, as many profiles of them, and
// the logs whose last run is in the lake with them.
type putting struct {
	*ingester
	sum   *ingestion
	taken map[string]marks

	runs     []analysis.Run
	profiles []analysis.RunProfile
	size     int
	ended    []*reading
}

// add takes a run of a log. One without an id is left out: all of them would be
// one row.
func (p *putting) add(ctx context.Context, r *reading, run analysis.Run, profile analysis.RunProfile) error {
	if run.AppID == "" {
		r.nameless = true
		return nil
	}
	run.Cluster = clusterOf(&run, p.cluster)
	profile.Cluster = run.Cluster
	told, err := p.yarn.ask(ctx, &run)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.told, r.unasked = r.told && told, cmp.Or(r.unasked, err)
	p.runs, p.profiles = append(p.runs, run), append(p.profiles, profile)
	if p.size += sizeOf(&run, &profile); p.size < commitSize {
		return nil
	}
	return p.commit(ctx)
}

// end notes what became of a log. One that was read is marked when its last run
// is in the lake; one that was not is tried again.
func (p *putting) end(r *reading, err error) {
	if r.nameless {
		err = errors.Join(err, errNameless)
	}
	if r.unasked != nil {
		p.sum.YARNFailed = append(p.sum.YARNFailed, failedLog{r.log.name, r.unasked.Error()})
	}
	if err != nil {
		p.sum.Failed = append(p.sum.Failed, failedLog{r.log.name, err.Error()})
		return
	}
	p.ended = append(p.ended, r)
}

// commit puts what is held into the lake and lets go of it.
func (p *putting) commit(ctx context.Context) error {
	stats, err := p.lake.Put(ctx, p.runs, p.profiles...)
	if err != nil {
		return err
	}
	p.sum.Runs += len(p.runs)
	p.sum.Added += stats.Added
	p.sum.Replaced += stats.Replaced
	// Two logs of one attempt are one row: the lesser one changes nothing.
	p.sum.Unchanged += len(p.runs) - stats.Added - stats.Replaced
	for _, r := range p.ended {
		p.taken[r.log.place][r.log.name] = mark{r.log.state, r.told}
		if p.sum.Lag != nil {
			p.sum.Lag.add(r.log.state, p.now())
		}
	}
	p.runs, p.profiles, p.size, p.ended = nil, nil, 0, nil
	return nil
}

// clusterOf says where a run is from that does not say it itself. Masters of
// standalone clusters count their applications each for itself: two that start
// one in the same second give it the same id, and their addresses tell them apart.
func clusterOf(r *analysis.Run, named string) string {
	switch {
	case r.Cluster != "":
		return r.Cluster
	case named != "":
		return named
	case r.Platform() == analysis.Standalone:
		return r.Master
	}
	return ""
}

// Bytes of memory that parts of a run and its profile take.
const (
	runSize   = 4 << 10
	stageSize = 400
	binSize   = 16
)

// sizeOf estimates the bytes of memory that a run and its profile take: what
// differs much between runs, which are stages and settings.
func sizeOf(r *analysis.Run, p *analysis.RunProfile) int {
	n := runSize + len(p.Stages)*stageSize + (len(p.Executors)+len(p.Gaps))*binSize
	for _, conf := range []analysis.Conf{r.Conf, r.RuntimeConf} {
		for key, value := range conf {
			n += len(key) + len(value)
		}
	}
	for i := range p.Stages {
		s := &p.Stages[i]
		n += (len(s.RunHist) + len(s.InputHist) + len(s.ShuffleRdHist) + len(s.Parents)) * binSize
	}
	return n
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
