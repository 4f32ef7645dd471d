package ghapp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v62/github"

	"github.com/sparktune/sparktune/bot"
)

// GitHub's limits on texts, in characters.
const (
	maxBody    = 65536
	maxSummary = 65535
	maxTitle   = 255
	maxNotes   = 50 // annotations a request
)

// Do implements bot.Forge.
func (a *App) Do(ctx context.Context, r bot.Repo, e bot.Effect) (bot.Receipt, error) {
	d := &doing{App: a, client: a.writer(r.Installation, r.ID), repo: r}
	var receipt bot.Receipt
	var err error
	switch e := e.(type) {
	case bot.Push:
		receipt.Commit, err = d.push(ctx, e)
	case bot.OpenPull:
		receipt.ID, err = d.openPull(ctx, e)
	case bot.Label:
		err = d.label(ctx, e)
	case bot.EditPull:
		receipt.ID, err = d.editPull(ctx, e)
	case bot.ClosePull:
		receipt.ID, err = d.closePull(ctx, e)
	case bot.AddComment:
		receipt.ID, err = d.addComment(ctx, e.Pull, e.Body)
	case bot.React:
		receipt.ID, err = d.react(ctx, e)
	case bot.Conclude:
		receipt.ID, err = d.conclude(ctx, e)
	default:
		err = fmt.Errorf("%T is no effect that GitHub knows", e)
	}
	if err != nil {
		return bot.Receipt{}, fmt.Errorf("%s: %w", r, err)
	}
	return receipt, nil
}

// doing is one effect on its way.
type doing struct {
	*App
	*client
	repo bot.Repo
}

// own refuses branches that are not the bot's.
func (d *doing) own(branch string) error {
	if !strings.HasPrefix(branch, d.cfg.Prefix) {
		return fmt.Errorf("%w: %q is not a branch of ours", bot.ErrDenied, branch)
	}
	return nil
}

// push makes the commit and then, as the only step that anybody sees, moves
// the branch: created when it is not there, or swapped for what it was.
func (d *doing) push(ctx context.Context, e bot.Push) (string, error) {
	if err := d.own(e.Branch); err != nil {
		return "", err
	}
	parent, err := d.parent(ctx, e)
	if err != nil {
		return "", err
	}
	entries, err := d.entries(ctx, e, parent)
	if err != nil {
		return "", err
	}
	tree, _, err := d.rest.Git.CreateTree(ctx, d.repo.Owner, d.repo.Name, parent.tree, entries)
	if err != nil {
		return "", d.fail(err, false)
	}
	// No author: GitHub takes the App, and signs.
	commit, _, err := d.rest.Git.CreateCommit(ctx, d.repo.Owner, d.repo.Name, &github.Commit{
		Message: &e.Message, Tree: tree, Parents: []*github.Commit{{SHA: &e.Parent}},
	}, nil)
	if err != nil {
		return "", d.fail(err, false)
	}
	ref := "refs/heads/" + e.Branch
	if e.Was == "" {
		_, _, err = d.rest.Git.CreateRef(ctx, d.repo.Owner, d.repo.Name, &github.Reference{Ref: &ref, Object: &github.GitObject{SHA: commit.SHA}})
		return commit.GetSHA(), d.fail(err, true)
	}
	return commit.GetSHA(), d.swap(ctx, parent.repo, ref, e.Was, commit.GetSHA())
}

// A parent is what a commit is made on top of.
type parent struct {
	repo  string // node id
	tree  string
	modes map[string]int
}

