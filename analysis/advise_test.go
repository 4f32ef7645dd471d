package analysis

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the golden files")

// The case book. Each case of testdata/cases is a job's history in a small
// language and what every rule says of it:
//
//	every 24h from 2026-09-20, 40 runs     the history: cadence, first start, number
//	conf KEY=VALUE                         configuration of all runs
//	all COLUMN=VALUE ...                   columns of all runs, sizes with k, m, g
//	run N COLUMN=VALUE ...                 columns of run N, from 1
//	run N conf KEY=VALUE                   configuration of run N and all later ones
//	now 2026-11-01                         when the advice is asked for
//	gate NAME VALUE                        fields of the policy that differ from the default
//	pinned KEY ...                         properties that the job's code is known to set
//	about RULE ...                         rules of which a silent answer is shown too
//	stages N: COUNTxMS, COUNTxMS ...       attaches profiles to all runs: stages one after the other on N executors
//	                                       of one slot; "20x5000 input 4m" or "shuffle 4m" is what each task reads
//
// Rules that may write are always shown, unless nothing was looked at; those that
// only advise when they speak.
//
// Unless a case says otherwise a run succeeds after 30 minutes, complete.
func TestCaseBook(t *testing.T) { golden(t, "cases", "advice", (*testCase).advice) }

