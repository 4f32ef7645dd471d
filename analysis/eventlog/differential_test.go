package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sparktune/sparktune/analysis"
)

// The reference reads every line with encoding/json and nothing else. The fast
// way must give the same rows, byte for byte.

// referenceLine is what a line means.
func referenceLine(text []byte) (event, error) {
	var head struct{ Event string }
	err := json.Unmarshal(text, &head)
	name, quick := eventName(text)
	if quick && newEvent(name) == nil && bytes.HasSuffix(text, []byte("}")) {
		return newNamed(name), nil // an event that is only counted is not looked into
	}
	if err != nil || head.Event == "" {
		return nil, errNoEvent
	}
	ev := newEvent([]byte(head.Event))
	if ev == nil {
		return newNamed([]byte(head.Event)), nil
	}
	if err := json.Unmarshal(text, ev); err != nil {
		if _, update := ev.(*sqlUpdate); update && bytes.HasSuffix(text, []byte("}")) {
			return newNamed([]byte(head.Event)), nil
		}
		return nil, err
	}
	return ev, nil
}

func reference(r io.Reader) ([]analysis.Run, error) {
	var p parser
	d, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	s := splitter{r: d}
	for {
		b := pool.New().(*batch)
		s.fill(b)
		if b.long {
			b.lines = append(b.lines, decoded{err: errLong})
		} else {
			for line := range bytes.Lines(b.text) {
				if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
					ev, err := referenceLine(line)
					b.add(ev, err)
				}
			}
		}
		p.applyAll(b)
		if b.err != nil {
			if !errors.Is(b.err, io.EOF) {
				if err := p.broken("", b.err); err != nil {
					return nil, err
				}
			}
			return p.finish()
		}
	}
}

func toJSON(t testing.TB, runs []analysis.Run, err error) string {
	t.Helper()
	b, jsonErr := json.MarshalIndent(runs, "", " ")
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	return fmt.Sprintf("%s\nerror: %t", b, err != nil)
}

// realLogs calls f for every file of the repository's own logs and of the
// shared data, and says whether that was there.
func realLogs(t *testing.T, f func(name string, data []byte)) (shared bool) {
	t.Helper()
	dirs := []string{filepath.Join("..", "..", "testdata", "eventlogs"), "testdata"}
	dir, shared := findSharedData(t)
	if shared {
		dirs = append(dirs, dir)
	}
	for _, dir := range dirs {
		err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			data, err := os.ReadFile(filepath.Join(dir, p))
			if err != nil {
				return err
			}
			f(p, data)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return shared
}

func TestSameAsReference(t *testing.T) {
	n := 0
	shared := realLogs(t, func(name string, data []byte) {
		runs, err := reference(bytes.NewReader(data))
		want := toJSON(t, runs, err)
		runs, err = Parse(bytes.NewReader(data))
		if diff := cmp.Diff(want, toJSON(t, runs, err)); diff != "" {
			t.Errorf("%s: -reference +fast\n%s", name, diff)
		}
		if err == nil {
			n++
		}
	})
	if n < 10 || shared && n < 100 {
		t.Errorf("only %d logs", n)
	}
}

// How many goroutines decode, and how the bytes arrive, changes nothing.
func TestSameInParallel(t *testing.T) {
	dir := sharedData(t)
	data, err := os.ReadFile(filepath.Join(dir, benchLogs["failures"]))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := Parse(bytes.NewReader(data))
	want := toJSON(t, runs, err)
	for name, r := range map[string]io.Reader{
		"half":    iotest.HalfReader(bytes.NewReader(data)),
		"one":     iotest.OneByteReader(bytes.NewReader(data)),
		"dataerr": iotest.DataErrReader(bytes.NewReader(data)),
	} {
		runs, err := Parse(r)
		if diff := cmp.Diff(want, toJSON(t, runs, err)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, n := range []int{1, 2, 3, 8} {
		before := runtime.GOMAXPROCS(n)
		runs, err := Parse(bytes.NewReader(data))
		runtime.GOMAXPROCS(before)
		if diff := cmp.Diff(want, toJSON(t, runs, err)); diff != "" {
			t.Errorf("%d processors: %s", n, diff)
		}
	}
}

// Every real line is read by hand, where there is a hand-written way, and to
// the same event: a fast path that gives up on all of them would be equal too.
func TestScanned(t *testing.T) {
	total, slow := 0, 0
	examples := make(map[string]string)
	realLogs(t, func(name string, data []byte) {
		if len(data) > 10<<20 {
			return
		}
		r, err := decompress(bytes.NewReader(data))
		if err != nil {
			return
		}
		text, _ := io.ReadAll(r)
		var d decoder
		for line := range bytes.Lines(text) {
			ev, ok := d.scanned(line)
			if ev == nil {
				continue
			}
			if total++; !ok {
				slow++
				examples[fmt.Sprintf("%T", ev)] = name + ": " + string(line[:min(len(line), 300)])
			}
		}
	})
	t.Logf("%d of %d lines went the strict way: %q", slow, total, examples)
	if total < 500 || slow*100 > 5*total {
		t.Errorf("%d of %d lines went the strict way: %q", slow, total, examples)
	}
}

// scanned says whether a line that could be read by hand was.
func (d *decoder) scanned(line []byte) (event, bool) {
	line = bytes.TrimRight(line, "\r\n")
	name, ok := eventName(line)
	if !ok || !json.Valid(line) {
		return nil, false
	}
	ev := d.byHand(name, line, new(arena))
	if ev == nil {
		switch newEvent(name).(type) {
		case *taskEnd, *jobStart, *stageCompleted, *environmentUpdate, *stageExecutorMetrics, *sqlStart, *sqlUpdate,
			*executorMetricsUpdate, *executorAdded, *blockManagerAdded, *driverUpdates:
			return newEvent(name), false
		}
	}
	return ev, ev != nil
}

var sameEvent = cmp.Options{
	cmp.AllowUnexported(trace{}, planInfo{}, planJoins{}, joinCount{}, setting{}),
	cmpopts.IgnoreFields(stageInfo{}, "seen"),
	cmpopts.EquateEmpty(),
}

// A valid line without repeated keys is the same event whichever way it is
// read.
func FuzzLine(f *testing.F) {
	for _, log := range goldenLogs(f) {
		for line := range bytes.Lines(log) {
			f.Add(bytes.TrimRight(line, "\n"))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsAny(line, "\n\r") || !json.Valid(line) || repeatsKey(line) {
			return // not a line that Spark could have written
		}
		want, wantErr := referenceLine(line)
		var d decoder
		got, err := d.line(line, new(arena))
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("reference: %v, fast: %v", wantErr, err)
		}
		if diff := cmp.Diff(want, got, sameEvent); diff != "" {
			t.Errorf("-reference +fast\n%s", diff)
		}
	})
}

// repeatsKey says whether any object of a valid line has two keys that
// encoding/json takes for the same.
func repeatsKey(line []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(line))
	type level struct {
		keys  map[string]bool
		value bool // the next token is a value
	}
	var stack []level
	for {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		top := len(stack) - 1
		if key, ok := tok.(string); ok && top >= 0 && stack[top].keys != nil && !stack[top].value {
			key = strings.ToLower(strings.ToUpper(key))
			if stack[top].keys[key] {
				return true
			}
			stack[top].keys[key] = true
			stack[top].value = true
			continue
		}
		if top >= 0 {
			stack[top].value = false
		}
		switch tok {
		case json.Delim('{'):
			stack = append(stack, level{keys: make(map[string]bool)})
		case json.Delim('['):
			stack = append(stack, level{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}
