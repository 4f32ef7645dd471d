package bot

import (
	"strings"
	"testing"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/patcher"
)

// hostile is what anybody can write into a file of a pull request.
const hostile = "spark.x` | @acme/owners [Approved](https://evil.example) ![p](https://evil.example/p.png) #1\n\n# Approved"

// Whatever of a text came from a repository or a run: where it is posted it
// calls nobody, leads nowhere and stays in its cell.
func TestPostsAreInert(t *testing.T) {
	job := patcher.Job{ID: hostile, Path: "dags/a.py"}
	check := conclusion(Decision{Moves: []Move{{
		Job: hostile, Key: hostile, From: hostile, To: hostile, Path: "dags/a.py", Line: 3, Prospect: analysis.Unknown, Reason: hostile,
	}}}, nil)
	verdict := Verdict{Job: hostile, Judgement: analysis.Judgement{Outcome: analysis.Worse, Reason: hostile}}
	wants := []Wanted{{Job: hostile, Key: "spark.executor.memory", From: hostile, To: hostile, Rule: backRule, Outcome: statusText[patcher.Applied]}}
	back := &Proposal{Wants: wants, Back: &Back{Pull: 7, Verdicts: []Verdict{verdict}}}
	post := backPost(back, "")
	risky := &Proposal{Jobs: []JobDecision{{
		Job: job, Notes: []patcher.Note{{Path: hostile, Text: hostile}},
		Outcomes: []patcher.Outcome{{Want: patcher.Want{Job: hostile, Setting: patcher.Setting{Key: "spark.executor.memory"}}, Reason: hostile}},
	}}}
	for what, text := range map[string]string{
		"title of a check":      check.Title,
		"summary of a check":    check.Summary,
		"title of a remark":     check.Notes[0].Title,
		"text of a remark":      check.Notes[0].Text,
		"comment of a verdict":  verdictText(Announcement{Pull: 7, Verdicts: []Verdict{verdict}}, Record{}),
		"what takes back":       post.title + post.body,
		"message of a commit":   message(back),
		"remarks of a proposal": risk(risky),
	} {
		for _, alive := range []string{"@acme", "](", "![", "://", "#1", "spark.x`", "\n# Approved"} {
			if strings.Contains(text, alive) {
				t.Errorf("%s has %q:\n%s", what, alive, text)
			}
		}
	}
}
