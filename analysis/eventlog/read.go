package eventlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// Read reads a log. It gives one Run, or several for a log in which
// applications follow each other, as on a Databricks cluster. It fails only
// where there is no row to make; whatever else is wrong with the log is in the
// Run. Of an archive there may be Runs beside the error.
func Read(fsys fs.FS, l Log) ([]analysis.Run, error) {
	if l.Archive {
		runs, _, err := ReadProfiles(fsys, l)
		return runs, err
	}
	p := parser{log: l}
	return p.readParts(fsys)
}

// ReadProfiles reads a log as [Read] does and gives a profile beside each Run.
func ReadProfiles(fsys fs.FS, l Log) ([]analysis.Run, []analysis.RunProfile, error) {
	var runs []analysis.Run
	var profiles []analysis.RunProfile
	err := ReadEach(fsys, l, func(r analysis.Run, p analysis.RunProfile) error {
		runs, profiles = append(runs, r), append(profiles, p)
		return nil
	})
	return runs, profiles, err
}

// A Taker gets the applications of a log one by one.
type Taker func(analysis.Run, analysis.RunProfile) error

// ReadEach reads a log as [ReadProfiles] does and gives each application to take
// when it has read it: a log may hold more of them than fit into memory. It ends
// with the first error of take.
func ReadEach(fsys fs.FS, l Log, take Taker) error {
	if l.Archive {
		return readZip(fsys, l.Path, take)
	}
	p := parser{log: l, profiling: true, take: take}
	_, err := p.readParts(fsys)
	return err
}

// Parse reads a log from a stream, compressed or not.
func Parse(r io.Reader) ([]analysis.Run, error) {
	var p parser
	return p.parse(r)
}

// ParseEach is [ReadEach] of a stream.
func ParseEach(r io.Reader, take Taker) error {
	p := parser{profiling: true, take: take}
	_, err := p.parse(r)
	return err
}

func (p *parser) parse(r io.Reader) ([]analysis.Run, error) {
	if err := p.read("event log", r); err != nil {
		return nil, err
	}
	return p.finish()
}

var errLong = fmt.Errorf("line of more than %d bytes", maxLine)

// A parser reads the parts of one log.
type parser struct {
	log   Log
	name  string // of the part that is read
	lines int    // of it, so far
	app   *app
	ended int // applications that made a row
	// parts is one more than the number of the last Databricks part.
	parts int64

	// The rows, unless somebody takes them as they come.
	take  Taker
	taken error // of take
	runs  []analysis.Run

	profiling bool
	// first is where and why the first line that is no event is none.
	first error
}

func (p *parser) readParts(fsys fs.FS) ([]analysis.Run, error) {
	for _, part := range p.log.Parts {
		if err := p.readFile(fsys, part); err != nil {
			return nil, err
		}
	}
	return p.finish()
}

// maxRuns bounds how many applications one log may hold.
const maxRuns = 1 << 10

func (p *parser) readFile(fsys fs.FS, name string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("read event log: %w", err)
	}
	defer f.Close()
	return p.read(name, f)
}

func (p *parser) read(name string, r io.Reader) error {
	d, err := decompress(r)
	if err != nil {
		return p.broken(name, err)
	}
	defer d.Close()
	p.name, p.lines = name, 0
	if err := p.batches(&splitter{r: d}); !errors.Is(err, io.EOF) {
		return p.broken(name, err)
	}
	return nil
}

// batches reads, decodes and applies a stream and returns its error. A short
// stream, as most logs are, is done here; a long one by several goroutines:
// one decompresses and splits, some decode, and this one applies the batches
// in their order, so that the row is the same however many there are.
func (p *parser) batches(s *splitter) error {
	var d decoder
	b := pool.Get().(*batch)
	s.fill(b)
	d.decode(b)
	p.applyWhole(&d, b)
	if err := b.err; err != nil {
		pool.Put(b)
		return err
	}
	return p.parallel(s, b)
}

// maxDecoders bounds the goroutines that decode one log.
const maxDecoders = 4

func (p *parser) parallel(s *splitter, first *batch) error {
	n := min(runtime.GOMAXPROCS(0), maxDecoders)
	free, todo, order := make(chan *batch, n+2), make(chan *batch, n+2), make(chan *batch, n+2)
	free <- first
	for range n + 1 {
		free <- pool.Get().(*batch)
	}
	alone := make(chan struct{})
	go func() {
		defer close(todo)
		defer close(order)
		for b := range free {
			s.fill(b)
			last, huge := b.err != nil, b.huge()
			todo <- b
			order <- b
			if last {
				return
			}
			if huge {
				<-alone // one long line at a time is enough to hold
			}
		}
	}()
	for range n {
		go func() {
			var d decoder
			for b := range todo {
				d.decode(b)
				b.ready <- struct{}{}
			}
		}()
	}
	var d decoder
	var err error
	for b := range order {
		<-b.ready
		huge := b.huge()
		p.applyWhole(&d, b)
		if err = b.err; err == nil {
			free <- b
			if huge {
				alone <- struct{}{}
			}
		}
	}
	return err
}

// broken notes that the bytes end before their time. A frame that is merely
// left open lost nothing when the application's end is in it.
func (p *parser) broken(name string, err error) error {
	err = explained(err)
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return fmt.Errorf("read event log: %w", err)
	}
	if p.first == nil {
		p.first = fmt.Errorf("%s: %w", name, err)
	}
	if a := p.current(); !errors.Is(err, io.ErrUnexpectedEOF) || !a.run.Finished {
		a.run.Truncated = true
	}
	return nil
}