// parent looks up the tree of the commit and the modes of the files in it, all
// in one call.
func (d *doing) parent(ctx context.Context, e bot.Push) (parent, error) {
	vars := map[string]any{"owner": d.repo.Owner, "name": d.repo.Name, "oid": e.Parent}
	var params, fields strings.Builder
	for i, f := range e.Files {
		vars[fmt.Sprintf("p%d", i)] = f.Path
		fmt.Fprintf(&params, ", $p%d: String!", i)
		fmt.Fprintf(&fields, " f%d: file(path: $p%d) { mode }", i, i)
	}
	text := fmt.Sprintf(`query Parent($owner: String!, $name: String!, $oid: GitObjectID!%s) {
  repository(owner: $owner, name: $name, followRenames: false) { id object(oid: $oid) { ... on Commit { tree { oid } } } files: object(oid: $oid) { ... on Commit {%s } } }
}`, params.String(), fields.String())
	if len(e.Files) == 0 {
		return parent{}, errors.New("a push without files")
	}
	var got struct {
		Repository struct {
			ID     string
			Object *struct{ Tree struct{ Oid string } }
			Files  map[string]*struct{ Mode int }
		}
	}
	if err := d.query(ctx, text, vars, &got); err != nil {
		return parent{}, d.fail(err, false)
	}
	if got.Repository.Object == nil {
		return parent{}, fmt.Errorf("%w: commit %s is gone", bot.ErrStale, e.Parent)
	}
	p := parent{got.Repository.ID, got.Repository.Object.Tree.Oid, map[string]int{}}
	for i, f := range e.Files {
		if at := got.Repository.Files[fmt.Sprintf("f%d", i)]; at != nil {
			p.modes[f.Path] = at.Mode
		}
	}
	return p, nil
}

// writable are the modes of ordinary files, as GraphQL and as git write them.
var writable = map[int]string{0o100644: "100644", 0o100755: "100755"}

// entries are the changed files, in the modes that they have.
func (d *doing) entries(ctx context.Context, e bot.Push, p parent) ([]*github.TreeEntry, error) {
	files := map[string][]byte{}
	for _, f := range e.Files {
		if err := refuse(f); err != nil {
			return nil, err
		}
		files[f.Path] = f.Content
	}
	var out []*github.TreeEntry
	for _, path := range slices.Sorted(maps.Keys(files)) {
		mode, there := p.modes[path]
		switch {
		case !there:
			return nil, fmt.Errorf("%w: %s is not in commit %s", bot.ErrStale, path, e.Parent)
		case writable[mode] == "":
			return nil, fmt.Errorf("%w: %s is no ordinary file", bot.ErrDenied, path)
		}
		entry, err := d.entry(ctx, path, writable[mode], files[path])
		if err != nil {
			return nil, err
		}
		out = append(out, entry)
	}
	return out, nil
}

// entry has the content inline; what is not UTF-8 cannot be, and is a blob.
func (d *doing) entry(ctx context.Context, path, mode string, content []byte) (*github.TreeEntry, error) {
	e := &github.TreeEntry{Path: &path, Mode: &mode, Type: new("blob")}
	if utf8.Valid(content) {
		e.Content = new(string(content))
		return e, nil
	}
	blob, _, err := d.rest.Git.CreateBlob(ctx, d.repo.Owner, d.repo.Name, &github.Blob{
		Content: new(base64.StdEncoding.EncodeToString(content)), Encoding: new("base64"),
	})
	if err != nil {
		return nil, d.fail(err, false)
	}
	// An entry with neither content nor id would remove the file.
	if blob.GetSHA() == "" {
		return nil, fmt.Errorf("GitHub stored %s under no id", path)
	}
	e.SHA = blob.SHA
	return e, nil
}

// refuse keeps away from what can run code on GitHub, and from files that only
// stand for others.
func refuse(f bot.File) error {
	for part := range strings.SplitSeq(f.Path, "/") {
		if part == "" || part == ".." || part == "." || strings.HasPrefix(strings.ToLower(part), ".git") {
			return fmt.Errorf("%w: %q is not ours to write", bot.ErrDenied, f.Path)
		}
	}
	if isPointer(f.Content) {
		return fmt.Errorf("%w: %s is a pointer to large storage", bot.ErrDenied, f.Path)
	}
	return nil
}

// isPointer tells a file of Git LFS from what it stands for.
func isPointer(content []byte) bool {
	return len(content) < 1024 && strings.HasPrefix(string(content), "version https://git-lfs.github.com/spec/")
}

