package bot_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/policy"
)

const orders = "dags/orders_daily.py"

// A mergedChange is a change that sparktune proposes of a DAG file: one whose
// heap is larger than needed, and one that runs out of it.
type mergedChange struct{ dag, id, task, from, to string }

var (
	lessHeap = mergedChange{orders, "orders_daily", "load_orders", "2560m", "1792m"}
	moreHeap = mergedChange{features, "features_weekly", "build_features", "1g", "2g"}
)

// merged is a world in which the change was merged, and its job has n runs
// since, one an hour, each as one of the runs before but without their trouble.
func merged(t *testing.T, m mergedChange, n int, change func(*analysis.Run)) *world {
	t.Helper()
	w := newWorldWith(t, m.dag)
	w.merge(m, n, change)
	return w
}

func (w *world) merge(m mergedChange, n int, change func(*analysis.Run)) {
	w.t.Helper()
	w.week()
	w.repo.Merge("alice", w.the().Number)
	w.rerun(m, n, m.to, change)
}

// rerun has n more runs of the job with a heap, from now on.
func (w *world) rerun(m mergedChange, n int, heap string, change func(*analysis.Run)) {
	w.t.Helper()
	var models []analysis.Run
	for _, r := range w.runs {
		if r.DAGID == m.id && r.TaskID == m.task && !r.Start.After(asOf) {
			models = append(models, r)
		}
	}
	w.runs = slices.Clone(w.runs)
	for i := range n {
		w.hub.Advance(time.Hour)
		r := models[i%len(models)]
		lasts := r.End.Sub(r.Start)
		r.Conf = maps.Clone(r.Conf)
		r.Conf["spark.executor.memory"] = heap
		r.AppID, r.Start = w.now().Format(time.RFC3339), w.now()
		r.End = r.Start.Add(lasts)
		r.Status, r.HeapOOMTasks, r.ExecutorsLost = analysis.StatusSucceeded, analysis.Some(int64(0)), map[string]int64{}
		change(&r)
		w.runs = append(w.runs, r)
	}
	w.hub.Advance(time.Hour)
}

func fine(*analysis.Run)        {}
func killed(r *analysis.Run)    { r.ExecutorsLost[analysis.LossContainerMemory] = 1 }
func outOfHeap(r *analysis.Run) { r.HeapOOMTasks = analysis.Some(int64(4)) }
func slower(r *analysis.Run)    { r.End = r.End.Add(2 * r.End.Sub(r.Start)) }

func smaller(r *analysis.Run) { r.MemoryByteMs.V *= 0.75 }

// What the runs since a merge say is told on the merged pull request, once, and
// what made the job worse is taken back.
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		merged mergedChange
		runs   int
		change func(*analysis.Run)
		person func(w *world) // what somebody does before it is looked at
		says   string         // how the comment begins; "" is none
		back   bool
	}{
		"kept":                             {lessHeap, 6, smaller, nil, "**Kept**", false},
		"too early":                        {lessHeap, 1, fine, nil, "", false},
		"no run yet":                       {lessHeap, 0, fine, nil, "", false},
		"out of memory, at once":           {lessHeap, 1, outOfHeap, nil, "**Worse**", true},
		"killed, at once":                  {lessHeap, 1, killed, nil, "**Worse**", true},
		"slower":                           {lessHeap, 6, slower, nil, "**Worse**", true},
		"mended":                           {moreHeap, 3, fine, nil, "**Kept**", false},
		"not mended":                       {moreHeap, 3, outOfHeap, nil, "**Worse**", false},
		"mended, and another failure came": {moreHeap, 1, killed, nil, "**Worse**", false},
		"worse, and changed since": {lessHeap, 1, killed, func(w *world) {
			w.edit(orders, lessHeap.to, "3g")
		}, "**Worse**", false},
		"worse, and pinned": {lessHeap, 1, killed, func(w *world) {
			w.edit(orders, lessHeap.to+`",`, lessHeap.to+`",  # sparktune: pin`)
		}, "**Worse**", false},
		"worse, and to be left alone": {lessHeap, 1, killed, func(w *world) {
			w.edit(policy.File, "version: 1\n", "version: 1\nignore: ["+orders+"]\n")
		}, "", false},
		"of another environment": {lessHeap, 1, func(r *analysis.Run) { killed(r); r.Environment = "dev" }, nil, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := merged(t, c.merged, c.runs, c.change)
			if c.person != nil {
				c.person(w)
			}
			w.week()
			for range 2 {
				w.boot()
				if writes, left := w.week(); writes != 0 {
					t.Errorf("again: %d writes\n%s", writes, left)
				}
			}
			pulls := w.repo.Pulls()
			switch said := pulls[0].Comments; {
			case c.says == "" && len(said) != 0:
				t.Errorf("told %s", said[0].Body)
			case c.says != "" && (len(said) != 1 || !strings.HasPrefix(said[0].Body, c.says)):
				t.Errorf("told %v, want one that begins with %s", said, c.says)
			case c.says != "":
				golden(t, "testdata/verdict "+name+".md", said[0].Body)
			}
			if back := len(pulls) > 1 && strings.Contains(pulls[1].Title, "take back"); back != c.back {
				t.Fatalf("%d pull requests, and it is taken back: %v", len(pulls), back)
			}
			if !c.back {
				return
			}
			p := pulls[1]
			if got := string(w.repo.Files(p.Branch)[orders].Data); got != w.before(orders) || p.State != "open" {
				t.Errorf("%s: %s", p.State, got)
			}
			golden(t, "testdata/pull takes back "+name+".md", p.Title+"\n\n"+p.Body)
		})
	}
}

