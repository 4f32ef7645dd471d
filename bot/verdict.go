package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

// An Announcement is what is to be told on a merged pull request: the verdicts
// on its jobs that were not told yet.
type Announcement struct {
	Scope    string // of the Record
	Pull     int
	Verdicts []Verdict
}

// Back is a merge that a proposal takes back, for some of its jobs.
type Back struct {
	Pull     int
	Verdicts []Verdict // why
	// Unset means that something of it was not set before.
	Unset bool
}

// backRule stands where a change has the rule that asked for it.
const backRule = "worse than before"

// backScope is the scope of the proposal that takes a pull request back. It is
// none of a file's, so it has a branch of its own.
func backScope(pull int) string { return fmt.Sprintf("what pull request %d changed", pull) }

// takesBack says whether the record is of a pull request that takes another
// back. How that one turned out is not judged.
func (r *Record) takesBack() bool { return len(r.Wants) > 0 && r.Wants[0].Rule == backRule }

// promise is what is expected of the job once the patches are merged. Where
// some of the changes are left to a person, nothing can be said of the sum.
func (j JobDecision) promise() Promise {
	p := Promise{Job: j.Job.ID, Was: make(map[string]string)}
	for _, c := range j.applied() {
		p.Was[c.Key] = c.Effective
	}
	e := j.Advice.Effect
	if e == nil || len(j.applied()) < len(j.Advice.Changes) {
		return p
	}
	p.Cost = factor(e.GBHoursBefore, e.GBHoursAfter)
	if d := e.Duration; d != nil {
		p.Duration = factor(d.Before, d.After)
	}
	return p
}

func factor(before, after float64) float64 {
	if before <= 0 {
		return 0
	}
	return after / before
}

// from is when the earliest run started that a decision may depend on: those
// that the policy looks at, and a full cycle before each merge that is still to
// be judged.
func (s *Snapshot) from() time.Time {
	from := s.Now.Add(-s.Policy.Gates.Lookback)
	for _, rec := range s.Remembered {
		for _, m := range rec.Merged {
			if before := m.At.Add(-s.Policy.Gates.MinHistory); s.judges(m) && before.Before(from) {
				from = before
			}
		}
	}
	return from
}

// judges says whether a verdict on the merge may still come.
func (s *Snapshot) judges(m Merge) bool {
	return len(m.Verdicts) < len(m.Promises) && s.Now.Sub(m.At) <= s.Policy.Gates.Lookback
}

// judge is what is remembered, with the verdicts that the runs allow.
func (v *Survey) judge() []Record {
	out := slices.Clone(v.snapshot.Remembered)
	for i := range out {
		out[i].Merged = slices.Clone(out[i].Merged)
		for k, m := range out[i].Merged {
			out[i].Merged[k].Verdicts = v.verdicts(m)
		}
	}
	return out
}

func (v *Survey) verdicts(m Merge) []Verdict {
	out := slices.Clone(m.Verdicts)
	for _, p := range m.Promises {
		if !v.waitsFor(m, p.Job) {
			continue
		}
		pr := analysis.Promise{Merged: m.At, Duration: p.Duration, Cost: p.Cost}
		for _, w := range m.changes(p.Job) {
			pr.Changes = append(pr.Changes, analysis.Change{Key: w.Key, To: w.To, Rule: w.Rule})
		}
		before, after := pr.Split(p.Job, v.runs[p.Job], v.snapshot.Now, v.snapshot.Policy.Gates)
		if j := analysis.Judge(pr, before, after, v.snapshot.Policy.Gates); j.Outcome != analysis.TooEarly {
			out = append(out, Verdict{Job: p.Job, Judgement: j})
		}
	}
	return out
}

// waitsFor says whether a verdict on one job of the merge may still come.
func (v *Survey) waitsFor(m Merge, job string) bool {
	declared := v.repo.Job(job)
	return m.verdict(job) == nil && v.snapshot.judges(m) && declared != nil && !v.snapshot.Policy.Ignores(job, declared.Path)
}

