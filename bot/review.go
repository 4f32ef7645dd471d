package bot

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
	"github.com/sparktune/sparktune/prompts"
)

// A Move is one setting that a pull request changes, and what the measured runs
// say that it will do.
type Move struct {
	Job      string
	Key      string
	From, To string // "" is not set
	Path     string
	Line     int // at the head; 0 when the setting was removed
	Prospect analysis.Prospect
	Reason   string
}

// prospectText is what a prospect is called for people.
var prospectText = map[analysis.Prospect]string{
	analysis.NoEffect: "no effect", analysis.Improves: "improves", analysis.Harmless: "harmless", analysis.Unknown: "not known",
	analysis.Wastes: "wastes", analysis.Slows: "slows", analysis.NotShownSafe: "not shown safe", analysis.RisksOOM: "risks out of memory",
}

// against says whether what was measured speaks against the move.
func (m Move) against() bool {
	bad := []analysis.Prospect{analysis.Wastes, analysis.Slows, analysis.NotShownSafe, analysis.RisksOOM}
	return slices.Contains(bad, m.Prospect)
}

// moves are the settings of jobs that are in both trees and differ. A new job
// has no runs, and of a removed one nothing is asked.
func (d *Decision) moves(base fs.FS, pol policy.Policy) ([]Move, error) {
	before, err := patcher.Find(base, pol.Operators...)
	if err != nil {
		return nil, fmt.Errorf("find the jobs of the base: %w", err)
	}
	var out []Move
	for _, jd := range d.Jobs {
		old := before.Job(jd.Job.ID)
		if old == nil {
			continue
		}
		out = append(out, jd.moves(old, pol.Gates)...)
	}
	return out, nil
}

// moves are those of one job, assessed together: a larger heap with fewer cores
// is another thing than each of them.
func (jd *JobDecision) moves(old *patcher.Job, gates analysis.Policy) []Move {
	var out []Move
	proposed := analysis.Conf{}
	for _, key := range keysOf(old, &jd.Job) {
		m, moved := move(old, &jd.Job, key)
		if !moved {
			continue
		}
		out = append(out, m)
		if m.Reason == "" {
			proposed[key] = m.To
		}
	}
	for _, c := range analysis.Assess(jd.Profile, proposed, gates).Changes {
		i := slices.IndexFunc(out, func(m Move) bool { return m.Key == c.Key })
		out[i].Prospect, out[i].Reason = c.Prospect, c.Reason
	}
	return out
}

