package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/store"
	"github.com/sparktune/sparktune/webhooks"
)

// An inbox is the sink of the webhooks: what somebody will act on goes into the
// store.
type inbox struct{ s *server }

// Accept implements [webhooks.Sink].
func (i inbox) Accept(ctx context.Context, d webhooks.Delivery) error {
	e, err := webhooks.Parse(d)
	if err != nil {
		return err
	}
	out, wanted := deliveryOf(d, e)
	if !wanted {
		i.s.log.InfoContext(ctx, "nothing to do", "guid", d.GUID, "event", d.Event)
		return nil
	}
	return i.s.store.Accept(ctx, out)
}

// deliveryOf says whether an event leads to anything, and what makes it the same
// as another: what it tells of itself, else all of the body. The GUID does not:
// it is not signed, and whoever has a body can send it again under another.
//
// A review looks at the pull request as it is then, so that of a burst of pushes
// the last is enough; a command is a command. What follows an installation looks
// at what is too: a replay does no harm there, and two changes may read alike.
func deliveryOf(d webhooks.Delivery, e webhooks.Event) (out store.Delivery, wanted bool) {
	out = store.Delivery{GUID: d.GUID, Event: d.Event, Body: d.Body, Happened: signed(d.Body)}
	switch p := e.Payload.(type) {
	case webhooks.PullRequest:
		out.Happened = fmt.Sprintf("pull %d %d %s %s %s", e.Repo.ID, p.Number, p.Action, p.Head, e.At.Format(time.RFC3339))
		out.Subject, out.Newest = pullSubject(e.Repo.ID, p.Number), true
		return out, e.Installation != 0 && p.Action != "closed"
	case webhooks.Command:
		out.Happened = fmt.Sprintf("comment %d", p.Comment)
		out.Subject = pullSubject(e.Repo.ID, p.Pull)
		return out, e.Installation != 0
	case webhooks.MergeGroup:
		out.Subject = fmt.Sprintf("commit %d %s", e.Repo.ID, p.Head)
		return out, e.Installation != 0
	case webhooks.CheckRerequested:
		out.Subject = fmt.Sprintf("checks %d %s", e.Repo.ID, p.Head)
		return out, e.Installation != 0
	case webhooks.InstallationChanged:
		out.Happened, out.Subject, out.Newest = "", "installations", true
		return out, true
	case webhooks.RepositoryChanged:
		out.Subject = fmt.Sprintf("repository %d", e.Repo.ID)
		return out, e.Installation != 0
	}
	return out, false // the weekly pass looks at branches itself
}

// signed identifies the body of a delivery, which its signature covers.
func signed(body []byte) string {
	sum := sha256.Sum256(body)
	return fmt.Sprintf("body %x", sum[:16])
}

func pullSubject(repo int64, number int) string { return fmt.Sprintf("pull %d %d", repo, number) }

// work acts on a delivery: the switch from what happened to what is done.
func (s *server) work(ctx context.Context, d store.Delivery) error {
	if d.Event == store.EventDue {
		if d.GivenUp {
			return nil // nobody waits for it
		}
		var r bot.Repo
		if err := json.Unmarshal(d.Body, &r); err != nil {
			return err
		}
		return s.worded(ctx, d, "weekly", func(b *bot.Bot) (bot.Outcome, error) { return b.Weekly(ctx, r) })
	}
	e, err := webhooks.Parse(webhooks.Delivery{GUID: d.GUID, Event: d.Event, Body: d.Body})
	if err != nil {
		return err
	}
	r := bot.Repo{ID: e.Repo.ID, Owner: e.Repo.Owner, Name: e.Repo.Name, Installation: e.Installation}
	switch p := e.Payload.(type) {
	case webhooks.PullRequest:
		return s.review(ctx, d, r, p.Number, "")
	case webhooks.CheckRerequested:
		return s.recheck(ctx, d, r, p)
	case webhooks.Command:
		c := bot.Command{Pull: p.Pull, Comment: p.Comment, Body: p.Body, Author: p.Author, Verb: p.Verb}
		if d.GivenUp {
			return s.report(ctx, d, "give up", func() (bot.Outcome, error) { return s.bot.Unanswered(ctx, r, c) })
		}
		return s.worded(ctx, d, "answer", func(b *bot.Bot) (bot.Outcome, error) { return b.Answer(ctx, r, c) })
	case webhooks.MergeGroup:
		return s.report(ctx, d, "pass", func() (bot.Outcome, error) { return s.bot.Pass(ctx, r, p.Head) })
	case webhooks.InstallationChanged:
		return s.sync(ctx)
	case webhooks.RepositoryChanged:
		if p.Action == "deleted" {
			return s.store.Unschedule(ctx, r.ID)
		}
		return s.schedule(ctx, r)
	}
	return nil
}

// review reviews a pull request. When that is given up its check is concluded
// all the same: it may be one that must pass.
func (s *server) review(ctx context.Context, d store.Delivery, r bot.Repo, number int, again string) error {
	if d.GivenUp {
		return s.report(ctx, d, "give up", func() (bot.Outcome, error) { return s.bot.Unreviewed(ctx, r, number, again) })
	}
	return s.report(ctx, d, "review", func() (bot.Outcome, error) { return s.bot.Review(ctx, r, number, again) })
}

// recheck reviews again the pull requests that a person wants to be: those that
// GitHub names, and where it names none, as for commits of forks, those that our
// checks on the commit are about.
func (s *server) recheck(ctx context.Context, d store.Delivery, r bot.Repo, p webhooks.CheckRerequested) error {
	numbers := p.Pulls
	if len(numbers) == 0 {
		checks, err := s.app.Checks(ctx, r, p.Head)
		if err != nil {
			return err
		}
		for _, c := range checks {
			if n := bot.Reviewed(c); n != 0 && !slices.Contains(numbers, n) {
				numbers = append(numbers, n)
			}
		}
	}
	var errs []error
	for _, n := range numbers {
		errs = append(errs, s.review(ctx, d, r, n, signed(d.Body)))
	}
	return errors.Join(errs...)
}

// worded runs a flow that may ask the model, with a budget of its own, and tells
// what that took however it ended.
func (s *server) worded(ctx context.Context, d store.Delivery, flow string, run func(*bot.Bot) (bot.Outcome, error)) error {
	words, own := s.words.afresh(), *s.bot
	own.Writer = words.Writer
	do := func() (bot.Outcome, error) { return run(&own) }
	if words.model == nil {
		return s.report(ctx, d, flow, do)
	}
	err := s.report(ctx, d, flow, do, "model", words)
	if err != nil {
		s.log.InfoContext(ctx, "not done", "flow", flow, "guid", d.GUID, "model", words)
	}
	return err
}

// report runs a flow and tells how it ended, and more about it.
func (s *server) report(ctx context.Context, d store.Delivery, flow string, run func() (bot.Outcome, error), more ...any) error {
	out, err := run()
	s.metrics.ended(flow, err)
	if err != nil {
		return err // the store tells it, and what becomes of it
	}
	s.log.With(more...).InfoContext(ctx, "done", "flow", flow, "guid", d.GUID, "repository", out.Repo, "did", out.Did, "left", out.Left)
	return nil
}
