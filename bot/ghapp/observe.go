package ghapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sparktune/sparktune/bot"
)

// observeQuery is all that a flow has to know of a repository, in one call.
// Our pull requests are looked for three times: among the newest, by branch,
// and by the numbers that are known. %s is a field for each of those.
const observeQuery = `query Observe($owner: String!, $name: String!, $prefix: String!, $pull: Int!, $withPull: Boolean!, $app: Int!) {
  viewer { login }
  repository(owner: $owner, name: $name, followRenames: true) {
    databaseId name owner { login } visibility isArchived
    defaultBranchRef { name target { oid } }
    refs(refPrefix: $prefix, first: 100) {
      nodes {
        name
        target { ...commit }
        associatedPullRequests(first: 10, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...pull } }
      }
      pageInfo { hasNextPage }
    }
    pullRequests(first: 100, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { ...pull } }
  }
  known: repository(owner: $owner, name: $name, followRenames: true) { databaseId%s }
  asked: repository(owner: $owner, name: $name, followRenames: true) @include(if: $withPull) {
    pullRequest(number: $pull) @include(if: $withPull) {
      ...pull
      files(first: 100) { nodes { path } pageInfo { hasNextPage endCursor } }
      comments(last: 100) { nodes { databaseId body author { ...actor } } pageInfo { hasPreviousPage startCursor } }
      commits(last: 1) { nodes { commit { checkSuites(first: 10, filterBy: {appId: $app}) { nodes {
        checkRuns(first: 100, filterBy: {checkType: ALL}) { nodes { databaseId externalId conclusion } }
      } } } } }
    }
  }
}
fragment actor on Actor { __typename login }
fragment commit on Commit {
  oid message author { name email } signature { isValid wasSignedByGitHub }
  parents(first: 1) { nodes { oid } }
}
fragment pull on PullRequest {
  number state isDraft title body author { ...actor } mergeable mergedAt
  baseRefName baseRefOid headRefName headRefOid isCrossRepository headRepository { databaseId }
  timelineItems(last: 1, itemTypes: [CLOSED_EVENT]) { nodes { ... on ClosedEvent { actor { ...actor } } } }
}`

// The shapes of the answer.
type (
	actorNode struct {
		Type  string `json:"__typename"`
		Login string
	}
	commitNode struct {
		Oid       string
		Message   string
		Author    struct{ Name, Email string }
		Signature *struct{ IsValid, WasSignedByGitHub bool }
		Parents   struct{ Nodes []struct{ Oid string } }
	}
	pullNode struct {
		Number                  int
		State                   string
		IsDraft                 bool
		Title, Body             string
		Author                  *actorNode
		Mergeable               string
		MergedAt                time.Time // null until it is
		BaseRefName, BaseRefOid string
		HeadRefName, HeadRefOid string
		IsCrossRepository       bool
		HeadRepository          *struct{ DatabaseID int64 }
		TimelineItems           struct{ Nodes []struct{ Actor *actorNode } }
		Files                   fileNodes
		Comments                commentNodes
		Commits                 struct {
			Nodes []struct {
				Commit struct{ CheckSuites suiteNodes }
			}
		}
	}
	fileNodes struct {
		Nodes    []struct{ Path string }
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
	}
	commentNodes struct {
		Nodes []struct {
			DatabaseID int64
			Body       string
			Author     *actorNode
		}
		PageInfo struct {
			HasPreviousPage bool
			StartCursor     string
		}
	}
	suiteNodes struct {
		Nodes []struct {
			CheckRuns struct {
				Nodes []struct {
					DatabaseID int64
					ExternalID string
					Conclusion string
				}
			}
		}
	}
	observed struct {
		Viewer     struct{ Login string }
		Repository struct {
			DatabaseID       int64
			Name             string
			Owner            struct{ Login string }
			Visibility       string
			IsArchived       bool
			DefaultBranchRef *struct {
				Name   string
				Target struct{ Oid string }
			}
			Refs struct {
				Nodes []struct {
					Name                   string
					Target                 commitNode
					AssociatedPullRequests struct{ Nodes []pullNode }
				}
				PageInfo struct{ HasNextPage bool }
			}
			PullRequests struct{ Nodes []pullNode }
		}
		Known map[string]json.RawMessage
		Asked struct{ PullRequest *pullNode }
	}
)

