package eventlog

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
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

// profiled writes stages that end one after the other and gives their profile.
func profiled(t *testing.T, write func(stage func(id, attempt int, parents ...int))) analysis.RunProfile {
	t.Helper()
	var b strings.Builder
	b.WriteString(startLine)
	at := 1000
	write(func(id, attempt int, parents ...int) {
		list := strings.Join(strings.Fields(strings.Trim(fmt.Sprint(parents), "[]")), ",")
		fmt.Fprintf(&b, `{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Stage Attempt ID":%d,"Number of Tasks":0,"Parent IDs":[%s],"Submission Time":%d,"Completion Time":%d}}`+"\n", id, attempt, list, at, at+5)
		at += 10
	})
	b.WriteString(endLine)
	_, profiles, err := profilesIn(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return profiles[0]
}

// Stages that are tried again, after more stages than a profile has room for,
// are parents by their last attempt: once they were each other's for ever.
func TestProfileRetries(t *testing.T) {
	for name, first := range map[string]int{"merged": maxProfileStages + 100, "kept": 10} {
		t.Run(name, func(t *testing.T) {
			p := profiled(t, func(stage func(id, attempt int, parents ...int)) {
				for i := range first {
					stage(100+i, 0)
				}
				stage(6, 0)
				stage(5, 0)
				stage(7, 0, 5, 6)
				stage(6, 1)
				stage(5, 1)
				stage(7, 1, 5, 6)
				for i := range first {
					stage(10_000+i, 0, 10_000+i-1, 7)
				}
			})
			var merged int64
			ids := make(map[int64]bool)
			for i, s := range p.Stages {
				merged += s.Merged
				ids[s.ID] = true
				before := i > 0 && slices.Contains(s.Parents, p.Stages[i-1].ID)
				if s.ID > 10_000 && !before || slices.Contains(s.Parents, s.ID) {
					t.Fatalf("entry %d, stage %d (%d), has the parents %v", i, s.ID, s.Merged, s.Parents)
				}
				for _, id := range s.Parents {
					if !ids[id] && s.Attempt > 0 {
						t.Errorf("stage %d.%d has the parent %d, which is not before it", s.ID, s.Attempt, id)
					}
				}
			}
			if want := int64(2*first + 6); merged != want || p.Dropped != 0 {
				t.Errorf("%d stages, %d dropped; want %d and none", merged, p.Dropped, want)
			}
		})
	}
}

// However long ago a parent ran, its entry is found; where the profile had to
// forget where it went, it says so.
func TestProfileOldParents(t *testing.T) {
	for n, dropped := range map[int]int64{5_000: 0, 70_000: 0, maxPlaces + 10_000: 1} {
		p := profiled(t, func(stage func(id, attempt int, parents ...int)) {
			stage(0, 0)
			for i := 1; i < n; i++ {
				stage(i, 0, i-1)
			}
			stage(n, 0, 10, n-1)
		})
		last := p.Stages[len(p.Stages)-1]
		want := []int64{p.Stages[0].ID, int64(n - 1)}
		if dropped > 0 {
			want = want[1:]
		}
		if !cmp.Equal(last.Parents, want) || p.Stages[0].ID < 10 || p.Dropped != dropped {
			t.Errorf("%d stages: the last one's parents %v, want %v; %d dropped", n, last.Parents, want, p.Dropped)
		}
		for i := 1; i < len(p.Stages); i++ {
			if !slices.Contains(p.Stages[i].Parents, p.Stages[i-1].ID) {
				t.Fatalf("%d stages: entry %d has the parents %v", n, i, p.Stages[i].Parents)
			}
		}
	}
}

// Stages whose lists have no room are counted.
func TestProfileLists(t *testing.T) {
	parents := make([]int, maxParents)
	for i := range parents {
		parents[i] = i
	}
	p := profiled(t, func(stage func(id, attempt int, parents ...int)) {
		for i := range maxProfileStages {
			stage(i, 0, parents[:min(i, maxParents)]...)
		}
		stage(maxProfileStages, 0, append(parents, maxParents)...)
	})
	lists := 0
	for i, s := range p.Stages {
		lists += 8 * len(s.Parents)
		if len(s.Parents) != min(i, maxParents) {
			t.Fatalf("stage %d has %d parents", s.ID, len(s.Parents))
		}
	}
	if lists > maxProfileLists || len(p.Stages)+int(p.Dropped) != maxProfileStages+1 || p.Dropped == 0 {
		t.Errorf("%d bytes, %d stages, %d dropped", lists, len(p.Stages), p.Dropped)
	}
}

// Medians are exact, however many stages came before; a task that ends after its
// stage is in them too.
func TestProfileMedian(t *testing.T) {
	const stages, tasks = 20, 30_000
	line := func(stage, index, ms int) string {
		return fmt.Sprintf(`{"Event":"SparkListenerTaskEnd","Stage ID":%d,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":%d,"Launch Time":1500,"Finish Time":1600},"Task Metrics":{"Executor Run Time":%d,"Input Metrics":{"Bytes Read":%d}}}`+"\n", stage, index, ms, ms)
	}
	r, w := io.Pipe()
	go func() {
		b := bufio.NewWriter(w)
		_, _ = b.WriteString(startLine)
		for s := range stages {
			for i := range tasks {
				_, _ = b.WriteString(line(s, i, 100_000+i*7919%tasks*3))
			}
			fmt.Fprintf(b, `{"Event":"SparkListenerStageCompleted","Stage Info":{"Stage ID":%d,"Number of Tasks":%d,"Submission Time":%d,"Completion Time":%d}}`+"\n", s, tasks, 1500+s*10, 1505+s*10)
		}
		_, _ = b.WriteString(line(0, 0, 1))
		_, _ = b.WriteString(endLine)
		w.CloseWithError(b.Flush())
	}()
	_, profiles, err := profilesIn(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = 100_000 + 3*(tasks-1)/2.0
	for i, s := range profiles[0].Stages {
		late := i == 0
		if late && (math.Abs(s.RunMedianMs/want-1) > 0.008 || s.Succeeded != tasks+1) || !late && s.RunMedianMs != want {
			t.Errorf("stage %d: median %v of %d, want %v", s.ID, s.RunMedianMs, s.Succeeded, want)
		}
	}
}

// A task at no possible time is no event.
func TestProfileAbsurdTimes(t *testing.T) {
	for _, field := range []string{"Launch Time", "Finish Time"} {
		log := startLine + `{"Event":"SparkListenerTaskEnd","Stage ID":0,"Task End Reason":{"Reason":"Success"},"Task Info":{"Index":0,"` + field + `":900000000000000000},"Task Metrics":{"Executor Run Time":5}}` + "\n" + endLine
		runs, profiles, err := profilesIn(strings.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		if runs[0].MalformedLines != 1 || profiles[0].Complete || len(profiles[0].Stages) != 0 {
			t.Errorf("%s: %d malformed lines, complete %t, %d stages", field, runs[0].MalformedLines, profiles[0].Complete, len(profiles[0].Stages))
		}
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

// profilesIn are the runs of a stream, and a profile of each.
func profilesIn(r io.Reader) (runs []analysis.Run, profiles []analysis.RunProfile, err error) {
	err = ParseEach(r, func(run analysis.Run, profile analysis.RunProfile) error {
		runs, profiles = append(runs, run), append(profiles, profile)
		return nil
	})
	return runs, profiles, err
}