// golden holds what is said of every case in a folder.
func golden(t *testing.T, dir, name string, say func(*testCase) string) {
	t.Helper()
	for file, ar := range casesIn(t, dir) {
		t.Run(file, func(t *testing.T) {
			job := parseCase(t, string(ar.Files[0].Data))
			got := say(&job)
			if *update {
				ar.Files = []txtar.File{ar.Files[0], {Name: name, Data: []byte(got)}}
				if err := os.WriteFile(filepath.Join("testdata", dir, file), txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}

// A table that can't say whether runs are whole justifies no cut, and the rule
// names what it lacks.
func TestUnknownCompleteness(t *testing.T) {
	text := string(cases(t)["heap_over_provisioned.txtar"].Files[0].Data)
	job := parseCase(t, text)
	if len(Advise(job.profile(), job.policy).Changes) == 0 {
		t.Fatal("nothing is taken away where all is known")
	}
	for _, column := range soundness {
		job := parseCase(t, text)
		for i := range job.runs {
			if column == "status" {
				job.runs[i].Status = ""
			} else {
				job.runs[i].Unknown = []string{column}
			}
		}
		a := Advise(job.profile(), job.policy)
		if len(a.Changes) > 0 {
			t.Errorf("%s: got changes %v", column, a.Changes)
		}
		for i, f := range a.Findings {
			if !slices.Contains(Rules[i].Needs, column) {
				continue
			}
			if f.Status != Unmeasured && !f.Moot {
				t.Errorf("%s: %s is %s: %s", column, f.Rule, f.Status, f.Reason)
			}
			if want := "no run in the lake has a value of " + column; f.Rule == "over_provisioned_heap" && f.Reason != want {
				t.Errorf("%s: got reason %q, want %q", column, f.Reason, want)
			}
		}
	}
}

// The order in which runs come in changes nothing.
func TestAdviceIgnoresOrder(t *testing.T) {
	for name, ar := range cases(t) {
		job := parseCase(t, string(ar.Files[0].Data))
		want := job.advice()
		r := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			r.Shuffle(len(job.runs), func(i, j int) { job.runs[i], job.runs[j] = job.runs[j], job.runs[i] })
			if got := job.advice(); got != want {
				t.Fatalf("%s: shuffled runs (-want +got):\n%s", name, cmp.Diff(want, got))
			}
		}
	}
}

// Whatever the case, every rule answers once and every change is within the
// closed list and the rails.
func TestAdviceIsValid(t *testing.T) {
	for name, ar := range cases(t) {
		job := parseCase(t, string(ar.Files[0].Data))
		checkAdvice(t, name, Advise(job.profile(), job.policy), job.policy)
	}
}

// For every rule the book has a case in which it advises, and one in which the
// measurement that it needs is missing. Without a configuration a threshold of
// broadcasts is the default, so that rule cannot lack it.
func TestCaseBookIsComplete(t *testing.T) {
	shown := make(map[string]bool)
	for _, ar := range cases(t) {
		for line := range strings.SplitSeq(string(ar.Files[1].Data), "\n") {
			if words := strings.Fields(line); len(words) > 1 && line[0] != ' ' {
				shown[words[0]+" "+words[1]] = true
			}
		}
	}
	for _, r := range Rules {
		for _, s := range []Status{Advises, Unmeasured} {
			if want := r.Name + " " + string(s); !shown[want] && want != broadcast.Name+" "+string(Unmeasured) {
				t.Errorf("no case shows %s", want)
			}
		}
	}
}

func checkAdvice(t *testing.T, name string, a Advice, pol Policy) {
	t.Helper()
	if len(a.Findings) != len(Rules) {
		t.Fatalf("%s: %d findings of %d rules", name, len(a.Findings), len(Rules))
	}
	for i, f := range a.Findings {
		if f.Rule != Rules[i].Name || f.Reason == "" {
			t.Errorf("%s: finding %d is of %q with reason %q", name, i, f.Rule, f.Reason)
		}
		if f.Status != Advises && len(f.Changes) > 0 || f.Status == Advises && len(f.Changes) == 0 && !Rules[i].Advice {
			t.Errorf("%s: %s %s with %d changes", name, f.Rule, f.Status, len(f.Changes))
		}
		for _, c := range f.Changes {
			if !slices.Contains(Rules[i].Keys, c.Key) {
				t.Errorf("%s: %s changes %s, which its Keys do not name", name, f.Rule, c.Key)
			}
		}
	}
	if !slices.IsSortedFunc(a.Changes, func(x, y Change) int { return strings.Compare(x.Key, y.Key) }) {
		t.Errorf("%s: changes are not sorted", name)
	}
	for _, c := range a.Changes {
		p, ok := FindProperty(c.Key)
		if !ok || !p.Write || c.Purpose == Advising {
			t.Errorf("%s: %s must never be written (%s)", name, c.Key, c.Purpose)
		}
		if kept := c.Purpose == Keeping && c.From == ""; c.To == c.From || c.To == c.Effective && !kept {
			t.Errorf("%s: %s from %q to %q is no change", name, c.Key, c.From, c.To)
		}
		checkRail(t, name, c, pol)
	}
}

func checkRail(t *testing.T, name string, c Change, pol Policy) {
	t.Helper()
	conf := Conf{c.Key: c.To}
	switch c.Key {
	case keyMemory, keyDriver:
		if v := conf.Bytes(c.Key).V; v < pol.MinHeap && v < ParseBytes(c.Effective, mib).V || v > pol.MaxHeap {
			t.Errorf("%s: heap of %s", name, c.To)
		}
	case keyOverhead:
		if v := conf.Bytes(c.Key).V; v < minOverhead || v > pol.MaxOverhead {
			t.Errorf("%s: overhead of %s", name, c.To)
		}
	case keyStageMetrics, keyProcessTree, keyPolling:
		if c.Purpose != Measuring {
			t.Errorf("%s: %s for %s", name, c.Key, c.Purpose)
		}
	default:
		if v := conf.Int(c.Key).V; v < 1 {
			t.Errorf("%s: %s of %s", name, c.Key, c.To)
		}
	}
}

// Any measurement, however absurd, leads to valid advice within the rails.
func FuzzAdvise(f *testing.F) {
	f.Add(int64(4<<30), int64(1<<30), int64(0), int64(0), 0.9, 0.2, int64(8), int64(1000), int64(0))
	f.Add(int64(512<<20), int64(math.MaxInt64), int64(-1), int64(math.MinInt64), math.NaN(), math.Inf(1), int64(0), int64(-5), int64(3))
	f.Fuzz(func(t *testing.T, heap, peak, spilled, gc int64, coverage, ratio float64, partitions, runMs, oom int64) {
		pol := DefaultPolicy()
		start := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
		var runs []Run
		for i := range 40 {
			s := start.Add(time.Duration(i) * 24 * time.Hour)
			runs = append(runs, Run{
				Key: Key{AppID: strconv.Itoa(i)}, Start: s, End: s.Add(time.Hour), Finished: true, Status: StatusSucceeded,
				Conf:     Conf{keyMemory: strconv.FormatInt(heap, 10) + "b", keyPartitions: strconv.FormatInt(partitions, 10)},
				PeakHeap: Some(peak), HeapCoverage: Some(coverage), MemorySpilled: Some(spilled), GCMs: Some(gc), RunMs: Some(runMs), HeapOOMTasks: Some(oom),
				SpillStageBytes: Some(spilled), SpillStageRatio: Some(ratio), SpillStageShare: Some(ratio), SpillStageTasks: Some(partitions), SpillStageShuffle: Some(spilled),
				MemoryByteMs: Some(ratio), UnifiedRegion: Some(peak), PeakOnHeapUnified: Some(peak), ExecutorCores: Some(partitions),
			})
		}
		checkAdvice(t, "fuzz", Advise(NewProfile("job", runs, start.Add(41*24*time.Hour), pol), pol), pol)
	})
}

func (c *testCase) profile() *Profile {
	p := NewProfile("job", c.runs, c.now, c.policy)
	p.Attach(c.details)
	p.SetInCode = c.pinned
	return p
}

func (c *testCase) advice() string { return describe(Advise(c.profile(), c.policy), c.about) }

// Any row and any run profile, with whatever a broken collector may have put into
// them, lead to valid advice within the rails, that can be written down.
func FuzzAdviseAnything(f *testing.F) {
	for i := range uint64(400) {
		f.Add(i)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 7))
		pol := DefaultPolicy()
		pol.MinHistory, pol.MinDuration, pol.MaxProbe = time.Duration(r.IntN(2))*pol.MinHistory, 0, 0.25*float64(r.IntN(2))
		conf, details := anyConf(r), make(map[Key]RunProfile)
		var runs []Run
		start := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
		for i := range 40 {
			run := anyRun(r)
			run.AppID, run.Start, run.Conf = strconv.Itoa(i), start.AddDate(0, 0, i), conf
			if r.IntN(8) > 0 {
				run.End, run.Finished, run.Status, run.Workload, run.Truncated, run.Compacted = run.Start.Add(time.Hour), true, StatusSucceeded, WorkloadBatch, false, false
				run.MalformedLines, run.MissingTasks, run.Environment, run.RunType, run.SparkVersion, run.PlanFingerprint = 0, 0, "", "", "3.5.1", ""
			}
			runs = append(runs, run)
			details[run.Key] = anyProfile(r)
		}
		p := NewProfile("job", runs, start.AddDate(0, 0, 41), pol)
		p.Attach(details)
		a := Advise(p, pol)
		checkAdvice(t, fmt.Sprint("seed ", seed), a, pol)
		assessed := Assess(p, anyConf(r), pol)
		for _, v := range []any{a, assessed, Judge(Promise{Changes: a.Changes, Merged: start.AddDate(0, 0, 20)}, p, p, pol), Sum([]Advice{a})} {
			if _, err := json.Marshal(v); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		}
	})
}

func anyInt(r *rand.Rand) int64 {
	return []int64{0, 1, -1, 7, 1000, 5000, gib, 4 * gib, 400 * gib, math.MaxInt64, math.MinInt64, r.Int64()}[r.IntN(12)]
}

func anyFloat(r *rand.Rand) float64 {
	return []float64{0, 1, -1, 0.5, 0.97, 40, 1e300, math.NaN(), math.Inf(1), math.Inf(-1), r.Float64()}[r.IntN(11)]
}

func anyRun(r *rand.Rand) Run {
	var run Run
	for _, c := range Columns {
		if r.IntN(6) == 0 {
			continue // missing
		}
		switch f := c.Field(&run).(type) {
		case *Opt[int64]:
			*f = Some(anyInt(r))
		case *Opt[float64]:
			*f = Some(anyFloat(r))
		case *Opt[bool]:
			*f = Some(r.IntN(2) == 0)
		case *int64:
			*f = anyInt(r)
		case *bool:
			*f = r.IntN(2) == 0
		case *string:
			*f = []string{"", "3.5.1", "x\x1b[2J", "batch", "spark://gdpic-srvls-batch-1-m:7077"}[r.IntN(5)]
		case *map[string]int64:
			*f = map[string]int64{}
			if r.IntN(3) == 0 {
				*f = map[string]int64{"ExceptionFailure": anyInt(r), LossSignal: anyInt(r), LossPreempted: anyInt(r), "ANY": anyInt(r), "NODE_LOCAL": anyInt(r)}
			}
		}
	}
	return run
}

func anyConf(r *rand.Rand) Conf {
	values := []string{"", "0", "-1", "1", "4", "40", "true", "false", "8g", "9223372036854775807", "99999999999999999999", "1e9", "NaN", "512m", "x"}
	c := Conf{}
	for _, p := range Properties {
		if r.IntN(3) == 0 {
			c[p.Name] = values[r.IntN(len(values))]
		}
	}
	return c
}

func anyProfile(r *rand.Rand) RunProfile {
	var rp RunProfile
	if r.IntN(2) == 0 {
		return *profileOf(1+r.IntN(20), randomTasks(r, 1+r.IntN(50)), randomTasks(r, 1+r.IntN(50)))
	}
	rp.SpanMs = anyInt(r)
	for range r.IntN(6) {
		rp.Stages = append(rp.Stages, StageProfile{
			ID: anyInt(r), Parents: []int64{anyInt(r)}, Submitted: anyInt(r), Completed: anyInt(r), Tasks: anyInt(r), Succeeded: anyInt(r), Failures: anyInt(r),
			RunMs: anyInt(r), RunMaxMs: anyInt(r), DeserMs: anyInt(r), DelayMs: anyInt(r), Input: anyInt(r), ShuffleRead: anyInt(r),
			RunHist: Histogram{{int32(r.IntN(500)), int64(r.IntN(9)) - 1}}, ShuffleRdHist: Histogram{{int32(r.IntN(500)), anyInt(r)}},
		})
	}
	for range r.IntN(4) {
		rp.Executors = append(rp.Executors, ExecutorStep{At: anyInt(r), Executors: int64(r.IntN(9)) - 3, Cores: anyInt(r)})
	}
	return rp
}

func describe(a Advice, about []string) string {
	var b strings.Builder
	if a.Abstains != "" {
		fmt.Fprintf(&b, "abstains: %s\n", a.Abstains)
	}
	for i, f := range a.Findings {
		if (a.Abstains != "" || f.Status != Advises && Rules[i].Advice) && !slices.Contains(about, f.Rule) {
			continue
		}
		fmt.Fprintf(&b, "%-25s %-10s %s\n", f.Rule, f.Status, f.Reason)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "    %s: %.4g %s\n", e.Label, e.Value, e.Unit)
		}
		for _, r := range f.Rails {
			fmt.Fprintf(&b, "    rail: %s\n", r)
		}
		if Rules[i].Advice {
			for _, c := range f.Changes {
				fmt.Fprintf(&b, "    for a person: %s %q (%s) -> %s\n", c.Key, c.From, c.Effective, c.To)
			}
		}
	}
	for _, c := range a.Changes {
		fmt.Fprintf(&b, "change %s %q (%s) -> %s, %s, %s, %s\n", c.Key, c.From, c.Effective, c.To, c.Rule, c.Purpose, c.Confidence)
	}
	if a.Effect != nil && a.Effect.Duration != nil {
		d := a.Effect.Duration
		fmt.Fprintf(&b, "duration %.0f s -> %.0f s (%.0f to %.0f)\n", d.Before/1000, d.After/1000, d.Low/1000, d.High/1000)
	}
	if a.Effect != nil && a.Effect.Money != nil {
		fmt.Fprintf(&b, "money %.2f -> %.2f per run: %s\n", a.Effect.Money.Before, a.Effect.Money.After, a.Effect.Money.Basis)
	}
	if e := a.Effect; e != nil {
		fmt.Fprintf(&b, "effect container %s -> %s, %.3g -> %.3g GiB·h per run (%.3g to %.3g), %.3g runs a month, %d failed\n",
			FormatMemory(e.ContainerBefore), FormatMemory(e.ContainerAfter), e.GBHoursBefore, e.GBHoursAfter, e.GBHoursLow, e.GBHoursHigh, e.RunsPerMonth, e.FailedRuns)
	}
	return b.String()
}

