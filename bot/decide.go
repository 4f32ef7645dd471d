package bot

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

// A Snapshot is all that a decision may depend on, beside the profiles of runs
// that its [Survey] asks for. Equal ones give equal Decisions, byte for byte; the
// order of Runs does not matter.
type Snapshot struct {
	Files  fs.FS  // the repository
	Commit string // where Files is from; "" when unknown
	Base   fs.FS  // what a pull request starts from; nil when it is no review
	Runs   []analysis.Run
	Access policy.Access // which of the Runs may judge which file
	Policy policy.Policy
	// Remembered is what became of earlier proposals.
	Remembered []Record
	Now        time.Time
}

// A Decision is what a Snapshot leads to. Nothing has been written.
type Decision struct {
	Commit    string          `json:"commit,omitempty"`
	Jobs      []JobDecision   `json:"jobs"` // sorted by job
	Patches   []patcher.Patch `json:"-"`
	Proposals []Proposal      `json:"-"` // those that take something back first
	Verdicts  []Announcement  `json:"-"` // to be told now
	// Remembered are the Records of the Snapshot with the verdicts that its
	// runs allow.
	Remembered []Record          `json:"-"`
	Moves      []Move            `json:"-"` // of a review: what the pull request changes
	Unmatched  []Unmatched       `json:"unmatched"`
	Skipped    []patcher.Skipped `json:"skipped"`
}

// A JobDecision is what was decided about one job.
type JobDecision struct {
	Job      patcher.Job
	Match    Match
	Profile  *analysis.Profile
	Advice   analysis.Advice
	Outcomes []patcher.Outcome // one per change of the advice
	Notes    []patcher.Note
	// Held says of each change of the advice why it is not wanted; "" when it is.
	Held  []string
	gates []prompts.Fact
}

// Decide advises on each job from its runs, of which some have a profile, and
// plans the edits. It is to be called once. An error is a bug or an unreadable
// file; "no" is in the Decision.
func (v *Survey) Decide(profiles map[analysis.Key]analysis.RunProfile) (Decision, error) {
	s, repo := v.snapshot, v.repo
	d := Decision{Commit: s.Commit, Unmatched: v.unmatched, Skipped: repo.Skipped, Remembered: v.judge()}
	d.Verdicts = v.toTell(d.Remembered)
	back, err := v.takeBack(d.Remembered)
	if err != nil {
		return Decision{}, err
	}
	for i, job := range repo.Jobs {
		p := v.profiles[i]
		p.Attach(profiles)
		jd := JobDecision{Job: job, Match: v.matches[job.ID], Profile: p, Advice: analysis.Advise(p, s.Policy.Gates), gates: s.disclosed()}
		if e := jd.Advice.Effect; e != nil && !s.Access.Money {
			e.Money = nil
		}
		s.hold(&jd, back, d.Remembered)
		d.Jobs = append(d.Jobs, jd)
	}
	result, err := d.rewrite(s.Files, repo)
	if err != nil {
		return Decision{}, fmt.Errorf("plan edits: %w", err)
	}
	d.Patches = result.Patches
	d.end(result)
	d.Proposals = append(back, d.proposals(s.Policy.Pulls.Group)...)
	if s.Base != nil {
		d.Moves, err = d.moves(s.Base, s.Policy)
	}
	return d, err
}

// rewrite plans the edits of all that is wanted. What one rule proposes for a job
// goes together, as cores do with the number of executors: where a part is left to
// a person, all is.
func (d *Decision) rewrite(files fs.FS, repo *patcher.Repository) (patcher.Result, error) {
	for {
		var wants []patcher.Want
		for _, jd := range d.Jobs {
			wants = append(wants, wantsOf(jd)...)
		}
		result, err := patcher.Rewrite(files, repo, wants)
		if err != nil || !d.holdParts(result.Outcomes) {
			return result, err
		}
	}
}

// holdParts holds what would be made of a job's changes while another part is
// refused, and says whether there was any.
func (d *Decision) holdParts(outcomes []patcher.Outcome) bool {
	refused := make(map[string]string) // key by job
	for _, o := range outcomes {
		if o.Status == patcher.Refused {
			refused[o.Job] = o.Key
		}
	}
	held := false
	for _, o := range outcomes {
		if key := refused[o.Job]; key != "" && o.Status == patcher.Applied {
			jd := &d.Jobs[slices.IndexFunc(d.Jobs, func(j JobDecision) bool { return j.Job.ID == o.Job })]
			i := slices.IndexFunc(jd.Advice.Changes, func(c analysis.Change) bool { return c.Key == o.Key })
			jd.Held[i], held = "it goes with "+key+", which is left to you", true
		}
	}
	return held
}