// changes are those that the merge made to a job.
func (m *Merge) changes(job string) []Wanted {
	var out []Wanted
	for _, w := range m.Wants {
		if w.Job == job && w.Outcome == statusText[patcher.Applied] {
			out = append(out, w)
		}
	}
	return out
}

func (m *Merge) verdict(job string) *Verdict {
	i := slices.IndexFunc(m.Verdicts, func(v Verdict) bool { return v.Job == job })
	if i < 0 {
		return nil
	}
	return &m.Verdicts[i]
}

// worse says whether the job was better off before the merge.
func (m *Merge) worse(job string) bool {
	v := m.verdict(job)
	return v != nil && v.Revert
}

// toTell are the verdicts to be told now: a bad one at once, good ones together
// when no further one is to be waited for.
func (v *Survey) toTell(records []Record) []Announcement {
	var out []Announcement
	for _, rec := range records {
		for _, m := range rec.Merged {
			untold := slices.DeleteFunc(slices.Clone(m.Verdicts), func(x Verdict) bool { return x.Told })
			bad := slices.ContainsFunc(untold, func(x Verdict) bool { return x.Outcome == analysis.Worse })
			waits := slices.ContainsFunc(m.Promises, func(p Promise) bool { return v.waitsFor(m, p.Job) })
			if len(untold) > 0 && (bad || !waits) {
				out = append(out, Announcement{rec.Scope, m.Pull, untold})
			}
		}
	}
	return out
}