func cases(t testing.TB) map[string]*txtar.Archive { return casesIn(t, "cases") }

func casesIn(t testing.TB, dir string) map[string]*txtar.Archive {
	t.Helper()
	files, err := filepath.Glob("testdata/" + dir + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	out := make(map[string]*txtar.Archive)
	for _, f := range files {
		ar, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = ar
	}
	return out
}

type testCase struct {
	runs    []Run
	details map[Key]RunProfile
	now     time.Time
	policy  Policy
	about   []string
	pinned  []string

	proposed Conf    // of an assessment
	promise  Promise // of a judgement
}

func parseCase(t testing.TB, src string) testCase {
	t.Helper()
	c := testCase{policy: DefaultPolicy()}
	for line := range strings.SplitSeq(strings.TrimSpace(src), "\n") {
		if err := c.parseLine(line); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return c
}

func (c *testCase) parseLine(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "every":
		return c.history(rest)
	case "conf":
		return c.setConf(c.runs, rest)
	case "all":
		return setColumns(c.runs, rest)
	case "run":
		number, rest, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(c.runs) {
			return fmt.Errorf("no run %s", number)
		}
		if conf, ok := strings.CutPrefix(rest, "conf "); ok {
			return c.setConf(c.runs[n-1:], conf)
		}
		return setColumns(c.runs[n-1:n], rest)
	case "now":
		var err error
		c.now, err = time.Parse(time.DateOnly, rest)
		return err
	case "gate":
		return c.gate(rest)
	case "propose":
		key, value, _ := strings.Cut(rest, "=")
		if c.proposed == nil {
			c.proposed = Conf{}
		}
		c.proposed[key] = value
		return nil
	case "merged":
		return c.merged(rest)
	case "about":
		c.about = strings.Fields(rest)
		return nil
	case "stages":
		return c.stages(rest)
	case "pinned":
		c.pinned = strings.Fields(rest)
		return nil
	}
	return fmt.Errorf("unknown word %q", word)
}

func (c *testCase) history(s string) error {
	var every, from string
	var n int
	if _, err := fmt.Sscanf(strings.ReplaceAll(s, ",", " ,"), "%s from %s , %d runs", &every, &from, &n); err != nil {
		return err
	}
	step, err := time.ParseDuration(every)
	if err != nil {
		return err
	}
	start, err := time.Parse(time.DateOnly, from)
	for i := range n {
		at := start.Add(time.Duration(i) * step)
		c.runs = append(c.runs, Run{
			Key: Key{AppID: fmt.Sprintf("app-%03d", i+1)}, Start: at, End: at.Add(30 * time.Minute), Finished: true, Status: StatusSucceeded,
			SparkVersion: "3.5.1", Workload: WorkloadBatch,
		})
	}
	return err
}

func (c *testCase) setConf(runs []Run, s string) error {
	key, value, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("no value")
	}
	for i := range runs {
		conf := Conf{}
		maps.Copy(conf, runs[i].Conf)
		conf[key] = value
		runs[i].Conf = conf
	}
	return nil
}

