package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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
	name, quick := eventName(text)
	if quick && !decodes(text) && wasCut(text) {
		return newNamed(name), nil
	}
	if quick && newEvent(name) == nil {
		if !json.Valid(text) {
			return nil, errNoEvent
		}
		return newNamed(name), nil // an event that is only counted is not looked into
	}
	var head struct{ Event string }
	if err := json.Unmarshal(text, &head); err != nil || head.Event == "" {
		return nil, errNoEvent
	}
	ev := newEvent([]byte(head.Event))
	if ev == nil {
		return newNamed([]byte(head.Event)), nil
	}
	if err := json.Unmarshal(text, ev); err != nil {
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
				if line = bytes.TrimRight(line, " \t\r\n"); len(line) > 0 {
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
	cmpopts.EquateEmpty(),
}

// A line is the same event whichever way it is read, or none.
func FuzzLine(f *testing.F) {
	for _, log := range goldenLogs(f) {
		for line := range bytes.Lines(log) {
			f.Add(bytes.TrimRight(line, "\n"))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if !bytes.ContainsAny(line, "\n\r") {
			var d decoder
			checkLine(t, &d, line)
		}
	})
}

// checkLine compares the two ways, and says whether the fast one took a damaged
// line for whole.
func checkLine(t *testing.T, d *decoder, line []byte) (tolerated bool) {
	t.Helper()
	want, wantErr := referenceLine(line)
	got, err := d.line(line, new(arena))
	if err == nil && wantErr != nil {
		want, tolerated = undamaged(line)
	}
	if (err == nil) != (wantErr == nil) && !tolerated {
		t.Fatalf("reference: %v, fast: %v: %q", wantErr, err, line)
	}
	if diff := cmp.Diff(want, got, sameEvent); diff != "" {
		t.Errorf("-reference +fast\n%s\n%q", diff, line)
	}
	return tolerated
}

// undamaged is what a line means that is damaged where the scan only counts: in
// the accumulables of a task's end, which do not matter, or in a task's start, of
// which only the name does. One that has the start of another line in it is not
// among them.
func undamaged(line []byte) (event, bool) {
	if bytes.Count(line, []byte(eventPrefix)) != 1 {
		return nil, false
	}
	if name, _ := eventName(line); string(name) == "SparkListenerTaskStart" {
		return taskStarted, wholeStart(line)
	}
	before, list, ok := bytes.Cut(line, []byte(`"Accumulables":[`))
	if !ok {
		return nil, false
	}
	_, after, ok := bytes.Cut(list, accumulablesEnd)
	if !ok {
		return nil, false
	}
	ev, err := referenceLine(slices.Concat(before, []byte(`"Accumulables":[`), accumulablesEnd, after))
	return ev, err == nil
}

// Lines of real logs that were damaged as files are: bits flipped, the end cut
// off, a hole that bytes or the ends of lines are lost in.
func TestDamaged(t *testing.T) {
	const each = 100 // of a log
	rnd := rand.New(rand.NewPCG(1, 2))
	total, glued, tolerated, toleratedGlued := 0, 0, 0, 0
	var d decoder
	realLogs(t, func(_ string, data []byte) {
		lines := someLines(data)
		for range min(each, 10*len(lines)) {
			line, other := lines[rnd.IntN(len(lines))], lines[rnd.IntN(len(lines))]
			from, to := rnd.IntN(len(line)), rnd.IntN(len(other))
			flipped := bytes.Clone(line)
			flipped[from] ^= 1 << rnd.IntN(8)
			for _, damaged := range [][]byte{flipped, line[:from], line[from:], slices.Concat(line[:min(from, to)], line[max(from, min(to, len(line))):])} {
				total++
				if checkLine(t, &d, oneLine(damaged)) {
					tolerated++
				}
			}
			glued++
			if checkLine(t, &d, slices.Concat(line[:from], other[to:])) {
				toleratedGlued++
			}
			for _, damaged := range [][]byte{slices.Concat(line, other), slices.Concat(line[:from], other)} {
				if ev, err := d.line(damaged, new(arena)); err == nil && from > 0 {
					t.Errorf("the start of a line in another: %T: %q", ev, damaged)
				}
			}
		}
	})
	t.Logf("damaged inside what is only counted through: %d of %d, of glued ones %d of %d", tolerated, total, toleratedGlued, glued)
	if total < 1000 || tolerated > total/20 || toleratedGlued > glued/20 {
		t.Errorf("tolerated %d of %d, glued %d of %d", tolerated, total, toleratedGlued, glued)
	}
}

// someLines are whole event lines of a log, not all of one event.
func someLines(data []byte) [][]byte {
	const most, longest = 40, 32 << 10
	r, err := decompress(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	defer r.Close()
	text, _ := io.ReadAll(io.LimitReader(r, 4<<20))
	var lines [][]byte
	of := make(map[string]int)
	for line := range bytes.Lines(text) {
		line = oneLine(line)
		if name, ok := eventName(line); ok && len(line) <= longest && of[string(name)] < most && json.Valid(line) {
			of[string(name)]++
			lines = append(lines, line)
		}
	}
	return lines
}

// oneLine leaves out what a damage made an end of line.
func oneLine(b []byte) []byte {
	return slices.DeleteFunc(bytes.Clone(b), func(c byte) bool { return c == '\n' || c == '\r' })
}