// Observe implements bot.Forge: one call, and one more each for the comment
// and the account of the query and for every further page of what it asks of a
// pull request.
func (a *App) Observe(ctx context.Context, r bot.Repo, q bot.Query) (bot.State, error) {
	c, begun := a.reader(r.Installation), a.cfg.Now()
	var known strings.Builder
	for _, n := range q.Known {
		fmt.Fprintf(&known, " p%d: pullRequest(number: %d) { ...pull }", n, n)
	}
	var got observed
	err := c.query(ctx, fmt.Sprintf(observeQuery, known.String()), map[string]any{
		"owner": r.Owner, "name": r.Name, "prefix": "refs/heads/" + a.cfg.Prefix,
		"pull": q.Pull, "withPull": q.Pull != 0, "app": a.cfg.AppID,
	}, &got)
	if err := a.unlessGone(err); err != nil {
		return bot.State{}, fmt.Errorf("observe %s: %w", r, err)
	}
	s := got.state(r, a.cfg.Prefix)
	s.At = begun
	if got.Repository.Refs.PageInfo.HasNextPage {
		return bot.State{}, fmt.Errorf("observe %s: more than 100 branches begin with %s", r, a.cfg.Prefix)
	}
	if err := a.complete(ctx, c, &s, got, q); err != nil {
		return bot.State{}, fmt.Errorf("observe %s: %w", s.Repo, err)
	}
	return s, nil
}

// unlessGone lets pass that pull requests of the query are not there.
func (a *App) unlessGone(err error) error {
	var answered graphErrors
	if !errors.As(err, &answered) {
		return a.fail(err, false)
	}
	left := slices.DeleteFunc(answered, func(g *graphError) bool { return g.Type == "NOT_FOUND" && len(g.Path) > 1 })
	if len(left) == 0 {
		return nil
	}
	return a.fail(left, false)
}

// complete adds what takes further calls.
func (a *App) complete(ctx context.Context, c *client, s *bot.State, got observed, q bot.Query) error {
	if s.Pull != nil {
		if err := a.pages(ctx, c, s, got); err != nil {
			return err
		}
	}
	if q.Comment != 0 {
		if err := a.comment(ctx, c, s, q.Comment, got.us()); err != nil {
			return err
		}
	}
	if q.Login != "" {
		return a.permission(ctx, c, s, q.Login)
	}
	return nil
}

func (o *observed) state(r bot.Repo, prefix string) bot.State {
	repo := &o.Repository
	us := o.us()
	s := bot.State{
		Repo:   bot.Repo{ID: repo.DatabaseID, Owner: repo.Owner.Login, Name: repo.Name, Installation: r.Installation},
		Public: repo.Visibility == "PUBLIC", Archived: repo.IsArchived,
	}
	if b := repo.DefaultBranchRef; b != nil {
		s.Default, s.Head = b.Name, b.Target.Oid
	}
	pulls := slices.Concat(repo.PullRequests.Nodes, o.known())
	for _, ref := range repo.Refs.Nodes {
		s.Branches = append(s.Branches, us.branch(prefix+ref.Name, ref.Target))
		pulls = append(pulls, ref.AssociatedPullRequests.Nodes...)
	}
	slices.SortStableFunc(pulls, func(a, b pullNode) int { return b.Number - a.Number })
	pulls = slices.CompactFunc(pulls, func(a, b pullNode) bool { return a.Number == b.Number })
	for i := range pulls {
		p := us.pull(&pulls[i], repo.DatabaseID)
		if p.ByUs && !p.Fork && strings.HasPrefix(p.Branch, prefix) {
			s.Pulls = append(s.Pulls, p)
		}
	}
	if n := o.Asked.PullRequest; n != nil {
		p := us.pull(n, repo.DatabaseID)
		s.Pull = &p
		s.Checks = n.checks()
	}
	return s
}

// known are the pull requests that were asked for by their numbers.
func (o *observed) known() []pullNode {
	var out []pullNode
	for _, name := range slices.Sorted(maps.Keys(o.Known)) {
		var p *pullNode
		// databaseId is no pull request: it keeps the selection from being empty.
		if err := json.Unmarshal(o.Known[name], &p); err == nil && p != nil {
			out = append(out, *p)
		}
	}
	return out
}

// account is our own.
type account struct{ login string } // with its ending, as in commits

func (o *observed) us() account { return account{o.Viewer.Login} }

// is says whether an actor is us. As an actor a bot goes without its ending,
// and a person may be called like that.
func (u account) is(a *actorNode) bool {
	return a != nil && a.Type == "Bot" && a.Login == strings.TrimSuffix(u.login, "[bot]")
}

// made says whether the commit is ours: GitHub signs what an App commits
// through its API, and nobody else can have it sign in the bot's name. A
// server that signs nothing vouches for nothing.
func (u account) made(c commitNode) bool {
	return c.Signature != nil && c.Signature.IsValid && c.Signature.WasSignedByGitHub &&
		c.Author.Name == u.login && strings.HasSuffix(c.Author.Email, "+"+u.login+"@users.noreply."+emailHost(c.Author.Email))
}

// emailHost is GitHub's own host: github.com, or an Enterprise Server's.
func emailHost(email string) string {
	_, host, _ := strings.Cut(email, "@users.noreply.")
	return host
}

func (u account) branch(name string, c commitNode) bot.Branch {
	b := bot.Branch{Name: name, Head: c.Oid, Message: c.Message, ByUs: u.made(c)}
	if len(c.Parents.Nodes) > 0 {
		b.Parent = c.Parents.Nodes[0].Oid
	}
	return b
}