func (c *testCase) gate(s string) error {
	name, value, _ := strings.Cut(s, " ")
	var err error
	switch name {
	case "prices":
		_, err = fmt.Sscanf(value, "%g a core-hour, %g a GiB-hour", &c.policy.CoreHourPrice, &c.policy.GBHourPrice)
		return err
	case "node":
		var memory string
		_, err = fmt.Sscanf(value, "%g cores, %s for %g an hour", &c.policy.NodeCores, &memory, &c.policy.NodePrice)
		c.policy.NodeMemory = ParseBytes(memory, 1).V
		return err
	}
	switch f := c.gateField(name).(type) {
	case *time.Duration:
		*f, err = time.ParseDuration(value)
	case *int:
		*f, err = strconv.Atoi(value)
	case *int64:
		n := ParseBytes(value, 1)
		if !n.OK {
			return fmt.Errorf("no number")
		}
		*f = n.V
	case *float64:
		*f, err = strconv.ParseFloat(value, 64)
	case *Goal:
		*f = Goal(value)
	default:
		err = fmt.Errorf("unknown gate %q", name)
	}
	return err
}

// gateField is the gate that a policy file calls by a name: the field's own name
// in small letters.
func (c *testCase) gateField(name string) any {
	p := reflect.ValueOf(&c.policy).Elem()
	f := p.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, strings.ReplaceAll(name, "_", "")) })
	if !f.IsValid() {
		return nil
	}
	return f.Addr().Interface()
}