// before is a file as it was at first.
func (w *world) before(path string) string { return string(w.repo.Files(w.first)[path].Data) }

// edit replaces a text of the default branch, as a person.
func (w *world) edit(path, from, to string) {
	w.t.Helper()
	text := string(w.repo.Files("main")[path].Data)
	if strings.Count(text, from) != 1 {
		w.t.Fatalf("%s has %d of %q", path, strings.Count(text, from), from)
	}
	w.repo.Push("alice", "main", map[string][]byte{path: []byte(strings.Replace(text, from, to, 1))}, "by hand")
}

// Once a person closed or merged it, a merge is not taken back again; and what
// made the job worse is not proposed again either.
func TestTakenBackOnce(t *testing.T) {
	const back = 2
	takenBack := func(t *testing.T) *world {
		w := merged(t, lessHeap, 3, killed)
		if _, left := w.week(); !strings.Contains(left, "pull request 2 says it") {
			t.Fatalf("left %s", left)
		}
		return w
	}
	t.Run("closed", func(t *testing.T) {
		w := takenBack(t)
		w.repo.Close("alice", back)
		w.week()
		for _, p := range w.repo.Pulls()[back:] {
			if strings.Contains(p.Title, "take back") {
				t.Errorf("opened again: %s", p.Title)
			}
		}
	})
	t.Run("merged", func(t *testing.T) {
		w := takenBack(t)
		w.repo.Merge("alice", back)
		w.rerun(lessHeap, 6, lessHeap.from, fine)
		if writes, left := w.week(); writes != 0 {
			t.Errorf("%d writes, left %s", writes, left)
		}
		var told []string
		for _, j := range w.decide().Jobs {
			for _, o := range j.Outcomes {
				told = append(told, o.Reason)
			}
		}
		if want := []string{"it was tried in pull request 1, and the job was better off before"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
	})
	t.Run("changed by a person meanwhile", func(t *testing.T) {
		w := takenBack(t)
		w.edit(orders, lessHeap.to, "6g")
		w.week()
		p := w.repo.Pulls()[back-1]
		if p.State != "closed" || !strings.Contains(p.Comments[0].Body, "changed since") {
			t.Errorf("%s: %v", p.State, p.Comments)
		}
	})
}

// decide is what would be decided now, from what is remembered.
func (w *world) decide() bot.Decision {
	w.t.Helper()
	records, err := w.store.Recall(w.t.Context(), w.repo.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	files := w.repo.Files("main")
	rules, err := policy.Load(files)
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := bot.Look(bot.Snapshot{Files: files, Runs: w.runs, Access: policy.Unrestricted(), Policy: rules, Remembered: records, Now: w.now()})
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := v.Decide(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}