func (u account) pull(n *pullNode, repo int64) bot.Pull {
	p := bot.Pull{
		Number: n.Number, State: bot.PullState(strings.ToLower(n.State)), Draft: n.IsDraft, ByUs: u.is(n.Author),
		Title: n.Title, Body: n.Body, Base: n.BaseRefName, BaseCommit: n.BaseRefOid, Branch: n.HeadRefName, Head: n.HeadRefOid,
		Fork:      n.IsCrossRepository || n.HeadRepository == nil || n.HeadRepository.DatabaseID != repo,
		Conflicts: n.Mergeable == "CONFLICTING", MergedAt: n.MergedAt,
	}
	if n.Author != nil { // else a deleted account's
		p.Author = n.Author.Login
	}
	if items := n.TimelineItems.Nodes; p.State == bot.PullClosed && len(items) > 0 {
		p.ClosedByUs = u.is(items[0].Actor)
	}
	return p
}

func (n *pullNode) checks() []bot.Check {
	var out []bot.Check
	for _, c := range n.Commits.Nodes {
		for _, suite := range c.Commit.CheckSuites.Nodes {
			for _, run := range suite.CheckRuns.Nodes {
				out = append(out, bot.Check{ID: run.DatabaseID, ExternalID: run.ExternalID, Conclusion: strings.ToLower(run.Conclusion)})
			}
		}
	}
	return out
}

const pageQuery = `query Page($owner: String!, $name: String!, $pull: Int!, $after: String, $before: String, $files: Boolean!, $comments: Boolean!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $pull) {
      files(first: 100, after: $after) @include(if: $files) { nodes { path } pageInfo { hasNextPage endCursor } }
      comments(last: 100, before: $before) @include(if: $comments) { nodes { databaseId body author { __typename login } } pageInfo { hasPreviousPage startCursor } }
    }
  }
}`

// pages adds all files and comments of the pull request of the query.
func (a *App) pages(ctx context.Context, c *client, s *bot.State, got observed) error {
	us, p := got.us(), got.Asked.PullRequest
	for {
		s.Pull.Files = append(s.Pull.Files, paths(p.Files)...)
		s.Comments = append(us.comments(p.Comments), s.Comments...)
		files, comments := p.Files.PageInfo, p.Comments.PageInfo
		if !files.HasNextPage && !comments.HasPreviousPage {
			return nil
		}
		var next struct {
			Repository struct{ PullRequest *pullNode }
		}
		err := c.query(ctx, pageQuery, map[string]any{
			"owner": s.Repo.Owner, "name": s.Repo.Name, "pull": s.Pull.Number,
			"files": files.HasNextPage, "after": files.EndCursor, "comments": comments.HasPreviousPage, "before": comments.StartCursor,
		}, &next)
		if err != nil {
			return a.fail(err, false)
		}
		if p = next.Repository.PullRequest; p == nil {
			return nil
		}
	}
}

func paths(f fileNodes) []string {
	var out []string
	for _, n := range f.Nodes {
		out = append(out, n.Path)
	}
	return out
}

func (u account) comments(list commentNodes) []bot.Comment {
	var out []bot.Comment
	for _, n := range list.Nodes {
		c := bot.Comment{ID: n.DatabaseID, ByUs: u.is(n.Author), Body: n.Body}
		if n.Author != nil {
			c.Author = n.Author.Login
		}
		out = append(out, c)
	}
	return out
}

// comment is the one of the query as it is now; none when it is gone, or is on
// something else.
func (a *App) comment(ctx context.Context, c *client, s *bot.State, id int64, us account) error {
	got, resp, err := c.rest.Issues.GetComment(ctx, s.Repo.Owner, s.Repo.Name, id)
	switch {
	case resp != nil && resp.StatusCode == http.StatusNotFound:
		return nil
	case err != nil:
		return a.fail(err, false)
	case s.Pull != nil && !strings.HasSuffix(got.GetIssueURL(), fmt.Sprintf("/issues/%d", s.Pull.Number)):
		return nil
	}
	s.Comment = &bot.Comment{ID: id, Author: got.GetUser().GetLogin(), ByUs: got.GetUser().GetLogin() == us.login, Body: got.GetBody()}
	return nil
}

// permission is what the account may do. Who has none, is a bot or is unknown
// may do nothing.
func (a *App) permission(ctx context.Context, c *client, s *bot.State, login string) error {
	got, resp, err := c.rest.Repositories.GetPermissionLevel(ctx, s.Repo.Owner, s.Repo.Name, login)
	if resp != nil && resp.StatusCode == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return a.fail(err, false)
	}
	s.Permission = permissions[got.GetPermission()]
	return nil
}

// permissions as GitHub folds them: maintain is write, triage is read.
var permissions = map[string]bot.Permission{"admin": bot.PermissionAdmin, "write": bot.PermissionWrite, "read": bot.PermissionRead}
