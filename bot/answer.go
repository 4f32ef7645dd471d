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
// with a sign. Who stops calling it after an error calls [Bot.Unanswered].
func (b *Bot) Answer(ctx context.Context, r Repo, c Command) (Outcome, error) {
	out := Outcome{Repo: r.String()}
	s, why, err := b.heard(ctx, r, c)
	switch {
	case err != nil:
		return out, err
	case why != "":
		out.leave("", why)
		return out, nil
	case b.said(s, c.about()):
		out.leave("", "it is answered")
		return out, b.each(ctx, s, &out, React{Comment: c.Comment, Content: "rocket"})
	case s.Permission < PermissionWrite:
		return out, b.each(ctx, s, &out, React{Comment: c.Comment, Content: "confused"})
	}
	if err := b.each(ctx, s, &out, React{Comment: c.Comment, Content: "eyes"}); err != nil {
		return out, err
	}
	text := help
	if c.Verb == "report" {
		if text, err = b.report(ctx, s); err != nil {
			return out, err
		}
	}
	return out, b.each(ctx, s, &out, b.reply(c.Pull, c.about(), text), React{Comment: c.Comment, Content: "rocket"})
}

// Unanswered tells a writer that the command could not be answered.
func (b *Bot) Unanswered(ctx context.Context, r Repo, c Command) (Outcome, error) {
	out := Outcome{Repo: r.String()}
	s, why, err := b.heard(ctx, r, c)
	switch {
	case err != nil:
		return out, err
	case why != "":
		out.leave("", why)
		return out, nil
	case b.said(s, c.about()):
		out.leave("", "it is answered")
		return out, nil
	}
	sign := React{Comment: c.Comment, Content: "confused"}
	if about := c.about() + " failed"; s.Permission >= PermissionWrite && !b.said(s, about) {
		return out, b.each(ctx, s, &out, b.reply(c.Pull, about, unanswered), sign)
	}
	return out, b.each(ctx, s, &out, sign)
}

const unanswered = "This could not be done: the repository could not be loaded or judged. Comment the command again to have it tried again.\n"

// heard observes a command, and says why it is not to be answered; "" when it
// is.
func (b *Bot) heard(ctx context.Context, r Repo, c Command) (s State, why string, err error) {
	s, err = b.Forge.Observe(ctx, r, Query{Pull: c.Pull, Comment: c.Comment, Login: c.Author})
	switch {
	case err != nil:
	case s.Pull == nil || s.Comment == nil:
		why = "the pull request or the comment is gone"
	case s.Comment.Author != c.Author || s.Comment.Body != c.Body:
		why = "the comment was edited since"
	}
	return s, why, err
}

// about names what the answer is about, for its marker.
func (c Command) about() string { return fmt.Sprintf("command %d", c.Comment) }

// said says whether a comment of ours has the marker.
func (b *Bot) said(s State, about string) bool {
	return slices.ContainsFunc(s.Comments, func(c Comment) bool {
		_, ours := findMarker(b.Key, about, c.Body)
		return ours && c.ByUs
	})
}

// reply is a comment with its marker.
func (b *Bot) reply(pull int, about, text string) AddComment {
	return AddComment{Pull: pull, For: about, Body: text + "\n" + marker{About: about, Words: "plain"}.sign(b.Key) + "\n"}
}

const help = "| Command | Does |\n|---|---|\n" +
	"| `/sparktune report` | what the measured runs say of the jobs that this pull request touches |\n" +
	"| `/sparktune help` | this table |\n"

func (b *Bot) each(ctx context.Context, s State, out *Outcome, effects ...Effect) error {
	for _, e := range effects {
		receipt, err := b.do(ctx, s, e)
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
