package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/eventlog"
)

// A label says what is known of a job whose trouble was made on purpose: moves
// (property, up or down or any) of which one is right, which do harm, and
// which nobody measured enough to make.
type label struct {
	Cause   string      `json:"cause"`
	Want    [][2]string `json:"want"`
	Forbid  [][2]string `json:"forbid"`
	Abstain [][2]string `json:"abstain"`
}

// labPolicy is what short runs of one day are judged under: the gates on time
// are open, as in the sample repository's policy, and four runs are enough to
// take something away. The rules and all that is relative are as everywhere.
func labPolicy() analysis.Policy {
	pol := analysis.DefaultPolicy()
	pol.MinHistory, pol.MinDuration, pol.MinSpill = 0, 10*time.Second, 64<<20
	pol.MinRunsShrink = 4
	return pol
}

// labelledRuns are the folders with runs of real Spark whose cause is known.
var labelledRuns = map[string]string{"../../testdata/eventlogs": "", "../../testdata/labelled": "logs"}

// No advice may do harm, and what speaks first is printed as a confusion
// matrix. A miss fails too.
func TestLabelledRuns(t *testing.T) {
	var jobs []judged
	for _, labelled := range slices.Sorted(maps.Keys(labelledRuns)) {
		labels := readLabels(t, labelled)
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			runs, profiles := readRuns(t, filepath.Join(labelled, labelledRuns[labelled], name))
			if len(runs) == 0 {
				t.Errorf("%s has a label and no runs", name)
				continue
			}
			j := judge(name, labels[name], runs, profiles)
			if j.verdict == harmful {
				t.Errorf("%s (%s): harmful: %s", name, j.cause, j.moves)
			}
			if j.verdict == missed {
				t.Errorf("%s (%s): missed: %s", name, j.cause, j.moves)
			}
			jobs = append(jobs, j)
		}
	}
	t.Log("\n" + confusion(jobs) + "\n" + list(jobs))
}

func readLabels(t *testing.T, dir string) map[string]label {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "labels.json"))
	if err != nil {
		t.Fatal(err)
	}
	var labels map[string]label
	if err := json.Unmarshal(b, &labels); err != nil {
		t.Fatal(err)
	}
	return labels
}

// readRuns are the runs of the event logs in a folder and their profiles; none when it is not
// there.
func readRuns(t *testing.T, dir string) ([]analysis.Run, map[analysis.Key]analysis.RunProfile) {
	t.Helper()
	if _, err := os.Stat(dir); err != nil {
		return nil, nil
	}
	logs, _, err := eventlog.Find(os.DirFS(dir), ".")
	if err != nil {
		t.Fatal(err)
	}
	var all []analysis.Run
	details := make(map[analysis.Key]analysis.RunProfile)
	for _, l := range logs {
		runs, profiles, err := eventlog.ReadProfiles(os.DirFS(dir), l)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, runs...)
		for _, p := range profiles {
			details[p.Key] = p
		}
	}
	return all, details
}

const (
	right   = "right"
	missed  = "miss"
	harmful = "HARM"
)

// judged is what the rules made of one job.
type judged struct {
	name, cause string
	runs        int
	first       string // the rule of the first change
	moves       string
	verdict     string
}

func judge(name string, l label, runs []analysis.Run, profiles map[analysis.Key]analysis.RunProfile) judged {
	pol := labPolicy()
	newest := slices.MaxFunc(runs, func(a, b analysis.Run) int { return a.Start.Compare(b.Start) }).Start
	p := analysis.NewProfile(name, runs, newest.Add(time.Hour), pol)
	p.Attach(profiles)
	a := analysis.Advise(p, pol)
	return judged{name, l.Cause, len(runs), first(a), moves(a), verdict(l, a)}
}

func verdict(l label, a analysis.Advice) string {
	switch {
	case hits(a, l.Forbid):
		return harmful
	case hits(a, l.Abstain), len(l.Want) > 0 && !hits(a, l.Want):
		return missed
	}
	return right
}

