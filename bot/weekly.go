package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sparktune/sparktune/bot/policy"
)

// Weekly brings the pull requests of a repository in line with what its runs
// say. When nothing changed it writes nothing. What cannot be done for one of them
// is in the error, and the others are brought in line all the same.
func (b *Bot) Weekly(ctx context.Context, r Repo) (Outcome, error) {
	var out Outcome
	err := whileStale(func() error {
		// What an earlier round did stays done, and stays told.
		did := out.Did
		records, err := b.Memory.Recall(ctx, r.ID)
		if err != nil {
			return err
		}
		s, err := b.Forge.Observe(ctx, r, Query{Known: pullsOf(records)})
		if err != nil {
			return err
		}
		out = Outcome{Repo: s.Repo.String(), Commit: s.Head, Did: did}
		return b.weekly(ctx, s, records, &out)
	})
	return out, err
}

// pullsOf are the pull requests that are remembered.
func pullsOf(records []Record) []int {
	var out []int
	for _, rec := range records {
		if rec.Pull != 0 {
			out = append(out, rec.Pull)
		}
	}
	return out
}

func (b *Bot) weekly(ctx context.Context, s State, records []Record, out *Outcome) error {
	switch {
	case s.Archived:
		out.leave("", "the repository is archived")
		return nil
	case s.Head == "":
		out.leave("", "the repository is empty")
		return nil
	}
	if err := b.reconcile(ctx, s, records); err != nil {
		return err
	}
	snap, err := b.snapshot(ctx, s, s.Head, "", records)
	if list := mistakes(err); list != "" {
		out.leave("", policy.File+" has mistakes, so nothing was judged:\n"+list)
		return nil
	}
	if err != nil {
		return err
	}
	d, err := b.decide(ctx, snap)
	if err != nil {
		return err
	}
	if err := b.judged(ctx, records, d.Remembered); err != nil {
		return err
	}
	if len(d.Jobs) == 0 {
		out.leave("", "no Spark job is declared here")
	}
	open := s.open()
	var errs []error // each is its own scope's matter: the others go on
	for _, p := range d.Proposals {
		sc := b.scope(ctx, s, snap, d, findRecord(records, s.Repo.ID, p.Scope), &p)
		sc.room = len(open) < snap.Policy.Pulls.MaxOpen || p.Back != nil && snap.Policy.Pulls.MaxOpen > 0
		err := b.submit(ctx, sc, out)
		if err == nil {
			err = b.label(ctx, s, sc.record, snap.Policy.Pulls.Labels)
		}
		if err != nil {
			errs = append(errs, inScope(p.Scope, err))
			// The words of a verdict are about what takes the merge back.
			d.Verdicts = slices.DeleteFunc(d.Verdicts, func(a Announcement) bool { return backScope(a.Pull) == p.Scope })
		}
		if sc.record.State == PullOpen && !slices.Contains(open, sc.record.Branch) {
			open = append(open, sc.record.Branch)
		}
		records = put(records, sc.record)
	}
	errs = append(errs, b.announce(ctx, s.Repo, d.Verdicts, records, out), b.tidy(ctx, s, snap, d, records, out))
	return errors.Join(errs...)
}

// inScope says of which scope an error is.
func inScope(scope string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", scope, err)
}

// put replaces the record of a scope, or adds it.
func put(records []Record, rec Record) []Record {
	if i := slices.IndexFunc(records, func(r Record) bool { return r.Scope == rec.Scope }); i >= 0 {
		records[i] = rec
		return records
	}
	return append(records, rec)
}

// label gives an open pull request its labels, when it is new.
func (b *Bot) label(ctx context.Context, s State, rec Record, labels []string) error {
	if rec.State != PullOpen || rec.Pull == 0 || len(labels) == 0 {
		return nil
	}
	_, err := b.do(ctx, s, Label{Number: rec.Pull, Labels: labels})
	return err
}

// tidy looks at the scopes that nothing is proposed for.
func (b *Bot) tidy(ctx context.Context, s State, snap Snapshot, d Decision, records []Record, out *Outcome) error {
	var errs []error
	for _, rec := range records {
		if slices.ContainsFunc(d.Proposals, func(p Proposal) bool { return p.Scope == rec.Scope }) {
			continue
		}
		errs = append(errs, inScope(rec.Scope, b.submit(ctx, b.scope(ctx, s, snap, d, rec, nil), out)))
	}
	return errors.Join(errs...)
}

// reconcile brings what we remember in line with what is.
func (b *Bot) reconcile(ctx context.Context, s State, records []Record) error {
	for i, rec := range records {
		now := reconcile(rec, s, b.Now())
		if now.State == rec.State {
			continue
		}
		if err := b.Memory.Remember(ctx, now); err != nil {
			return err
		}
		records[i] = now
	}
	return nil
}

func (b *Bot) scope(ctx context.Context, s State, snap Snapshot, d Decision, rec Record, p *Proposal) *scope {
	sc := &scope{
		proposal: p, record: rec, state: s, band: snap.Policy.Gates.DeadBand,
		obsolete: obsolete(rec, d), key: b.Key, now: b.Now(),
	}
	var text *post
	sc.word = func() post {
		if text == nil {
			t := b.wording(ctx, p, sc.record.Plan)
			text = &t
		}
		return *text
	}
	return sc
}

// wording is the text of a proposal's pull request.
func (b *Bot) wording(ctx context.Context, p *Proposal, plan string) post {
	end := marker{About: p.Scope, Plan: plan, Words: "plain"}
	if p.Back != nil {
		return backPost(p, end.sign(b.Key))
	}
	told := b.tell(ctx, p.Jobs)
	end.Words = kindsOf(told)
	return pullPost(p, told, end.sign(b.Key))
}

// submit does effect after effect until nothing is left to do for the scope,
// and remembers after each.
func (b *Bot) submit(ctx context.Context, sc *scope, out *Outcome) error {
	was := sc.record.Head
	sc.adopt()
	if sc.record.Head != was {
		if err := b.Memory.Remember(ctx, sc.record); err != nil {
			return err
		}
	}
	for {
		e, why := sc.next()
		if e == nil {
			out.leave(sc.record.Scope, why)
			return nil
		}
		receipt, err := b.do(ctx, sc.state, e)
		if err != nil {
			return err
		}
		sc.did(e, receipt)
		if err := b.Memory.Remember(ctx, sc.record); err != nil {
			return err
		}
		out.Did = append(out.Did, Done{Scope: sc.record.Scope, Effect: e.Key(), ID: receipt.ID})
	}
}

func (o *Outcome) leave(scope, why string) { o.Left = append(o.Left, Left{scope, why}) }
