package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

// reconcile brings what we remember of a scope in line with what is: people
// close, merge and reopen pull requests while we do not look.
func reconcile(rec Record, s State, now time.Time) Record {
	p := s.pullNumber(rec.Pull)
	if p == nil || p.State == rec.State {
		return rec
	}
	switch p.State {
	case PullClosed:
		if !p.ClosedByUs {
			rec.Closed = append(without(rec.Closed, rec.Wants), rec.Wants...)
		}
	case PullMerged:
		rec.Merged = append(slices.Clone(rec.Merged), Merge{Pull: p.Number, At: p.MergedAt, Wants: rec.Wants, Promises: rec.Promises})
	case PullOpen:
		rec.Closed = without(rec.Closed, rec.Wants)
	}
	rec.State, rec.At = p.State, now
	return rec
}

// without are the changes of a list that say nothing about the job and key of
// any of the others.
func without(list, others []Wanted) []Wanted {
	return slices.DeleteFunc(slices.Clone(list), func(w Wanted) bool {
		return slices.ContainsFunc(others, func(o Wanted) bool { return o.Job == w.Job && o.Key == w.Key })
	})
}

func (s *State) pullNumber(n int) *Pull {
	i := slices.IndexFunc(s.Pulls, func(p Pull) bool { return p.Number == n && n != 0 })
	if i < 0 {
		return nil
	}
	return &s.Pulls[i]
}

// openPull is our open pull request from a branch; nil when there is none.
func (s *State) openPull(branch string) *Pull {
	i := slices.IndexFunc(s.Pulls, func(p Pull) bool { return p.Branch == branch && p.State == PullOpen })
	if i < 0 {
		return nil
	}
	return &s.Pulls[i]
}

// open are the branches with an open pull request of ours.
func (s *State) open() []string {
	var out []string
	for _, p := range s.Pulls {
		if p.State == PullOpen {
			out = append(out, p.Branch)
		}
	}
	return out
}