func keysOf(jobs ...*patcher.Job) []string {
	var keys []string
	for _, j := range jobs {
		for _, s := range j.Sites {
			keys = append(keys, s.Key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func move(old, job *patcher.Job, key string) (Move, bool) {
	m := Move{Job: job.ID, Key: key, Path: job.Path, Prospect: analysis.Unknown}
	a, b := old.Winner(key), job.Winner(key)
	if a != nil {
		m.From = cmp.Or(a.Value, a.Dynamic)
	}
	if b != nil {
		m.To, m.Path, m.Line = cmp.Or(b.Value, b.Dynamic), b.Path, b.Line
		if b.Dynamic != "" {
			m.Reason = "its value is only known when it runs"
		}
	}
	return m, m.From != m.To
}

// Review answers what a pull request will do to the Spark jobs that it changes,
// by one concluded check run. It always concludes: a required check that
// hangs would block the pull request for ever. Who stops calling it after an
// error calls [Bot.Unreviewed].
//
// A review of the same head and base is made once; again names a person's
// request to have it made once more, and is "" otherwise.
func (b *Bot) Review(ctx context.Context, r Repo, number int, again string) (Outcome, error) {
	var out Outcome
	err := whileStale(func() error {
		var err error
		out, err = b.conclude(ctx, r, number, again, b.review)
		return err
	})
	return out, err
}

// Unreviewed concludes the check of a pull request that could not be reviewed.
func (b *Bot) Unreviewed(ctx context.Context, r Repo, number int, again string) (Outcome, error) {
	return b.conclude(ctx, r, number, again, func(context.Context, State) (Conclude, error) {
		return Conclude{
			Conclusion: "neutral", Title: "not reviewed",
			Summary: "The pull request could not be loaded or judged. Run the check again to have it tried again.",
		}, nil
	})
}

// Pass concludes the check of a commit that a merge queue made: what is in it
// was reviewed on its pull requests, and a queue waits for a check that must
// pass.
func (b *Bot) Pass(ctx context.Context, r Repo, head string) (Outcome, error) {
	out := Outcome{Repo: r.String(), Commit: head}
	// What such a commit has is not observed: a second check would say the same.
	return out, b.each(ctx, State{At: b.Now(), Repo: r}, &out, Conclude{
		Head: head, ExternalID: "merge group", Conclusion: "success",
		Title: "reviewed on its pull requests", Summary: "A merge queue changes no setting that its pull requests do not change.",
	})
}

// reviewPrefix begins the external id of a review's check run; the number of the
// pull request follows. It is stored on GitHub.
const reviewPrefix = "review "

// Reviewed is the pull request that a check of ours is about; 0 when it is none
// of a review. GitHub itself does not tell of which pull request a commit of a
// fork is.
func Reviewed(c Check) int {
	rest, _ := strings.CutPrefix(c.ExternalID, reviewPrefix)
	number, _, _ := strings.Cut(rest, " ")
	n, _ := strconv.Atoi(number) // 0 when it is no number
	return n
}

// conclude posts the check run of a pull request, unless it is there.
func (b *Bot) conclude(ctx context.Context, r Repo, number int, again string, review func(context.Context, State) (Conclude, error)) (Outcome, error) {
	out := Outcome{Repo: r.String()}
	s, err := b.Forge.Observe(ctx, r, Query{Pull: number})
	if err != nil {
		return out, err
	}
	if s.Pull == nil || s.Pull.State != PullOpen {
		out.leave("", "the pull request is not open")
		return out, nil
	}
	out.Commit = s.Pull.Head
	id := strings.TrimSpace(fmt.Sprintf("%s%d %s %s", reviewPrefix, number, s.Pull.BaseCommit, again))
	if slices.ContainsFunc(s.Checks, func(c Check) bool { return c.ExternalID == id && c.Conclusion != "" }) {
		out.leave("", "the check is concluded")
		return out, nil
	}
	check, err := review(ctx, s)
	if err != nil {
		return out, err
	}
	check.Head, check.ExternalID = s.Pull.Head, id
	return out, b.each(ctx, s, &out, check)
}

// review is the check to conclude. Whatever fails may be tried again: who gives
// up has it concluded by [Bot.Unreviewed].
func (b *Bot) review(ctx context.Context, s State) (Conclude, error) {
	snap, err := b.snapshot(ctx, s, s.Pull.Head, s.Pull.BaseCommit, nil)
	if list := mistakes(err); list != "" {
		return b.unjudged(ctx, s, list)
	}
	if err != nil {
		return Conclude{}, err
	}
	d, err := b.decide(ctx, snap)
	if err != nil {
		return Conclude{}, err
	}
	return conclusion(d, configMistakes(snap.Files, s.Pull)), nil
}

// unjudged is the check where the policy of the base has mistakes. The pull
// request that is to mend them is told of its own.
func (b *Bot) unjudged(ctx context.Context, s State, list string) (Conclude, error) {
	files, err := b.Trees.Tree(ctx, s.Repo, s.Pull.Head)
	if err != nil {
		return Conclude{}, fmt.Errorf("load %s: %w", s.Pull.Head, err)
	}
	c := Conclude{
		Conclusion: "neutral", Title: policy.File + " of the base branch has mistakes",
		Summary: "With these mistakes nothing is judged:\n\n" + list, Notes: capped(configMistakes(files, s.Pull)),
	}
	switch {
	case len(c.Notes) > 0:
		c.Title = policy.File + " has mistakes"
		c.Summary += "\nThe pull request changes the file, and it has mistakes still.\n"
	case slices.Contains(s.Pull.Files, policy.File):
		c.Summary += "\nThe pull request mends them.\n"
	}
	return c, nil
}

// configMistakes are the mistakes of the policy file that the pull request
// would bring, on their lines.
func configMistakes(head fs.FS, p *Pull) []Annotation {
	if !slices.Contains(p.Files, policy.File) {
		return nil
	}
	_, err := policy.Load(head)
	var notes []Annotation
	for _, e := range policy.Errors(err) {
		notes = append(notes, Annotation{Path: policy.File, Line: max(1, e.Line), Level: "warning", Title: policy.File, Text: prompts.ForeignReason(e.Error())})
	}
	return notes
}

func mistakes(err error) string {
	var b strings.Builder
	for _, e := range policy.Errors(err) {
		fmt.Fprintf(&b, "- %s\n", prompts.ForeignReason(e.Error()))
	}
	return b.String()
}

// maxNotes is how many annotations one request may carry.
const maxNotes = 50

// conclusion is the check run: success when nothing measured speaks against
// the pull request, else neutral. It never fails one: it advises.
func conclusion(d Decision, notes []Annotation) Conclude {
	c := Conclude{Conclusion: "success", Title: "no Spark setting changes", Summary: "No job that is declared on both sides changes a Spark setting."}
	if n := len(d.Moves); n > 0 {
		c.Title, c.Summary = plural(n, "Spark setting")+" change", moveTable(d.Moves)
		if n == 1 {
			c.Title = "1 Spark setting changes"
		}
	}
	if slices.ContainsFunc(d.Moves, Move.against) {
		c.Conclusion, c.Title = "neutral", "what was measured speaks against a change"
	}
	if len(notes) > 0 {
		c.Conclusion, c.Title = "neutral", policy.File+" has mistakes; "+c.Title
		c.Summary = "With the mistakes in " + policy.File + " the file would be refused and nothing be advised.\n\n" + c.Summary
	}
	for _, m := range d.Moves {
		if m.Line > 0 {
			notes = append(notes, m.note())
		}
	}
	c.Notes = capped(notes)
	return c
}

func capped(notes []Annotation) []Annotation { return notes[:min(len(notes), maxNotes)] }

// note is the remark on the line of the move. Its path is where GitHub puts it,
// and no text.
func (m Move) note() Annotation {
	level := "notice"
	if m.against() {
		level = "warning"
	}
	return Annotation{
		Path: m.Path, Line: m.Line, Level: level, Title: prompts.Foreign(m.Key) + ": " + prospectText[m.Prospect],
		Text: prompts.ForeignReason(fmt.Sprintf("%s: %s", m.Job, m.Reason)),
	}
}

func moveTable(moves []Move) string {
	var b strings.Builder
	b.WriteString("| Job | Property | Now | Then | It | Because |\n|---|---|---|---|---|---|\n")
	for i, m := range moves {
		if i == maxNotes {
			fmt.Fprintf(&b, "\n%s more.\n", plural(len(moves)-i, "change"))
			break
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | `%s` | `%s` | %s | %s |\n", prompts.Foreign(m.Job), prompts.Foreign(m.Key),
			cmp.Or(prompts.Foreign(m.From), "not set"), cmp.Or(prompts.Foreign(m.To), "not set"), prospectText[m.Prospect], prompts.ForeignReason(m.Reason))
	}
	return b.String()
}