// hold fills in what of the advice is not wanted: all of it, where a part is not.
func (s *Snapshot) hold(jd *JobDecision, back []Proposal, remembered []Record) {
	jd.Held = make([]string, len(jd.Advice.Changes))
	for i, c := range jd.Advice.Changes {
		jd.Held[i] = cmp.Or(heldBy(back, jd.Job.ID), s.held(jd, c, remembered))
	}
	part := slices.IndexFunc(jd.Held, func(why string) bool { return why != "" })
	for i := range jd.Held {
		if part >= 0 && jd.Held[i] == "" {
			jd.Held[i] = fmt.Sprintf("it goes with %s: %s", jd.Advice.Changes[part].Key, jd.Held[part])
		}
	}
}

// held says why a change of a job is not to be carried out.
func (s *Snapshot) held(jd *JobDecision, c analysis.Change, remembered []Record) string {
	if s.Policy.Ignores(jd.Job.ID, jd.Job.Path) {
		return policy.File + " ignores the job"
	}
	for _, rec := range remembered {
		if closed(rec.Closed, jd.Job.ID, c, s.Policy.Gates.DeadBand) {
			return "a person closed the pull request that proposed it, and what was measured has not moved since"
		}
		for _, m := range rec.Merged {
			if m.worse(jd.Job.ID) && closed(m.tried(jd), jd.Job.ID, c, s.Policy.Gates.DeadBand) {
				return fmt.Sprintf("it was tried in pull request %d, and the job was better off before", m.Pull)
			}
		}
	}
	return ""
}

// applied are the changes that the patches make.
func (j JobDecision) applied() []analysis.Change {
	var out []analysis.Change
	for i, o := range j.Outcomes { // one per change, in order
		if o.Status == patcher.Applied {
			out = append(out, j.Advice.Changes[i])
		}
	}
	return out
}

func (j JobDecision) changed() bool { return len(j.applied()) > 0 }

func wantsOf(jd JobDecision) []patcher.Want {
	var wants []patcher.Want
	for i := range jd.Advice.Changes {
		if jd.Held[i] == "" {
			wants = append(wants, jd.want(i))
		}
	}
	return wants
}

// want is one change of the advice.
func (j JobDecision) want(i int) patcher.Want {
	c := j.Advice.Changes[i]
	return patcher.Want{Job: j.Job.ID, Setting: patcher.Setting{Key: c.Key, From: c.From, To: c.To}}
}

// end hands every outcome and note to its job. What is held is refused.
func (d *Decision) end(result patcher.Result) {
	for i := range d.Jobs {
		jd := &d.Jobs[i]
		for i, why := range jd.Held {
			if why != "" {
				jd.Outcomes = append(jd.Outcomes, patcher.Outcome{Want: jd.want(i), Path: jd.Job.Path, Line: jd.Job.Line, Reason: why})
				continue
			}
			k := slices.IndexFunc(result.Outcomes, func(o patcher.Outcome) bool { return o.Want == jd.want(i) })
			jd.Outcomes = append(jd.Outcomes, result.Outcomes[k]) // one per want
		}
		for _, n := range result.Notes {
			if n.Job == jd.Job.ID {
				jd.Notes = append(jd.Notes, n)
			}
		}
	}
}

// disclosed are the gates that the policy file sets, with their values.
func (s Snapshot) disclosed() []prompts.Fact {
	out := []prompts.Fact{}
	for _, g := range policy.Gates {
		if slices.Contains(s.Policy.Named, g.Name) {
			out = append(out, prompts.Bound(g.Name, g.Text(s.Policy.Gates)))
		}
	}
	return out
}

// Applied counts the changes that the patches make.
func (d *Decision) Applied() int { return d.count(patcher.Applied) }

// Refused counts the changes that are left to a person.
func (d *Decision) Refused() int { return d.count(patcher.Refused) }

func (d *Decision) count(s patcher.Status) int {
	n := 0
	for _, j := range d.Jobs {
		for _, o := range j.Outcomes {
			if o.Status == s {
				n++
			}
		}
	}
	return n
}

// statusText is how an end of a Want is told, in reports and in JSON.
var statusText = map[patcher.Status]string{patcher.Applied: "applied", patcher.Already: "already", patcher.Refused: "refused"}

// StatusText is the word for how a change ended: applied, already or refused.
func StatusText(s patcher.Status) string { return statusText[s] }

// Facts are all that may be said about the job.
func (j JobDecision) Facts() prompts.Facts {
	f := prompts.NewFacts(j.Profile, j.Advice)
	f.Declared = prompts.Foreign(fmt.Sprintf("%s:%d", j.Job.Path, j.Job.Line))
	f.Operator = prompts.Foreign(j.Job.Operator)
	f.Matched = "no runs in the lake"
	if j.Match.Runs > 0 {
		f.Matched = "runs told by " + j.Match.By
	}
	f.Disclosed = j.gates
	for i := range f.Changes {
		o := j.Outcomes[i] // one per change, in order
		f.Changes[i].Outcome = statusText[o.Status]
		f.Changes[i].Place = prompts.Foreign(fmt.Sprintf("%s:%d", o.Path, o.Line))
		f.Changes[i].Refusal = prompts.ForeignReason(o.Reason)
	}
	return f
}