func (p *parser) current() *app {
	if p.app == nil {
		p.app = &app{stages: stages{room: maxValues}}
		if p.profiling {
			p.app.profiler = new(profiler)
		}
	}
	return p.app
}

// applyWhole applies a batch whose first lines are decoded, if anybody still
// wants to know.
func (p *parser) applyWhole(d *decoder, b *batch) {
	if p.taken != nil {
		return
	}
	for p.applyAll(b); len(b.rest) > 0; p.applyAll(b) {
		d.decodeRest(b)
	}
	b.shrink()
}

// applyAll applies the lines of a batch that are decoded.
func (p *parser) applyAll(b *batch) {
	for i, ln := range b.lines {
		for range ln.more {
			p.applyLine(ln, false)
		}
		p.applyLine(ln, b.open && len(b.rest) == 0 && i == len(b.lines)-1)
		p.lines += ln.blank
	}
}

func (p *parser) applyLine(ln decoded, half bool) {
	if ln.ev == nil && ln.err == nil {
		return // blank lines at the start of a batch
	}
	p.lines++
	err := ln.err
	if err == nil {
		err = p.apply(ln.ev)
	}
	if err == nil {
		p.current().run.Events++
	} else {
		p.bad(err, half)
	}
}

// bad counts a line that is no event. A last line without an end is only half
// of one.
func (p *parser) bad(err error, half bool) {
	if half {
		p.current().run.Truncated = true
	} else {
		p.current().run.MalformedLines++
	}
	if p.first == nil {
		p.first = fmt.Errorf("%s:%d: %w", p.name, p.lines, err)
	}
}

func (p *parser) apply(ev event) error {
	if p.splits(ev) {
		if p.ended >= maxRuns {
			return fmt.Errorf("more than %d applications", maxRuns)
		}
		p.close()
	}
	if m, ok := ev.(*databricksMetadata); ok {
		p.rollover(m)
	}
	return ev.apply(p.current())
}

// rollover notes that parts before this one are missing.
func (p *parser) rollover(m *databricksMetadata) {
	if !m.follows(p.parts - 1) {
		p.current().run.Truncated = true
	}
	if m.Number != nil {
		p.parts = *m.Number + 1
	}
}

// splits says whether an event belongs to another application than the ones
// before it.
func (p *parser) splits(ev event) bool {
	a := p.current()
	switch e := ev.(type) {
	case *logStart:
		return a.started
	case *applicationStart:
		return a.started && (e.ID != a.run.AppID || e.Attempt != a.run.Attempt)
	case *databricksMetadata:
		return a.context != "" && a.context != string(e.Context)
	}
	return false
}

// close makes the row of the current application, if it has one.
func (p *parser) close() {
	a := p.app
	if a == nil {
		return
	}
	p.app = nil
	if !a.started && !a.env.known && a.tasks.ends == 0 {
		return // nothing that makes a row
	}
	r := a.finish()
	r.Source = p.log.Name
	r.Compacted = p.log.Compacted
	r.Truncated = r.Truncated || p.log.Gap || !a.started
	if r.AppID == "" {
		r.AppID = appName(p.log.Name)
	}
	if a.stages.abandoned == 0 {
		r.Completeness = completeness(&r)
	}
	if p.profiling {
		a.profile.Key = r.Key
		a.profile.Finished, a.profile.Complete, a.profile.Events = r.Finished, r.Complete(), r.Events
	}
	p.give(r, a.profile)
}

func (p *parser) give(r analysis.Run, profile analysis.RunProfile) {
	p.ended++
	switch {
	case p.take == nil:
		p.runs = append(p.runs, r)
	case p.taken == nil:
		p.taken = p.take(r, profile)
	}
}

// completeness is the known share of what there was to read.
func completeness(r *analysis.Run) analysis.Opt[float64] {
	if !r.Finished || r.Truncated || r.Compacted {
		return analysis.Opt[float64]{}
	}
	var all sum
	for _, n := range []int64{r.Events, r.MalformedLines, r.MissingTasks, r.MissingEvents} {
		all.add(n)
	}
	return ratio(r.Events, int64(all))
}

// appName is the application's id in the name of a file.
func appName(name string) string {
	name = strings.TrimPrefix(rollingPart.ReplaceAllString(name, ""), "eventlog_v2_")
	for _, suffix := range []string{compactSuffix, ".inprogress", ".zstd", ".lz4", ".snappy", ".lzf", ".gz"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

func (p *parser) finish() ([]analysis.Run, error) {
	blank := p.app == nil
	p.close()
	switch {
	case p.ended > 0:
		return p.runs, p.taken
	case p.first == nil && !blank:
		return nil, fmt.Errorf("%s: no application in this event log: it has neither a start nor a task", p.log.Path)
	case p.first != nil:
		return nil, fmt.Errorf("%w: is this a Spark event log? Its lines start with %s", p.first, eventPrefix)
	case p.log.Path != "":
		return nil, fmt.Errorf("%s: empty: the application has not written an event yet, or the copy of the log failed", p.log.Path)
	}
	return nil, errors.New("empty input: give a Spark event log")
}