// confusion counts the jobs of a cause by what spoke first.
func confusion(jobs []judged) string {
	count := map[string]map[string]int{}
	rules := map[string]bool{}
	good := 0
	for _, j := range jobs {
		if count[j.cause] == nil {
			count[j.cause] = map[string]int{}
		}
		count[j.cause][j.first]++
		rules[j.first] = true
		if j.verdict == right {
			good++
		}
	}
	columns := slices.Sorted(maps.Keys(rules))
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d jobs right\n", good, len(jobs))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "cause\t%s\n", strings.Join(columns, "\t"))
	for _, cause := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprint(w, cause)
		for _, rule := range columns {
			fmt.Fprint(w, "\t", strings.Replace(strconv.Itoa(count[cause][rule]), "0", ".", 1))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	return b.String()
}

func list(jobs []judged) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, j := range jobs {
		fmt.Fprintf(w, "%s\t%s\t%d runs\t%s\t%s\t%s\n", j.verdict, j.name, j.runs, j.cause, j.first, j.moves)
	}
	_ = w.Flush()
	return b.String()
}

func hits(a analysis.Advice, pattern [][2]string) bool {
	for _, c := range a.Changes {
		for _, p := range pattern {
			if p[0] == c.Key && (p[1] == "any" || p[1] == direction(c)) {
				return true
			}
		}
	}
	return false
}

// direction is the move of a change, by what held in the runs.
func direction(c analysis.Change) string {
	from, to := number(c.Key, c.Effective), number(c.Key, c.To)
	if to < from {
		return "down"
	}
	return "up"
}

func number(key, value string) int64 {
	conf := analysis.Conf{key: value}
	return conf.Bytes(key).Or(conf.Int(key).V)
}

// first is the rule of the first change.
func first(a analysis.Advice) string {
	if len(a.Changes) == 0 {
		return "silent"
	}
	return a.Changes[0].Rule
}

func moves(a analysis.Advice) string {
	var out []string
	for _, c := range a.Changes {
		out = append(out, fmt.Sprintf("%s %s -> %s", c.Key, c.Effective, c.To))
	}
	return strings.Join(out, ", ")
}

// What the cluster policy of docs/ tells a run of itself, as real Airflow
// rendered it: a scheduler's runs of a mapped task, a backfill of the first of
// them and a run by hand of the second.
func TestLabelledIdentity(t *testing.T) {
	got := map[string]int{}
	runs, _ := readRuns(t, "../../testdata/labelled/logs/kinds")
	for _, r := range runs {
		got[fmt.Sprintf("%s.%s[%d] of %s in %s, %s, try %d by %s", r.DAGID, r.TaskID, r.MapIndex.V, r.LogicalDate[:10], r.Environment, r.RunType, r.TryNumber.V, r.Identity)]++
	}
	want := map[string]int{
		"lab_kinds.kinds[0] of 2026-11-01 in prod, scheduled, try 1 by spark.airflow": 1,
		"lab_kinds.kinds[1] of 2026-11-01 in prod, scheduled, try 1 by spark.airflow": 1,
		"lab_kinds.kinds[0] of 2026-11-02 in prod, scheduled, try 1 by spark.airflow": 1,
		"lab_kinds.kinds[1] of 2026-11-02 in prod, scheduled, try 1 by spark.airflow": 1,
		"lab_kinds.kinds[0] of 2026-11-01 in prod, backfill, try 1 by spark.airflow":  1,
		"lab_kinds.kinds[1] of 2026-11-01 in prod, backfill, try 1 by spark.airflow":  1,
		"lab_kinds.kinds[0] of 2026-11-02 in prod, manual, try 1 by spark.airflow":    1,
		"lab_kinds.kinds[1] of 2026-11-02 in prod, manual, try 1 by spark.airflow":    1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs of lab_kinds (-want +got):\n%s", diff)
	}
}