const swapMutation = `mutation Swap($repo: ID!, $ref: GitRefname!, $was: GitObjectID!, $now: GitObjectID!) {
  updateRefs(input: {repositoryId: $repo, refUpdates: [{name: $ref, beforeOid: $was, afterOid: $now, force: true}]}) { clientMutationId }
}`

// nothing is the id that stands for no commit.
const nothing = "0000000000000000000000000000000000000000"

// swap moves a ref from one commit to another, or not at all. REST can't: its
// force has no "from".
func (d *doing) swap(ctx context.Context, repo, ref, was, now string) error {
	err := d.query(ctx, swapMutation, map[string]any{"repo": repo, "ref": ref, "was": was, "now": now}, nil)
	return d.fail(err, true)
}

func (d *doing) openPull(ctx context.Context, e bot.OpenPull) (int64, error) {
	if err := errors.Join(d.own(e.Branch), fits(e.Body, maxBody)); err != nil {
		return 0, err
	}
	p, _, err := d.rest.PullRequests.Create(ctx, d.repo.Owner, d.repo.Name, &github.NewPullRequest{
		Title: &e.Title, Body: &e.Body, Head: &e.Branch, Base: &e.Base,
	})
	return int64(p.GetNumber()), d.fail(err, true)
}

func (d *doing) editPull(ctx context.Context, e bot.EditPull) (int64, error) {
	if err := fits(e.Body, maxBody); err != nil {
		return 0, err
	}
	_, _, err := d.rest.PullRequests.Edit(ctx, d.repo.Owner, d.repo.Name, e.Number, &github.PullRequest{Title: &e.Title, Body: &e.Body})
	return int64(e.Number), d.fail(err, true)
}

const closingQuery = `query Closing($owner: String!, $name: String!, $pull: Int!, $ref: String!) {
  viewer { login }
  repository(owner: $owner, name: $name, followRenames: false) {
    id
    pullRequest(number: $pull) { state author { __typename login } comments(last: 100) { nodes { databaseId body author { __typename login } } pageInfo { hasPreviousPage startCursor } } }
    ref(qualifiedName: $ref) { target { ... on Commit { oid message author { name email } signature { isValid wasSignedByGitHub } parents(first: 1) { nodes { oid } } } } }
  }
}`

// closePull brings three things about, each only where it is not so already:
// the reason is said, the pull request is closed, the branch is gone. Begun
// anew after a crash, it goes on where it was.
func (d *doing) closePull(ctx context.Context, e bot.ClosePull) (int64, error) {
	if err := errors.Join(d.own(e.Branch), fits(e.Why, maxBody)); err != nil {
		return 0, err
	}
	var got struct {
		Viewer     struct{ Login string }
		Repository struct {
			ID          string
			PullRequest *pullNode
			Ref         *struct{ Target commitNode }
		}
	}
	ref := "refs/heads/" + e.Branch
	err := d.query(ctx, closingQuery, map[string]any{"owner": d.repo.Owner, "name": d.repo.Name, "pull": e.Number, "ref": ref}, &got)
	if err != nil {
		return 0, d.fail(err, false)
	}
	us, p := account{got.Viewer.Login}, got.Repository.PullRequest
	if p == nil || !us.is(p.Author) {
		return 0, fmt.Errorf("%w: pull request %d is not ours", bot.ErrDenied, e.Number)
	}
	if err := d.sayAndClose(ctx, e, us, p); err != nil {
		return 0, err
	}
	if b := got.Repository.Ref; b != nil && us.made(b.Target) {
		err = d.swap(ctx, got.Repository.ID, ref, b.Target.Oid, nothing)
	}
	return int64(e.Number), err
}