// takeBack are the proposals that put back what made jobs worse, one for each
// merge. What a person has changed since is theirs: a job is only taken back
// when the repository still says everything that was merged for it, and only
// until a person closed or merged the pull request that does.
func (v *Survey) takeBack(records []Record) ([]Proposal, error) {
	var out []Proposal
	for _, rec := range records {
		for _, m := range rec.Merged {
			if s := findRecord(records, rec.Repo, backScope(m.Pull)).State; s == PullClosed || s == PullMerged {
				continue
			}
			p, err := v.back(m)
			if err != nil {
				return nil, err
			}
			if len(p.Patches) > 0 {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

func (v *Survey) back(m Merge) (Proposal, error) {
	scope := backScope(m.Pull)
	p := Proposal{Scope: scope, Branch: branchOf(scope), Commit: v.snapshot.Commit, Back: &Back{Pull: m.Pull}}
	jobs := slices.DeleteFunc(slices.Clone(m.Promises), func(p Promise) bool { return !m.worse(p.Job) || !p.restorable() || !v.mayTouch(p.Job) })
	for len(jobs) > 0 {
		var wants []patcher.Want
		for _, j := range jobs {
			wants = append(wants, m.undone(j)...)
		}
		result, err := patcher.Rewrite(v.snapshot.Files, v.repo, wants)
		if err != nil {
			return Proposal{}, fmt.Errorf("plan what to take back: %w", err)
		}
		whole := slices.DeleteFunc(slices.Clone(jobs), func(j Promise) bool { return !allApplied(result.Outcomes, j.Job) })
		if len(whole) == len(jobs) {
			p.Patches = result.Patches
			break
		}
		jobs = whole
	}
	for _, j := range jobs {
		p.Back.Verdicts = append(p.Back.Verdicts, *m.verdict(j.Job))
		p.Back.Unset = p.Back.Unset || slices.ContainsFunc(m.changes(j.Job), func(w Wanted) bool { return w.From == "" })
		for _, w := range m.undone(j) {
			p.Wants = append(p.Wants, Wanted{Job: w.Job, Key: w.Key, From: w.From, To: w.To, Rule: backRule, Outcome: statusText[patcher.Applied]})
		}
	}
	p.Plan = planOf(p.Scope, p.Wants)
	return p, nil
}

// mayTouch says whether the job is still there and not to be left alone.
func (v *Survey) mayTouch(job string) bool {
	j := v.repo.Job(job)
	return j != nil && !v.snapshot.Policy.Ignores(job, j.Path)
}

// tried are the changes that the merge made to a job where what held before
// holds again, however it is spelled: nothing, or Spark's default.
func (m *Merge) tried(jd *JobDecision) []Wanted {
	var out []Wanted
	for _, p := range m.Promises {
		for _, w := range m.changes(p.Job) {
			for _, c := range jd.Advice.Changes {
				if p.Job == jd.Job.ID && c.Key == w.Key && near(c.Key, p.Was[w.Key], c.Effective, 0) {
					w.From = c.From
					out = append(out, w)
				}
			}
		}
	}
	return out
}

// restorable says whether all that held before has a value.
func (p *Promise) restorable() bool {
	for _, was := range p.Was {
		if was == "" {
			return false
		}
	}
	return true
}

// undone are the wants that put back what held before for a job.
func (m *Merge) undone(p Promise) []patcher.Want {
	var out []patcher.Want
	for _, w := range m.changes(p.Job) {
		out = append(out, patcher.Want{Job: p.Job, Setting: patcher.Setting{Key: w.Key, From: w.To, To: p.Was[w.Key]}})
	}
	return out
}

func allApplied(outcomes []patcher.Outcome, job string) bool {
	return !slices.ContainsFunc(outcomes, func(o patcher.Outcome) bool { return o.Job == job && o.Status != patcher.Applied })
}

// heldBy says that the job waits until what was merged for it is taken back; ""
// when it does not.
func heldBy(back []Proposal, job string) string {
	for _, p := range back {
		if slices.ContainsFunc(p.Wants, func(w Wanted) bool { return w.Job == job }) {
			return fmt.Sprintf("what pull request %d changed is to be taken back first", p.Back.Pull)
		}
	}
	return ""
}

// judged remembers the new verdicts before anything is made of them: the words
// and the pull request that follow are about this moment's runs, whenever they
// come about.
func (b *Bot) judged(ctx context.Context, records, now []Record) error {
	for i := range records {
		if verdicts(&records[i]) == verdicts(&now[i]) {
			continue
		}
		if err := b.Memory.Remember(ctx, now[i]); err != nil {
			return err
		}
		records[i] = now[i]
	}
	return nil
}

func verdicts(r *Record) int {
	n := 0
	for _, m := range r.Merged {
		n += len(m.Verdicts)
	}
	return n
}

// announce tells verdicts on the pull requests that they are about, once.
func (b *Bot) announce(ctx context.Context, r Repo, list []Announcement, records []Record, out *Outcome) error {
	var errs []error
	for _, a := range list {
		err := b.comment(ctx, r, a, findRecord(records, r.ID, backScope(a.Pull)), out)
		if err == nil {
			rec := findRecord(records, r.ID, a.Scope)
			rec.Merged = slices.Clone(rec.Merged)
			for i := range rec.Merged {
				rec.Merged[i].told(a)
			}
			put(records, rec)
			err = b.Memory.Remember(ctx, rec)
		}
		errs = append(errs, inScope(a.Scope, err))
	}
	return errors.Join(errs...)
}

func (m *Merge) told(a Announcement) {
	m.Verdicts = slices.Clone(m.Verdicts)
	for i, v := range m.Verdicts {
		here := slices.ContainsFunc(a.Verdicts, func(o Verdict) bool { return o.Job == v.Job })
		m.Verdicts[i].Told = v.Told || here && m.Pull == a.Pull
	}
}

// comment posts an announcement, unless it is there.
func (b *Bot) comment(ctx context.Context, r Repo, a Announcement, back Record, out *Outcome) error {
	s, err := b.Forge.Observe(ctx, r, Query{Pull: a.Pull})
	if err != nil {
		return err
	}
	about := a.about()
	if s.Pull == nil || b.said(s, about) {
		return nil
	}
	return b.each(ctx, s, out, b.reply(a.Pull, about, verdictText(a, back)))
}

// about names the announcement: each job has one verdict, so it is told once.
func (a Announcement) about() string {
	jobs := make([]string, 0, len(a.Verdicts))
	for _, v := range a.Verdicts {
		jobs = append(jobs, v.Job)
	}
	slices.Sort(jobs)
	return "verdict " + digest(strings.Join(jobs, "\n"))[:16]
}

var outcomeText = map[analysis.Outcome]string{analysis.Kept: "kept", analysis.Better: "better than promised", analysis.Worse: "worse"}

// verdictText is what is told on a merged pull request. It speaks of one that
// takes it back only when that is open.
func verdictText(a Announcement, back Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**: what the runs since the merge say.\n\n", headVerdict(a.Verdicts))
	b.WriteString("| Job | Verdict | Runs with the new values | Why |\n|---|---|---|---|\n")
	var rows []string
	for _, v := range a.Verdicts {
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %d | %s |\n", prompts.Foreign(v.Job), outcomeText[v.Outcome], v.Runs, prompts.ForeignReason(v.Reason)))
	}
	some(&b, rows, "job")
	b.WriteString(measurements(a.Verdicts))
	switch {
	case !slices.ContainsFunc(a.Verdicts, func(v Verdict) bool { return v.Outcome == analysis.Worse }):
	case back.State == PullOpen && back.Pull != 0:
		fmt.Fprintf(&b, "\n#%d puts back what held before.\n", back.Pull)
	default:
		b.WriteString("\nNothing is taken back by itself: that is for a person to decide.\n")
	}
	return b.String()
}

// headVerdict is the worst of the outcomes.
func headVerdict(verdicts []Verdict) string {
	for _, o := range []analysis.Outcome{analysis.Worse, analysis.Better} {
		if slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Outcome == o }) {
			return capital(outcomeText[o])
		}
	}
	return capital(outcomeText[analysis.Kept])
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// measurements are the figures that verdicts rest on.
func measurements(verdicts []Verdict) string {
	var rows []string
	for _, v := range verdicts {
		for _, e := range v.Evidence {
			rows = append(rows, fmt.Sprintf("| `%s` | %s | `%.2f` |\n", prompts.Foreign(v.Job), e.Label, e.Value))
		}
	}
	if len(rows) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n| Job | Measured | Factor |\n|---|---|---|\n")
	some(&b, rows, "figure")
	return b.String()
}

// backPost is the text of a pull request that takes another back.
func backPost(p *Proposal, end string) post {
	var b strings.Builder
	fmt.Fprintf(&b, "**Worse since #%d**: this puts back what held before it.\n\n", p.Back.Pull)
	b.WriteString("| Job | Property | Current | Proposed | Why |\n|---|---|---|---|---|\n")
	var rows []string
	for _, w := range p.Wants {
		i := slices.IndexFunc(p.Back.Verdicts, func(v Verdict) bool { return v.Job == w.Job })
		rows = append(rows, fmt.Sprintf("| `%s` | `%s` | `%s` | `%s` | %s |\n",
			prompts.Foreign(w.Job), w.Key, prompts.Foreign(w.From), prompts.Foreign(w.To), prompts.ForeignReason(p.Back.Verdicts[i].Reason)))
	}
	some(&b, rows, "change")
	b.WriteString(measurements(p.Back.Verdicts))
	if p.Back.Unset {
		fmt.Fprintf(&b, "\nA setting that was not there before #%d stays, with Spark's default as its value.", p.Back.Pull)
	}
	b.WriteString("\nThe same change is not proposed again until what was measured moves.\n")
	b.WriteString("\n### To refuse\n\nClose the pull request: it is not opened again. A commit of yours on the branch makes it yours.\n\n" + end + "\n")
	return post{fmt.Sprintf("sparktune: take back what #%d changed", p.Back.Pull), b.String()}
}
