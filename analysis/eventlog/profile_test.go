package eventlog

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

// A profile adds up to its row.
func TestProfileSums(t *testing.T) {
	fsys := os.DirFS(sharedData(t))
	logs, _, err := Find(fsys, ".")
	if err != nil || len(logs) < 90 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	var rows, bytes, largest int
	for _, l := range logs {
		runs, profiles, err := ReadProfiles(fsys, l)
		if err != nil {
			t.Errorf("%s: %v", l.Path, err)
			continue
		}
		plain, err := Read(fsys, l)
		if diff := cmp.Diff(plain, runs); diff != "" || err != nil {
			t.Errorf("%s: profiling changes the row: %v\n%s", l.Path, err, diff)
		}
		for i := range profiles {
			if diff := cmp.Diff(rowSums(&runs[i]), profileSums(&profiles[i], &runs[i])); diff != "" {
				t.Errorf("%s: -row +profile\n%s", l.Path, diff)
			}
			b, err := json.Marshal(profiles[i])
			if err != nil {
				t.Fatal(err)
			}
			rows, bytes, largest = rows+1, bytes+len(b), max(largest, len(b))
		}
	}
	t.Logf("%d profiles, %d bytes of JSON each, at most %d", rows, bytes/rows, largest)
}

type sums struct {
	Run, Input, Read, Write, Spilled, Success, Gaps, CoreMs int64
}

func rowSums(r *analysis.Run) sums {
	return sums{
		r.RunMs.V, r.InputBytes.V, r.ShuffleRead.V, r.ShuffleWrite.V, r.MemorySpilled.V,
		r.TaskEndReasons[endSuccess], r.DriverOnlyMs.V, r.CoreMs.V,
	}
}

func profileSums(p *analysis.RunProfile, r *analysis.Run) sums {
	var s sums
	for i, st := range p.Stages {
		s.Run += st.RunMs
		s.Input += st.Input
		s.Read += st.ShuffleRead
		s.Write += st.ShuffleW
		s.Spilled += st.Spilled
		s.Success += st.RunHist.Count()
		if i > 0 && p.Stages[i-1].Compare(&st) >= 0 {
			s.Success = -1 // not sorted
		}
		if st.InputHist.Count() != st.Succeeded || st.ShuffleRdHist.Count() != st.Succeeded {
			s.Input = -1
		}
	}
	s.Gaps = p.OtherGapMs
	for _, g := range p.Gaps {
		s.Gaps += g.To - g.From
	}
	if !r.DriverOnlyMs.OK {
		s.Gaps = 0
	}
	var cores, last int64
	for _, e := range p.Executors {
		s.CoreMs += cores * (e.At - last)
		cores, last = cores+e.Cores, e.At
	}
	s.CoreMs += cores * (p.SpanMs - last)
	return s
}

// Very many stages are merged where they ran one after the other: the work is
// all there, the row stays small, and parents are still true.
func TestProfileBounds(t *testing.T) {
	const n = 10_000
	var b strings.Builder
	b.WriteString(startLine)
	for i := range n {
		from := 2000 + 20*i
		fmt.Fprintf(&b, `{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Stage Attempt ID":0,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":0,"Launch Time":%d,"Finish Time":%d},"Task Metrics":{"Executor Run Time":10}}`+"\n", i, from, from+10)
		fmt.Fprintf(&b, `{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":1,"Parent IDs":[%d],"Submission Time":%d,"Completion Time":%d}}`+"\n", i, i-1, from, from+15)
	}
	b.WriteString(endLine)
	fsys := fstest.MapFS{"log": file(b.String())}
	_, profiles, err := ReadProfiles(fsys, single("log"))
	if err != nil {
		t.Fatal(err)
	}
	p := profiles[0]
	var merged, run, tasks int64
	for i, s := range p.Stages {
		merged, run, tasks = merged+s.Merged, run+s.RunMs, tasks+s.RunHist.Count()
		if i > 0 && !cmp.Equal(s.Parents, []int64{p.Stages[i-1].ID}) {
			t.Fatalf("stage %d (%d) after %v, not %d", s.ID, s.Merged, s.Parents, p.Stages[i-1].ID)
		}
	}
	if len(p.Stages) > maxProfileStages || merged != n || run != 10*n || tasks != n || p.Dropped != 0 {
		t.Errorf("%d entries for %d stages, %d ms, %d tasks, %d dropped", len(p.Stages), merged, run, tasks, p.Dropped)
	}
}

func TestExecutorStepsBounds(t *testing.T) {
	x := executors{byID: make(map[string]*executor)}
	for i := range int64(20_000) {
		x.byID[fmt.Sprint(i)] = &executor{registered: true, added: 1000 + i*100, removed: 1000 + i*100 + 50_000, cores: 2}
	}
	steps := x.steps(1000, 10_000_000)
	var executors int64
	for _, s := range steps {
		executors += s.Executors
	}
	if len(steps) == 0 || len(steps) > maxProfileSteps || executors != 0 {
		t.Errorf("%d steps, %d executors left", len(steps), executors)
	}
}

// The logs that the repository brings along are read whole.
func TestOwnLogs(t *testing.T) {
	fsys := os.DirFS(filepath.Join("..", "..", "testdata", "eventlogs"))
	logs, _, err := Find(fsys, ".")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	for _, l := range logs {
		runs, err := Read(fsys, l)
		if err != nil {
			t.Error(err)
		}
		for _, r := range runs {
			if !r.Complete() || r.AppID == "" || r.AppName == "" || r.Tasks.V == 0 || !r.RunMs.OK {
				t.Errorf("%s: complete %t, %s %q, %d tasks", l.Path, r.Complete(), r.AppID, r.AppName, r.Tasks.V)
			}
		}
	}
}
