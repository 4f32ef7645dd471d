package eventlog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// Read reads a log. It gives one Run, or several for a log in which
// applications follow each other, as on a Databricks cluster. It fails only
// where there is no row to make; whatever else is wrong with the log is in the
// Run.
func Read(fsys fs.FS, l Log) ([]analysis.Run, error) {
	p := parser{log: l}
	for _, part := range l.Parts {
		if err := p.readFile(fsys, part); err != nil {
			return nil, err
		}
	}
	return p.finish()
}

// Parse reads a log from a stream, compressed or not.
func Parse(r io.Reader) ([]analysis.Run, error) {
	var p parser
	if err := p.read("event log", r); err != nil {
		return nil, err
	}
	return p.finish()
}

// A parser reads the parts of one log.
type parser struct {
	log  Log
	app  *app
	runs []analysis.Run
	// first is where and why the first line that is no event is none.
	first error
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
	lines := newLineReader(d)
	for n := 1; ; n++ {
		ln, err := lines.next()
		if len(ln.text) > 0 {
			p.line(ln, name, n)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return p.broken(name, err)
		}
	}
}

// broken notes that the bytes end before their time. A frame that is merely
// left open lost nothing when the application's end is in it.
func (p *parser) broken(name string, err error) error {
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
		p.app = new(app)
	}
	return p.app
}

func (p *parser) line(ln line, name string, n int) {
	ev, err := decode(ln.text)
	switch {
	case ln.long:
		err = fmt.Errorf("line of more than %d bytes", maxLine)
	case err == nil:
		err = p.apply(ev)
	}
	a := p.current()
	switch {
	case err == nil:
		a.run.Events++
		return
	case ln.open:
		a.run.Truncated = true // half a line
	default:
		a.run.MalformedLines++
	}
	if p.first == nil {
		p.first = fmt.Errorf("%s:%d: %w", name, n, err)
	}
}

func (p *parser) apply(ev event) error {
	if p.splits(ev) {
		if len(p.runs) >= maxRuns {
			return fmt.Errorf("more than %d applications", maxRuns)
		}
		p.close()
	}
	return ev.apply(p.current())
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
	p.runs = append(p.runs, r)
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
	case len(p.runs) > 0:
		return p.runs, nil
	case p.first == nil && !blank:
		return nil, fmt.Errorf("%s: no application in this event log: it has neither a start nor a task", p.log.Path)
	case p.first != nil:
		return nil, fmt.Errorf("%w: is this a Spark event log? Its lines start with %s", p.first, eventPrefix)
	case p.log.Path != "":
		return nil, fmt.Errorf("%s: empty: the application has not written an event yet, or the copy of the log failed", p.log.Path)
	}
	return nil, errors.New("empty input: give a Spark event log")
}
