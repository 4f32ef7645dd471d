package main

import (
	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/patcher"
)

// The shapes of --output json. Each is described by a schema in docs/schemas,
// which a test holds; they are experimental until the metrics and rules are
// complete.

// tuneOutput is the result of 'tune'.
type tuneOutput struct {
	Commit    string          `json:"commit,omitempty"`
	Jobs      []jobOutput     `json:"jobs"`
	Diff      string          `json:"diff"`
	Unmatched []bot.Unmatched `json:"unmatched"`
	Skipped   []skippedOutput `json:"skipped"`
}

// jobOutput is one job of 'tune' and the result of 'explain'.
type jobOutput struct {
	declaredJob
	Advice   analysis.Advice `json:"advice"`
	Outcomes []outcome       `json:"outcomes"`
	Notes    []note          `json:"notes"`
}

// declaredJob is what 'jobs' and 'tune' say of a job as it is declared.
type declaredJob struct {
	ID          string    `json:"job"`
	Path        string    `json:"path"`
	Line        int       `json:"line"`
	Operator    string    `json:"operator"`
	DAGID       string    `json:"dag_id,omitempty"`
	TaskID      string    `json:"task_id,omitempty"`
	AppName     string    `json:"app_name,omitempty"`
	Application string    `json:"application,omitempty"`
	Match       bot.Match `json:"match"`
	Sites       []site    `json:"sites"`
}

type site struct {
	Key      string   `json:"key"`
	Value    string   `json:"value,omitempty"`
	Path     string   `json:"path"`
	Line     int      `json:"line"`
	Form     string   `json:"form"`
	Shadowed bool     `json:"shadowed,omitempty"`
	Users    []string `json:"users,omitempty"`
	More     int      `json:"more_users,omitempty"`
	Dynamic  string   `json:"dynamic,omitempty"`
}

type outcome struct {
	Key    string `json:"key"`
	To     string `json:"to"`
	Status string `json:"status"`
	Path   string `json:"path,omitempty"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason,omitempty"`
}

type note struct {
	Path string `json:"path"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

type skippedOutput struct {
	Path   string `json:"path"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
}

func newTuneOutput(d bot.Decision) tuneOutput {
	out := tuneOutput{
		Commit:    d.Commit,
		Diff:      patcher.Diff(d.Patches),
		Jobs:      []jobOutput{},
		Unmatched: d.Unmatched,
		Skipped:   []skippedOutput{},
	}
	for _, j := range d.Jobs {
		out.Jobs = append(out.Jobs, newJobOutput(j))
	}
	for _, s := range d.Skipped {
		out.Skipped = append(out.Skipped, skippedOutput(s))
	}
	return out
}

func newJobOutput(j bot.JobDecision) jobOutput {
	out := jobOutput{declaredJob: newDeclaredJob(j), Advice: j.Advice, Outcomes: []outcome{}, Notes: []note{}}
	for _, o := range j.Outcomes {
		out.Outcomes = append(out.Outcomes, outcome{o.Key, o.To, bot.StatusText(o.Status), o.Path, o.Line, o.Reason})
	}
	for _, n := range j.Notes {
		out.Notes = append(out.Notes, note{n.Path, n.Line, n.Text})
	}
	return out
}

func newDeclaredJob(j bot.JobDecision) declaredJob {
	h := j.Job.Hints
	out := declaredJob{
		ID: j.Job.ID, Path: j.Job.Path, Line: j.Job.Line, Operator: j.Job.Operator,
		DAGID: h.DAGID, TaskID: h.TaskID, AppName: h.AppName, Application: h.Application,
		Match: j.Match, Sites: []site{},
	}
	for _, s := range j.Job.Sites {
		out.Sites = append(out.Sites, site{s.Key, s.Value, s.Path, s.Line, s.Form, s.Shadowed, s.Users, s.MoreUsers, s.Dynamic})
	}
	return out
}
