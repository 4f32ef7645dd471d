package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sparktune/sparktune/prompts"
)

// A Command is what a person asked for in a comment on a pull request.
type Command struct {
	Pull    int
	Comment int64
	Body    string // as it was delivered
	Author  string
	Verb    string // "report", "help"; another one is answered with the help
}

// Answer answers a command once: to a writer with a comment, to anybody else
// with a sign.
func (b *Bot) Answer(ctx context.Context, r Repo, c Command) (Outcome, error) {
	out := Outcome{Repo: r.String()}
	s, err := b.Forge.Observe(ctx, r, Query{Pull: c.Pull, Comment: c.Comment, Login: c.Author})
	if err != nil {
		return out, err
	}
	about := fmt.Sprintf("command %d", c.Comment)
	switch {
	case s.Pull == nil || s.Comment == nil:
		out.leave("", "the pull request or the comment is gone")
		return out, nil
	case s.Comment.Author != c.Author || s.Comment.Body != c.Body:
		out.leave("", "the comment was edited since")
		return out, nil
	case slices.ContainsFunc(s.Comments, func(o Comment) bool {
		_, ours := findMarker(b.Key, about, o.Body)
		return ours && o.ByUs
	}):
		out.leave("", "it is answered")
		return out, b.each(ctx, s.Repo, &out, React{Comment: c.Comment, Content: "rocket"})
	case s.Permission < PermissionWrite:
		return out, b.each(ctx, s.Repo, &out, React{Comment: c.Comment, Content: "confused"})
	}
	if err := b.each(ctx, s.Repo, &out, React{Comment: c.Comment, Content: "eyes"}); err != nil {
		return out, err
	}
	text := help
	if c.Verb == "report" {
		if text, err = b.report(ctx, s); err != nil {
			return out, err
		}
	}
	body := text + "\n" + marker{About: about, Words: "plain"}.sign(b.Key) + "\n"
	return out, b.each(ctx, s.Repo, &out, AddComment{Pull: c.Pull, For: about, Body: body}, React{Comment: c.Comment, Content: "rocket"})
}

const help = "| Command | Does |\n|---|---|\n" +
	"| `/sparktune report` | what the measured runs say of the jobs that this pull request touches |\n" +
	"| `/sparktune help` | this table |\n"

func (b *Bot) each(ctx context.Context, r Repo, out *Outcome, effects ...Effect) error {
	for _, e := range effects {
		receipt, err := b.do(ctx, r, e)
		if err != nil {
			return err
		}
		out.Did = append(out.Did, Done{Effect: e.Key(), ID: receipt.ID})
	}
	return nil
}

// report is on the jobs that the pull request touches, on all when it touches
// none.
func (b *Bot) report(ctx context.Context, s State) (string, error) {
	snap, err := b.snapshot(ctx, s, s.Pull.Head, s.Pull.BaseCommit, nil)
	if m := mistakes(err); m != "" {
		return "The policy of the base branch has mistakes, so nothing was judged:\n\n" + m, nil
	}
	if err != nil {
		return "", err
	}
	d, err := b.decide(ctx, snap)
	if err != nil {
		return "", err
	}
	jobs := touched(d.Jobs, s.Pull.Files)
	var head strings.Builder
	switch {
	case len(d.Jobs) == 0:
		return "No Spark job is declared here.\n", nil
	case len(jobs) == 0:
		jobs = d.Jobs
		head.WriteString("This pull request touches no Spark job; the report is on all of the repository.\n\n")
	}
	told := b.tell(ctx, jobs)
	head.WriteString("| Job | Runs | Recommended |\n|---|---|---|\n")
	var rows []string
	for _, t := range told {
		rows = append(rows, fmt.Sprintf("| `%s` | %d | %s |\n", prompts.Foreign(t.Job.ID), t.Advice.Runs, recommended(t)))
	}
	some(&head, rows, "job")
	head.WriteByte('\n')
	return head.String() + fold(told, maxBody-utf8.RuneCountInString(head.String())-500), nil
}

func recommended(t telling) string {
	if len(t.facts.Changes) == 0 {
		return "nothing"
	}
	var parts []string
	for _, c := range t.facts.Changes {
		parts = append(parts, fmt.Sprintf("`%s` = `%s`", c.Key, c.To.Text))
	}
	return strings.Join(parts, ", ")
}

// touched are the jobs that are declared or set in one of the files.
func touched(jobs []JobDecision, files []string) []JobDecision {
	var out []JobDecision
	for _, jd := range jobs {
		in := slices.Contains(files, jd.Job.Path)
		for _, site := range jd.Job.Sites {
			in = in || slices.Contains(files, site.Path)
		}
		if in {
			out = append(out, jd)
		}
	}
	return out
}
