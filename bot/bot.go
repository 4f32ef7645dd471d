package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/prompts"
)

// A Source has the measured runs.
type Source interface {
	// Runs are those that started in [from, to). It may hand out more than one
	// repository may see: what a repository may see is decided here.
	Runs(ctx context.Context, from, to time.Time) ([]analysis.Run, error)
	// Profiles are those of the runs that have one.
	Profiles(ctx context.Context, runs []analysis.Key) (map[analysis.Key]analysis.RunProfile, error)
}

// A Bot is the App's three flows over the world: [Bot.Weekly], [Bot.Answer]
// and [Bot.Review]. Each may be called again after any error, at any time and
// from several processes: what is done is not done twice.
type Bot struct {
	Forge  Forge
	Trees  Trees
	Source Source
	Memory Memory
	Server policy.Server
	Writer prompts.Writer
	Key    []byte // signs markers; the same for all processes and for ever
	Now    func() time.Time
	Log    *slog.Logger
}

// An Outcome is what a flow did, for a person who reads the log.
type Outcome struct {
	Repo   string `json:"repo"`
	Commit string `json:"commit,omitempty"`
	Did    []Done `json:"did"`
	Left   []Left `json:"left"`
}

// Done is an effect that was carried out.
type Done struct {
	Scope  string `json:"scope,omitempty"`
	Effect string `json:"effect"`
	ID     int64  `json:"id,omitempty"`
}

// Left is what was not touched, and why.
type Left struct {
	Scope string `json:"scope,omitempty"`
	Why   string `json:"why"`
}

// settle is how long an answer that was lost may still take to show in what
// the forge lists. Until then nothing is tried again.
const settle = 2 * time.Minute

// maxRounds is how often a flow looks again when the world moved under it.
const maxRounds = 4

// whileStale runs a flow again as long as the world moves under it.
func whileStale(flow func() error) error {
	for round := 1; ; round++ {
		err := flow()
		if !errors.Is(err, ErrStale) || round == maxRounds {
			return err
		}
	}
}

// do carries out an effect once, whatever dies in between. An effect whose
// answer was lost is only tried again when what the caller planned it from was
// observed after it had the time to show.
func (b *Bot) do(ctx context.Context, s State, e Effect) (Receipt, error) {
	entry, begun, err := b.Memory.Begin(ctx, s.Repo.ID, e.Key(), b.Now())
	if err != nil {
		return Receipt{}, fmt.Errorf("note the intent: %w", err)
	}
	if !begun {
		if early := s.At.Before(entry.At.Add(settle)); entry.Receipt != nil && (final(e) || early) {
			return *entry.Receipt, nil
		} else if early {
			wait := max(0, settle-b.Now().Sub(entry.At))
			return Receipt{}, &RetryError{After: wait, Unsure: true, Err: fmt.Errorf("%s: it is not known yet whether it happened", e.Key())}
		}
		if err := b.again(ctx, s.Repo, e); err != nil {
			return Receipt{}, err
		}
	}
	receipt, err := b.Forge.Do(ctx, s.Repo, e)
	var retry *RetryError
	switch {
	case err == nil:
		err = b.Memory.End(ctx, s.Repo.ID, e.Key(), &receipt)
	case errors.As(err, &retry) && retry.Unsure:
		retry.After = max(retry.After, settle)
	default:
		err = errors.Join(err, b.Memory.End(ctx, s.Repo.ID, e.Key(), nil))
	}
	if err != nil {
		return Receipt{}, fmt.Errorf("%s: %w", e.Key(), err)
	}
	return receipt, nil
}

// again forgets the earlier attempt and begins anew.
func (b *Bot) again(ctx context.Context, r Repo, e Effect) error {
	if err := b.Memory.End(ctx, r.ID, e.Key(), nil); err != nil {
		return fmt.Errorf("forget the earlier attempt: %w", err)
	}
	_, _, err := b.Memory.Begin(ctx, r.ID, e.Key(), b.Now())
	return err
}

// final says whether the effect is done once for ever. The others follow what
// is observed: a branch that a person removed can be pushed again.
func final(e Effect) bool {
	switch e.(type) {
	case AddComment, Label, React, Conclude:
		return true
	}
	return false
}

// snapshot loads what a decision about one commit may depend on. The
// policy is the base's: a pull request cannot change by what it is judged.
func (b *Bot) snapshot(ctx context.Context, s State, head, base string, remembered []Record) (Snapshot, error) {
	files, err := b.Trees.Tree(ctx, s.Repo, head)
	if err != nil {
		return Snapshot{}, fmt.Errorf("load %s: %w", head, err)
	}
	snap := Snapshot{Files: files, Commit: head, Now: b.Now(), Access: b.Server.Access(s.Repo.String(), s.Public), Remembered: remembered}
	rules := files
	if base != "" && base != head {
		if snap.Base, err = b.Trees.Tree(ctx, s.Repo, base); err != nil {
			return Snapshot{}, fmt.Errorf("load %s: %w", base, err)
		}
		rules = snap.Base
	}
	if snap.Policy, err = policy.Load(rules); err != nil {
		return Snapshot{}, err
	}
	snap.Runs, err = b.Source.Runs(ctx, snap.from(), snap.Now.Add(time.Second))
	if err != nil {
		return Snapshot{}, fmt.Errorf("read the runs: %w", err)
	}
	return snap, nil
}

// decide loads the profiles that the survey of the snapshot asks for, and
// decides.
func (b *Bot) decide(ctx context.Context, s Snapshot) (Decision, error) {
	v, err := Look(s)
	if err != nil {
		return Decision{}, err
	}
	profiles, err := b.Source.Profiles(ctx, v.Wanted())
	if err != nil {
		return Decision{}, fmt.Errorf("read the profiles of runs: %w", err)
	}
	return v.Decide(profiles)
}

// tell words the decisions about jobs.
func (b *Bot) tell(ctx context.Context, jobs []JobDecision) []telling {
	var out []telling
	for _, j := range jobs {
		f := j.Facts()
		report := b.Writer.Report(ctx, f)
		if report.Err != nil {
			b.Log.WarnContext(ctx, "the model did not answer; the plain words are used", "job", prompts.Inert(j.Job.ID), "error", report.Err)
		}
		if n := len(report.Violations); n > 0 {
			b.Log.WarnContext(ctx, "an answer of the model broke rules", "job", prompts.Inert(j.Job.ID), "violations", n, "plain", report.Plain)
		}
		out = append(out, telling{JobDecision: j, facts: f, words: report.Words, kind: kindOf(report)})
	}
	return out
}

// kindOf is what a marker says of the words: the version of the templates that
// a model answered, or that nobody but us wrote them.
func kindOf(r prompts.Report) string {
	if r.Plain {
		return "plain"
	}
	return r.Version[:min(len(r.Version), 12)]
}

// findRecord is what is remembered of a scope; a new one when nothing is.
func findRecord(records []Record, repo int64, scope string) Record {
	i := slices.IndexFunc(records, func(r Record) bool { return r.Scope == scope })
	if i < 0 {
		return Record{Repo: repo, Scope: scope, Branch: branchOf(scope)}
	}
	return records[i]
}