func (s *State) branch(name string) *Branch {
	i := slices.IndexFunc(s.Branches, func(b Branch) bool { return b.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Branches[i]
}

// A scope is all that decides what happens to one pull request next.
type scope struct {
	proposal *Proposal // nil: nothing to propose
	record   Record
	state    State
	band     float64     // within which sizes are the same
	room     bool        // one more pull request may be open
	obsolete string      // why the open one has nothing left to propose; "" when it has
	word     func() post // title and body; asked for only when they are posted
	key      []byte
	now      time.Time
}

// A post is the text of a pull request.
type post struct{ title, body string }

// next is the one effect that brings the forge nearer to the proposal, or nil
// with the reason when nothing is to be done. It is a pure function of what is
// and what is meant, so it converges from wherever a crash left things.
func (s *scope) next() (Effect, string) {
	branch, open := s.state.branch(s.record.Branch), s.state.openPull(s.record.Branch)
	if branch != nil && !s.ours(branch) {
		return nil, "a person pushed to " + s.record.Branch + ": it is theirs"
	}
	switch {
	case s.proposal == nil && open != nil && s.obsolete != "":
		return ClosePull{Number: open.Number, Branch: s.record.Branch, Why: s.obsolete}, ""
	case s.proposal == nil:
		return nil, "nothing to propose"
	case s.record.Snoozed.After(s.now):
		return nil, "snoozed until " + s.record.Snoozed.UTC().Format(time.DateOnly)
	case open == nil && !s.room:
		return nil, "enough pull requests are open"
	case open != nil && !open.Conflicts && s.carried(branch) && s.told(open):
		return nil, fmt.Sprintf("pull request %d says it", open.Number)
	case open != nil && !open.Conflicts && s.carried(branch):
		text := s.word()
		return EditPull{Number: open.Number, Title: text.title, Body: text.body, Plan: s.record.Plan}, ""
	case branch == nil || !s.carried(branch) || (open != nil && open.Conflicts):
		return s.push(branch), ""
	}
	text := s.word()
	return OpenPull{
		Branch: s.record.Branch, Base: s.state.Default, Title: text.title, Body: text.body,
		Plan: s.record.Plan,
	}, ""
}

// ours says whether the branch is as we left it, or as we would have if we had
// lived to remember it.
func (s *scope) ours(b *Branch) bool {
	if b.Head == s.record.Head {
		return true
	}
	if !b.ByUs {
		return false
	}
	plan := planOfMessage(b.Message)
	return s.record.Head == "" || (s.proposal != nil && plan == s.proposal.Plan)
}

// carried says whether the branch holds what is proposed.
func (s *scope) carried(b *Branch) bool {
	if b == nil {
		return false
	}
	if planOfMessage(b.Message) == s.proposal.Plan {
		return true
	}
	return b.Head == s.record.Head && planOfMessage(b.Message) == s.record.Plan && same(s.record.Wants, s.proposal.Wants, s.band)
}

// told says whether the text of the pull request is about what its branch
// holds. A text without our marker is a person's by now.
func (s *scope) told(p *Pull) bool {
	m, ok := findMarker(s.key, s.record.Scope, p.Body)
	return !ok || m.Plan == s.record.Plan
}

func (s *scope) push(b *Branch) Push {
	e := Push{Branch: s.record.Branch, Parent: s.proposal.Commit, Plan: s.proposal.Plan, Message: message(s.proposal)}
	if b != nil {
		e.Was = b.Head
	}
	for _, p := range s.proposal.Patches {
		e.Files = append(e.Files, File{Path: p.Path, Content: p.After})
	}
	return e
}

// adopt takes over what is on the forge and not in the memory: the process
// died between the effect and the note of it, or the memory was lost.
func (s *scope) adopt() {
	b := s.state.branch(s.record.Branch)
	if b == nil || !s.ours(b) || s.proposal == nil {
		return
	}
	if planOfMessage(b.Message) == s.proposal.Plan {
		s.record.Plan, s.record.Wants, s.record.Promises = s.proposal.Plan, s.proposal.Wants, s.proposal.Promises
	}
	s.record.Head = b.Head
	if p := s.state.openPull(s.record.Branch); p != nil {
		s.record.Pull, s.record.State = p.Number, PullOpen
	}
}

// did notes an effect in the record and in the state, as if it were observed.
func (s *scope) did(e Effect, r Receipt) {
	s.record.At = s.now
	switch e := e.(type) {
	case Push:
		s.record.Head, s.record.Plan, s.record.Wants, s.record.Promises = r.Commit, s.proposal.Plan, s.proposal.Wants, s.proposal.Promises
		s.state.Branches = slices.DeleteFunc(s.state.Branches, func(b Branch) bool { return b.Name == e.Branch })
		s.state.Branches = append(s.state.Branches, Branch{Name: e.Branch, Head: r.Commit, Parent: e.Parent, Message: e.Message, ByUs: true})
		if p := s.state.openPull(e.Branch); p != nil {
			p.Conflicts = false
		}
	case OpenPull:
		s.record.Pull, s.record.State = int(r.ID), PullOpen
		s.state.Pulls = append(s.state.Pulls, Pull{Number: int(r.ID), State: PullOpen, ByUs: true, Branch: e.Branch, Body: e.Body})
	case EditPull:
		if p := s.state.pullNumber(e.Number); p != nil {
			p.Body = e.Body
		}
	case ClosePull:
		s.record.State = PullClosed
		if p := s.state.pullNumber(e.Number); p != nil {
			p.State = PullClosed
		}
		s.state.Branches = slices.DeleteFunc(s.state.Branches, func(b Branch) bool { return b.Name == e.Branch })
	}
}

// obsolete says why an open pull request has nothing left to propose; "" while
// it may still be right. That no rule speaks today is no reason: runs age, and
// a pull request that comes and goes is noise.
func obsolete(rec Record, d Decision) string {
	if len(rec.Wants) == 0 {
		return ""
	}
	if rec.takesBack() {
		return "It is not to be taken back any more: the file or the policy changed since."
	}
	elsewhere := func(w Wanted) bool {
		return slices.ContainsFunc(d.Proposals, func(p Proposal) bool {
			return p.Scope != rec.Scope && p.Back == nil && slices.ContainsFunc(p.Wants, func(o Wanted) bool { return o.Job == w.Job && o.Key == w.Key })
		})
	}
	for _, w := range rec.Wants {
		if w.Outcome == statusText[patcher.Applied] && !d.says(w) && !elsewhere(w) {
			return ""
		}
	}
	return "The default branch says all of it already."
}

// says says whether the repository has the wanted value, or no longer the job.
func (d *Decision) says(w Wanted) bool {
	i := slices.IndexFunc(d.Jobs, func(jd JobDecision) bool { return jd.Job.ID == w.Job })
	if i < 0 {
		return true
	}
	site := d.Jobs[i].Job.Winner(w.Key)
	return site != nil && site.Value == w.To
}

// message is the commit message of a proposal. GitHub reads mentions and
// references in it as in any other text.
func message(p *Proposal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "sparktune: %s\n\n", plural(applied(p.Wants), "setting"))
	for _, w := range p.Wants {
		if w.Outcome == statusText[patcher.Applied] {
			fmt.Fprintf(&b, "%s: %s %s -> %s (%s)\n", prompts.Foreign(w.Job), w.Key, cmp.Or(prompts.Foreign(w.From), "unset"), prompts.Foreign(w.To), w.Rule)
		}
	}
	fmt.Fprintf(&b, "\n%s%s\n", planTrailer, p.Plan)
	return b.String()
}

func applied(wants []Wanted) int {
	n := 0
	for _, w := range wants {
		if w.Outcome == statusText[patcher.Applied] {
			n++
		}
	}
	return n
}
