package bot

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

var (
	testKey = []byte("a key of a test")
	noon    = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

const heap = "spark.executor.memory"

// A proposal for one DAG: a heap of 8g that becomes what is given.
func heapTo(to string) *Proposal {
	p := &Proposal{
		Scope: "dags/orders.py", Branch: branchOf("dags/orders.py"), Commit: "base",
		Patches: []patcher.Patch{{Path: "dags/orders.py", After: []byte(to)}},
		Wants:   []Wanted{{Job: "orders.load", Key: heap, From: "8g", To: to, Rule: "over_provisioned_heap", Outcome: "applied"}},
	}
	p.Plan = planOf(p.Scope, p.Wants)
	return p
}

// sceneOf is the scope of a proposal on a forge without anything of ours.
func sceneOf(p *Proposal) *scope {
	s := &scope{
		proposal: p, record: Record{Repo: 1, Scope: "dags/orders.py", Branch: branchOf("dags/orders.py")},
		state: State{Default: "main", Head: "base"}, band: 0.2, room: true, key: testKey, now: noon,
	}
	s.word = func() post {
		return post{"title", marker{About: s.record.Scope, Plan: s.record.Plan, Words: "plain"}.sign(testKey)}
	}
	return s
}

// play does effect after effect and returns their keys and why it stopped.
func play(t *testing.T, s *scope) (did []string, why string) {
	t.Helper()
	s.adopt()
	for range 10 {
		e, why := s.next()
		if e == nil {
			return did, why
		}
		verb, _, _ := strings.Cut(e.Key(), " ")
		did = append(did, verb)
		s.did(e, Receipt{Commit: "ours " + s.proposalPlan(), ID: 7})
	}
	t.Fatalf("no end: %v", did)
	return nil, ""
}

func (s *scope) proposalPlan() string {
	if s.proposal == nil {
		return ""
	}
	return s.proposal.Plan
}

// posted is a forge and a memory after the proposal was submitted.
func posted(t *testing.T, p *Proposal) *scope {
	t.Helper()
	s := sceneOf(p)
	if did, _ := play(t, s); !cmp.Equal(did, []string{"push", "open"}) {
		t.Fatalf("a new proposal did %v", did)
	}
	return s
}

// Each case is a forge and a memory as people and crashes leave them, and what
// is done next.
func TestNext(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T) *scope
		did  []string
		why  string
	}{
		{"a new proposal", func(*testing.T) *scope { return sceneOf(heapTo("4g")) }, []string{"push", "open"}, "pull request 7 says it"},
		{"the same again", func(t *testing.T) *scope { return posted(t, heapTo("4g")) }, nil, "pull request 7 says it"},
		{"sizes that moved within the dead band", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.proposal = heapTo("4400m")
			return s
		}, nil, "pull request 7 says it"},
		{"sizes that moved beyond it", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.proposal = heapTo("6g")
			return s
		}, []string{"push", "edit"}, "pull request 7 says it"},
		{"died after the push", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.state.Pulls, s.record = nil, Record{Repo: 1, Scope: s.record.Scope, Branch: s.record.Branch}
			return s
		}, []string{"open"}, "pull request 7 says it"},
		{"died after the pull request was opened", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.record = Record{Repo: 1, Scope: s.record.Scope, Branch: s.record.Branch}
			return s
		}, nil, "pull request 7 says it"},
		{"died between the push of an update and its text", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.proposal = heapTo("6g")
			e, _ := s.next()
			s.did(e, Receipt{Commit: "newer"})
			return s
		}, []string{"edit"}, "pull request 7 says it"},
		{"died before the push of an update was noted", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.proposal = heapTo("6g")
			rec := s.record
			e, _ := s.next()
			s.did(e, Receipt{Commit: "newer"})
			s.record = rec
			return s
		}, []string{"edit"}, "pull request 7 says it"},
		{"a person pushed to the branch", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.proposal = heapTo("6g")
			s.state.Branches[0].Head, s.state.Branches[0].ByUs = "theirs", false
			return s
		}, nil, "a person pushed to " + branchOf("dags/orders.py") + ": it is theirs"},
		{"a person set the branch back to an older commit of ours", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.proposal = heapTo("6g")
			s.state.Branches[0].Head = "older"
			return s
		}, nil, "a person pushed to " + branchOf("dags/orders.py") + ": it is theirs"},
		{"a person has a branch of that name", func(*testing.T) *scope {
			s := sceneOf(heapTo("4g"))
			s.state.Branches = []Branch{{Name: s.record.Branch, Head: "theirs"}}
			return s
		}, nil, "a person pushed to " + branchOf("dags/orders.py") + ": it is theirs"},
		{"a person rewrote the text", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.state.Pulls[0].Body = "my own words"
			return s
		}, nil, "pull request 7 says it"},
		{"the base moved so that it conflicts", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.state.Pulls[0].Conflicts = true
			return s
		}, []string{"push"}, "pull request 7 says it"},
		{"no room for one more", func(*testing.T) *scope {
			s := sceneOf(heapTo("4g"))
			s.room = false
			return s
		}, nil, "enough pull requests are open"},
		{"no room, but it is one of the open ones", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.room, s.proposal = false, heapTo("6g")
			return s
		}, []string{"push", "edit"}, "pull request 7 says it"},
		{"snoozed", func(*testing.T) *scope {
			s := sceneOf(heapTo("4g"))
			s.record.Snoozed = noon.Add(48 * time.Hour)
			return s
		}, nil, "snoozed until 2026-11-24"},
		{"no rule speaks any more", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.proposal = nil
			return s
		}, nil, "nothing to propose"},
		{"somebody did it by hand", func(t *testing.T) *scope {
			s := posted(t, heapTo("4g"))
			s.proposal, s.obsolete = nil, "done"
			return s
		}, []string{"close"}, "nothing to propose"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.make(t)
			did, why := play(t, s)
			if diff := cmp.Diff(c.did, did); diff != "" || why != c.why {
				t.Errorf("did (-want +got):\n%s\nwhy %q, want %q", diff, why, c.why)
			}
		})
	}
}

