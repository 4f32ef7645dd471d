package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// Real runs of real Spark with a known cause: no advice may do harm, and what
// first speaks is printed as a confusion matrix. A miss fails too, unless it is
// one of knownMisses; one that is no miss any more must leave that list. The runs are short and of one
// day, so the gates on time are open, as the sample repository's policy says.
func TestLabelledRuns(t *testing.T) {
	pol := analysis.DefaultPolicy()
	pol.MinHistory, pol.MinDuration, pol.MinSpill = 0, 10*time.Second, 64<<20
	var matrix []string
	right, jobs := 0, 0
	for labelled, logs := range map[string]string{"../../testdata/eventlogs": "", "../../testdata/labelled": "logs"} {
		labels := readLabels(t, labelled)
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			runs, profiles := readRuns(t, filepath.Join(labelled, logs, name))
			if len(runs) == 0 {
				continue
			}
			l := labels[name]
			newest := slices.MaxFunc(runs, func(a, b analysis.Run) int { return a.Start.Compare(b.Start) }).Start
			p := analysis.NewProfile(name, runs, newest.Add(time.Hour), pol)
			p.Attach(profiles)
			a := analysis.Advise(p, pol)
			verdict := judge(l, a)
			switch {
			case verdict == "HARM":
				t.Errorf("%s (%s): harmful: %+v", name, l.Cause, a.Changes)
			case len(runs) < pol.MinRuns && verdict == "miss":
				verdict = "few" // too few runs so far to be judged on
				jobs--
			case verdict == "right":
				right++
			}
			if known := knownMisses[name] != ""; known != (verdict == "miss") {
				t.Errorf("%s (%s): %s, known as a miss: %v", name, l.Cause, verdict, known)
			}
			jobs++
			matrix = append(matrix, fmt.Sprintf("%-6s %-16s %-40s %-22s %s", verdict, name, l.Cause, first(a), moves(a)))
		}
	}
	slices.Sort(matrix)
	t.Logf("%d of %d right\n%s", right, jobs, strings.Join(matrix, "\n"))
}

// knownMisses are the jobs whose cause the rules do not name, and why.
var knownMisses = map[string]string{
	"oom_unreported": "no task reported OutOfMemoryError and none died more than twice: executors that were terminated from outside can look the same, and a guess could be wrong for them",
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

// readRuns are the runs of the event logs in a folder, with their profiles; none
// when it is not there.
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

func judge(l label, a analysis.Advice) string {
	switch {
	case hits(a, l.Forbid):
		return "HARM"
	case hits(a, l.Abstain), len(l.Want) > 0 && !hits(a, l.Want):
		return "miss"
	}
	return "right"
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