func (d *doing) sayAndClose(ctx context.Context, e bot.ClosePull, us account, p *pullNode) error {
	if p.State != "OPEN" {
		return nil
	}
	said := slices.ContainsFunc(us.comments(p.Comments), func(c bot.Comment) bool { return c.ByUs && c.Body == e.Why })
	if !said {
		if _, err := d.addComment(ctx, e.Number, e.Why); err != nil {
			return err
		}
	}
	_, _, err := d.rest.PullRequests.Edit(ctx, d.repo.Owner, d.repo.Name, e.Number, &github.PullRequest{State: new("closed")})
	return d.fail(err, true)
}

func (d *doing) addComment(ctx context.Context, pull int, body string) (int64, error) {
	if err := fits(body, maxBody); err != nil {
		return 0, err
	}
	c, _, err := d.rest.Issues.CreateComment(ctx, d.repo.Owner, d.repo.Name, pull, &github.IssueComment{Body: &body})
	return c.GetID(), d.fail(err, true)
}

// label is asked for as GitHub's description has it: go-github sends a bare
// list, which is not described any more.
func (d *doing) label(ctx context.Context, e bot.Label) error {
	path := fmt.Sprintf("repos/%s/%s/issues/%d/labels", d.repo.Owner, d.repo.Name, e.Number)
	req, err := d.rest.NewRequest("POST", path, map[string][]string{"labels": e.Labels})
	if err != nil {
		return err
	}
	_, err = d.rest.Do(ctx, req, nil)
	return d.fail(err, true)
}

func (d *doing) react(ctx context.Context, e bot.React) (int64, error) {
	x, _, err := d.rest.Reactions.CreateIssueCommentReaction(ctx, d.repo.Owner, d.repo.Name, e.Comment, e.Content)
	return x.GetID(), d.fail(err, true)
}

// checkName is how the check run is called: branch protections name it.
const checkName = "sparktune"

// conclude posts the check run as concluded at once, and what it has to say
// beyond one request's worth of annotations after that.
func (d *doing) conclude(ctx context.Context, e bot.Conclude) (int64, error) {
	if err := errors.Join(fits(e.Title, maxTitle), fits(e.Summary, maxSummary)); err != nil {
		return 0, err
	}
	output := func(notes []bot.Annotation) *github.CheckRunOutput {
		return &github.CheckRunOutput{Title: &e.Title, Summary: &e.Summary, Annotations: annotations(notes)}
	}
	first, rest := e.Notes[:min(len(e.Notes), maxNotes)], e.Notes[min(len(e.Notes), maxNotes):]
	run, _, err := d.rest.Checks.CreateCheckRun(ctx, d.repo.Owner, d.repo.Name, github.CreateCheckRunOptions{
		Name: checkName, HeadSHA: e.Head, ExternalID: &e.ExternalID, Status: new("completed"), Conclusion: &e.Conclusion, Output: output(first),
	})
	if err != nil {
		return 0, d.fail(err, true)
	}
	for notes := range slices.Chunk(rest, maxNotes) {
		_, _, err := d.rest.Checks.UpdateCheckRun(ctx, d.repo.Owner, d.repo.Name, run.GetID(), github.UpdateCheckRunOptions{Name: checkName, Output: output(notes)})
		if err != nil {
			// The check is concluded, which is what counts.
			d.cfg.Log.WarnContext(ctx, "a check run lacks annotations", "repository", d.repo.String(), "check", run.GetID(), "error", safe(err))
			break
		}
	}
	return run.GetID(), nil
}

func annotations(notes []bot.Annotation) []*github.CheckRunAnnotation {
	var out []*github.CheckRunAnnotation
	for _, n := range notes {
		out = append(out, &github.CheckRunAnnotation{
			Path: &n.Path, StartLine: &n.Line, EndLine: &n.Line, AnnotationLevel: &n.Level, Title: &n.Title, Message: &n.Text,
		})
	}
	return out
}

// fits refuses what GitHub would: that is a mistake of ours, and nothing that
// another look at the repository could mend.
func fits(text string, limit int) error {
	if n := utf8.RuneCountInString(text); n > limit {
		return fmt.Errorf("a text of %d characters, and GitHub takes %d", n, limit)
	}
	return nil
}