func TestReconcile(t *testing.T) {
	rec := Record{Pull: 7, State: PullOpen, Wants: heapTo("4g").Wants}
	see := func(rec Record, p Pull) Record {
		p.Number = 7
		return reconcile(rec, State{Pulls: []Pull{p}}, noon)
	}
	byPerson := see(rec, Pull{State: PullClosed})
	if diff := cmp.Diff(rec.Wants, byPerson.Closed); diff != "" {
		t.Errorf("a person's close is not remembered: %s", diff)
	}
	if got := see(rec, Pull{State: PullClosed, ClosedByUs: true}); len(got.Closed) != 0 {
		t.Errorf("our own close counts as a refusal: %v", got.Closed)
	}
	if got := see(byPerson, Pull{State: PullOpen}); len(got.Closed) != 0 || got.State != PullOpen {
		t.Errorf("reopened, and still refused: %+v", got)
	}
	if got := see(rec, Pull{State: PullMerged}); len(got.Merged) != 1 || got.Merged[0].Pull != 7 {
		t.Errorf("merged, and not kept: %+v", got)
	}
	if diff := cmp.Diff(rec, see(rec, Pull{State: PullOpen})); diff != "" {
		t.Errorf("nothing happened, and the record changed: %s", diff)
	}
}

// What a person refused stays refused while the evidence stands, and not longer.
func TestClosed(t *testing.T) {
	refused := heapTo("4g").Wants
	change := func(from, to, rule string) analysis.Change {
		return analysis.Change{Key: heap, From: from, To: to, Rule: rule}
	}
	for _, c := range []struct {
		name string
		job  string
		c    analysis.Change
		want bool
	}{
		{"the same", "orders.load", change("8g", "4g", "over_provisioned_heap"), true},
		{"a little less", "orders.load", change("8g", "3700m", "over_provisioned_heap"), true},
		{"much less", "orders.load", change("8g", "2g", "over_provisioned_heap"), false},
		{"from another size", "orders.load", change("12g", "4g", "over_provisioned_heap"), false},
		{"for another reason", "orders.load", change("8g", "4g", "gc_pressure"), false},
		{"of another job", "orders.check", change("8g", "4g", "over_provisioned_heap"), false},
	} {
		if got := closed(refused, c.job, c.c, 0.2); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// What a person refused stays refused when another change joins it, and so does
// what was tried. The other one stays too: what a rule proposes goes together.
func TestRefusedWithAnother(t *testing.T) {
	const cores = "spark.executor.cores"
	worse := Verdict{Job: "orders.load", Judgement: analysis.Judgement{Revert: true}}
	for name, c := range map[string]struct {
		rec  Record
		held string
	}{
		"closed": {Record{Closed: heapTo("4g").Wants}, "a person closed"},
		"tried": {Record{Merged: []Merge{{
			Pull: 7, Wants: heapTo("4g").Wants, Promises: []Promise{{Job: "orders.load", Was: map[string]string{heap: "8g"}}}, Verdicts: []Verdict{worse},
		}}}, "it was tried in pull request 7"},
	} {
		rules := policy.Default()
		rules.Gates.DeadBand = 0.2
		s := Snapshot{Policy: rules, Remembered: []Record{c.rec}}
		jd := JobDecision{Job: patcher.Job{ID: "orders.load", Path: "dags/orders.py"}, Advice: analysis.Advice{Changes: []analysis.Change{
			{Key: cores, From: "4", Effective: "4", To: "2", Rule: "over_provisioned_heap"},
			{Key: heap, From: "8g", Effective: "8g", To: "4g", Rule: "over_provisioned_heap"},
		}}}
		s.hold(&jd, nil, s.Remembered)
		if wants := wantsOf(jd); len(wants) > 0 {
			t.Errorf("%s: wants %v", name, wants)
		}
		d := Decision{Jobs: []JobDecision{jd}}
		d.end(patcher.Result{})
		o := d.Jobs[0].Outcomes
		if len(o) != 2 || !strings.HasPrefix(o[1].Reason, c.held) || !strings.HasPrefix(o[0].Reason, "it goes with "+heap+": "+c.held) {
			t.Errorf("%s: ended as %+v", name, o)
		}
	}
}

// Cores are halved and executors doubled, and a pin forbids the second: half of
// it would take half of the slots.
func TestPartsGoTogether(t *testing.T) {
	const cores, instances = "spark.executor.cores", "spark.executor.instances"
	job := func(id, numbers string) string {
		return fmt.Sprintf("%s = SparkSubmitOperator(task_id=%[1]q, application=\"a.py\", executor_cores=8, %s)\n", id, numbers)
	}
	files := fstest.MapFS{"dags/d.py": {Data: []byte("from airflow import DAG\n" +
		"from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator\n" +
		"dag = DAG(\"d\")\n" + job("free", "num_executors=2") + job("pinned", "num_executors=N()"))}}
	repo, err := patcher.Find(files)
	if err != nil || len(repo.Jobs) != 2 {
		t.Fatalf("found %v, %v", repo, err)
	}
	var d Decision
	for _, j := range repo.Jobs {
		d.Jobs = append(d.Jobs, JobDecision{Job: j, Held: make([]string, 2), Advice: analysis.Advice{Changes: []analysis.Change{
			{Key: cores, From: "8", To: "4"}, {Key: instances, From: "2", To: "4"},
		}}})
	}
	result, err := d.rewrite(files, repo)
	if err != nil {
		t.Fatal(err)
	}
	d.end(result)
	if got := d.Jobs[0].applied(); len(got) != 2 {
		t.Errorf("free: applied %v of %+v", got, d.Jobs[0].Outcomes)
	}
	if o := d.Jobs[1].Outcomes; len(d.Jobs[1].applied()) > 0 || o[0].Reason != "it goes with "+instances+", which is left to you" {
		t.Errorf("pinned: ended as %+v", o)
	}
}

func TestMarker(t *testing.T) {
	m := marker{About: "dags/orders.py", Plan: "0123456789abcdef", Words: "plain"}
	text := "a body\n" + m.sign(testKey) + "\nand more"
	if got, ok := findMarker(testKey, m.About, text); !ok || got != m {
		t.Errorf("got %+v %v", got, ok)
	}
	for name, c := range map[string]struct {
		key   string
		about string
		text  string
	}{
		"another key":   {"another", m.About, text},
		"another scope": {string(testKey), "dags/clicks.py", text},
		"another plan":  {string(testKey), m.About, strings.Replace(text, "plan=0", "plan=1", 1)},
		"no marker":     {string(testKey), m.About, "sparktune:v1"},
	} {
		if got, ok := findMarker([]byte(c.key), c.about, c.text); ok {
			t.Errorf("%s: taken for ours: %+v", name, got)
		}
	}
}

// Two DAG files that share a file with an edit are one pull request; the others
// are one each.
func TestScopes(t *testing.T) {
	edit := func(job, dag, file string) JobDecision {
		return JobDecision{
			Job:      patcher.Job{ID: job, Path: dag},
			Outcomes: []patcher.Outcome{{Status: patcher.Applied, Path: file}},
			Advice:   analysis.Advice{Changes: []analysis.Change{{Key: heap, From: "8g", To: "4g"}}},
			Held:     []string{""},
		}
	}
	d := Decision{
		Jobs: []JobDecision{
			edit("a.x", "dags/a.py", "dags/common.py"),
			edit("b.x", "dags/b.py", "dags/common.py"),
			edit("c.x", "dags/c.py", "dags/c.py"),
			{Job: patcher.Job{ID: "d.x", Path: "dags/d.py"}},
		},
		Patches: []patcher.Patch{{Path: "dags/c.py"}, {Path: "dags/common.py"}},
	}
	for group, want := range map[string][]string{
		"file":       {"dags/a.py: a.x b.x", "dags/c.py: c.x"},
		"repository": {"repository: a.x b.x c.x"},
	} {
		var got []string
		for _, p := range d.proposals(policy.Group(group)) {
			line := p.Scope + ":"
			for _, j := range p.Jobs {
				line += " " + j.Job.ID
			}
			got = append(got, line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", group, diff)
		}
	}
}

// However many jobs, the text fits and says what is not in it; the marker, by
// which it is known again, is never what is cut.
func TestLargePullFits(t *testing.T) {
	p := heapTo("4g")
	var told []telling
	nobody := analysis.NewProfile("job", nil, noon, analysis.DefaultPolicy())
	for i := range 2000 {
		jd := JobDecision{
			Profile: nobody,
			Job:     patcher.Job{ID: fmt.Sprintf("größe_%d.%s", i, strings.Repeat("x", 100))},
			Advice:  analysis.Advice{Changes: []analysis.Change{{Key: heap, From: "8g", To: "4g"}, {Key: "spark.executor.cores", From: "1", To: "2"}}},
			Notes:   []patcher.Note{{Path: "dags/a.py", Line: i, Text: strings.Repeat("a remark ", 40)}},
			Outcomes: []patcher.Outcome{
				{Status: patcher.Applied},
				{Status: patcher.Refused, Reason: strings.Repeat("computed ", 40)},
			},
		}
		p.Jobs = append(p.Jobs, jd)
		told = append(told, telling{JobDecision: jd, facts: jd.Facts(), words: prompts.Words{}})
	}
	end := marker{About: p.Scope, Plan: p.Plan, Words: "plain"}.sign(testKey)
	body := pullPost(p, told, end).body
	if n := utf8.RuneCountInString(body); n > maxBody {
		t.Errorf("%d characters", n)
	}
	for _, want := range []string{"3960 more changes", "more remarks", "more job", end} {
		if !strings.Contains(body, want) {
			t.Errorf("the text lacks %q", want)
		}
	}
}

func TestBranchOf(t *testing.T) {
	if a, b := branchOf("dags/Orders v2.py"), branchOf("dags/orders-v2.py"); a == b || !strings.HasPrefix(a, "sparktune/dags-orders-v2-py-") {
		t.Errorf("%s and %s", a, b)
	}
	if got := branchOf(strings.Repeat("größe/", 60)); len(got) > 80 || strings.ContainsAny(got, " ö~^:?*[\\") {
		t.Errorf("no branch name: %q", got)
	}
}

// As long as a verdict on a merge may come, the runs of a full cycle before it
// are loaded too; advice is about the policy's window all the same.
func TestRunsToLoad(t *testing.T) {
	rules, err := policy.Load(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	promised := []Promise{{Job: "orders.load"}}
	for name, c := range map[string]struct {
		merge Merge
		want  time.Duration // before now
	}{
		"nothing merged":  {Merge{At: noon.Add(-40 * day)}, 60 * day},
		"merged lately":   {Merge{At: noon.Add(-10 * day), Promises: promised}, 60 * day},
		"merged long ago": {Merge{At: noon.Add(-40 * day), Promises: promised}, 75 * day},
		"judged":          {Merge{At: noon.Add(-40 * day), Promises: promised, Verdicts: []Verdict{{Job: "orders.load"}}}, 60 * day},
		"given up":        {Merge{At: noon.Add(-61 * day), Promises: promised}, 60 * day},
	} {
		s := Snapshot{Policy: rules, Now: noon, Remembered: []Record{{Merged: []Merge{c.merge}}}}
		if got := noon.Sub(s.from()); got != c.want {
			t.Errorf("%s: runs of %s, want %s", name, got, c.want)
		}
	}
	s := Snapshot{Policy: rules, Now: noon}
	if got := s.recent([]analysis.Run{{Start: noon.Add(-61 * day)}, {Start: noon.Add(-59 * day)}}); len(got) != 1 {
		t.Errorf("advice is about %d runs", len(got))
	}
}