// stages gives every run a profile.
func (c *testCase) stages(s string) error {
	number, rest, _ := strings.Cut(s, ": ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	var tasks [][]int64
	var words [][]string
	for word := range strings.SplitSeq(rest, ", ") {
		fields := strings.Fields(word)
		var count, ms int64
		if _, err := fmt.Sscanf(fields[0], "%dx%d", &count, &ms); err != nil {
			return err
		}
		tasks, words = append(tasks, slices.Repeat([]int64{ms}, int(count))), append(words, fields)
	}
	rp := *profileOf(n, tasks...)
	for i, fields := range words {
		if err := setReads(&rp.Stages[i], fields[1:]); err != nil {
			return err
		}
	}
	c.details = make(map[Key]RunProfile)
	for _, r := range c.runs {
		rp.Key, rp.Start = r.Key, r.Start
		c.details[rp.Key] = rp
	}
	return nil
}

// setReads says what each task of a stage reads: "input 4m" of files or "shuffle
// 600m".
func setReads(st *StageProfile, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	size := ParseBytes(fields[len(fields)-1], 1)
	if len(fields) != 2 || !size.OK {
		return fmt.Errorf("a stage reads %v", fields)
	}
	hist := Histogram{{BucketOf(size.V), st.Tasks}}
	switch fields[0] {
	case "input":
		st.Input, st.InputHist = size.V*st.Tasks, hist
	case "shuffle":
		st.ShuffleRead, st.ShuffleRdHist = size.V*st.Tasks, hist
	default:
		return fmt.Errorf("a stage reads %v", fields)
	}
	return nil
}

func setColumns(runs []Run, s string) error {
	for assignment := range strings.FieldsSeq(s) {
		name, value, _ := strings.Cut(assignment, "=")
		for i := range runs {
			if err := setColumn(&runs[i], name, value); err != nil {
				return fmt.Errorf("%s: %w", assignment, err)
			}
		}
	}
	return nil
}

// setColumn sets a column by its name. Maps take "key:number,key:number" or
// "none"; "lasts" is the duration.
func setColumn(r *Run, name, value string) error {
	if name == "lasts" {
		d, err := time.ParseDuration(value)
		r.End = r.Start.Add(d)
		return err
	}
	i := slices.IndexFunc(Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return fmt.Errorf("no such column")
	}
	var err error
	switch f := Columns[i].Field(r).(type) {
	case *string:
		*f = value
	case *bool:
		*f, err = strconv.ParseBool(value)
	case *Opt[int64]:
		*f = ParseBytes(value, 1)
		if !f.OK {
			err = fmt.Errorf("no number")
		}
	case *Opt[bool]:
		f.OK = true
		f.V, err = strconv.ParseBool(value)
	case *Opt[float64]:
		f.OK = true
		f.V, err = strconv.ParseFloat(value, 64)
	case *Conf:
		key, v, _ := strings.Cut(value, ":")
		*f = Conf{key: v}
	case *int64:
		*f, err = strconv.ParseInt(value, 10, 64)
	case *map[string]int64:
		if value == "none" {
			*f = map[string]int64{}
			return nil
		}
		*f = map[string]int64{}
		for entry := range strings.SplitSeq(value, ",") {
			key, number, _ := strings.Cut(entry, ":")
			if (*f)[key], err = strconv.ParseInt(number, 10, 64); err != nil {
				return err
			}
		}
	default:
		err = fmt.Errorf("cannot set %T", f)
	}
	return err
}
