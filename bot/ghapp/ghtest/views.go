package ghtest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"
)

// The JSON of GitHub's objects. What nobody here asks for is there because the
// description requires it, and says nothing.

func (s *Server) userView(a *account) map[string]any {
	if a == nil {
		return nil
	}
	u := s.URL + "/users/" + a.login
	m := map[string]any{
		"login": a.login, "id": a.id, "node_id": node("U", a.id), "type": a.kind, "site_admin": false, "url": u,
		"gravatar_id": "", "avatar_url": "https://avatars.example/" + a.login, "html_url": "https://github.example/" + a.login,
		"gists_url": u + "/gists{/gist_id}", "starred_url": u + "/starred{/owner}{/repo}", "events_url": u + "/events{/privacy}",
		"following_url": u + "/following{/other_user}",
	}
	for _, k := range []string{"followers", "organizations", "received_events", "repos", "subscriptions"} {
		m[k+"_url"] = u + "/" + k
	}
	return m
}

func node(kind string, id int64) string { return fmt.Sprintf("%s_%d", kind, id) }

var repoURLs = strings.Fields(`archive assignees blobs branches collaborators comments commits compare contents
	contributors deployments downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events
	issues keys labels languages merges milestones notifications pulls releases stargazers statuses subscribers
	subscription tags teams trees`)

func (s *Server) repoURL(r *Repo) string { return s.URL + "/repos/" + r.fullName() }

func (s *Server) repoView(r *Repo) map[string]any {
	html := "https://github.example/" + r.fullName()
	m := map[string]any{
		"id": r.ID, "node_id": node("R", r.ID), "name": r.name, "full_name": r.fullName(), "private": r.private,
		"owner": s.userView(r.owner), "html_url": html, "description": nil, "fork": false, "url": s.repoURL(r),
		"clone_url": html + ".git", "git_url": "git://github.example/" + r.fullName() + ".git",
		"ssh_url": "git@github.example:" + r.fullName() + ".git", "svn_url": html, "mirror_url": nil, "homepage": nil,
		"language": nil, "license": nil, "default_branch": r.branch, "archived": r.archived, "disabled": r.disabled,
		"visibility": map[bool]string{true: "private", false: "public"}[r.private],
		"forks":      0, "forks_count": 0, "open_issues": 0, "open_issues_count": 0, "size": 0, "stargazers_count": 0,
		"watchers": 0, "watchers_count": 0, "has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false,
		"has_discussions": false, "has_downloads": true, "topics": []any{},
		"pushed_at": stamp(r.made), "created_at": stamp(r.made), "updated_at": stamp(r.made),
	}
	for _, k := range repoURLs {
		m[k+"_url"] = s.repoURL(r) + "/" + k
	}
	return m
}

func (s *Server) fullRepoView(r *Repo) map[string]any {
	m := s.repoView(r)
	m["network_count"], m["subscribers_count"] = 0, 0
	return m
}

func (s *Server) appView() map[string]any {
	return map[string]any{
		"id": s.AppID, "slug": s.Slug, "node_id": node("A", s.AppID), "owner": s.userView(s.account("sparktune-dev", "Organization")),
		"name": s.Slug, "description": "", "external_url": "https://sparktune.example", "html_url": "https://github.example/apps/" + s.Slug,
		"created_at": stamp(epoch), "updated_at": stamp(epoch), "permissions": s.granted, "events": events,
	}
}

var events = []string{"check_run", "issue_comment", "pull_request", "push"}

func (s *Server) installationView(in *installation) map[string]any {
	u := fmt.Sprintf("%s/app/installations/%d", s.URL, in.id)
	m := map[string]any{
		"id": in.id, "app_id": s.AppID, "app_slug": s.Slug, "target_id": in.account.id, "target_type": in.account.kind,
		"account": s.userView(in.account), "repository_selection": "selected", "permissions": s.granted, "events": events,
		"access_tokens_url": u + "/access_tokens", "repositories_url": s.URL + "/installation/repositories", "html_url": "https://github.example/settings",
		"created_at": stamp(epoch), "updated_at": stamp(epoch), "single_file_name": nil, "suspended_by": nil, "suspended_at": nil,
	}
	if in.suspended {
		m["suspended_at"], m["suspended_by"] = stamp(s.now), s.userView(in.account)
	}
	return m
}

func gitPerson(p person, at time.Time) map[string]any {
	return map[string]any{"name": p.name, "email": p.email, "date": stamp(at)}
}

func (s *Server) commitView(r *Repo, id string) map[string]any {
	c := r.git.commit(id)
	parents := []any{}
	for _, p := range c.parents {
		u := s.repoURL(r) + "/git/commits/" + p
		parents = append(parents, map[string]any{"sha": p, "url": u, "html_url": u})
	}
	verification := map[string]any{"verified": c.signed, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
	if c.signed {
		verification = map[string]any{"verified": true, "reason": "valid", "signature": "ghtest", "payload": "ghtest", "verified_at": stamp(c.at)}
	}
	u := s.repoURL(r) + "/git/commits/" + id
	return map[string]any{
		"sha": id, "node_id": "C_" + id, "url": u, "html_url": u, "message": c.message,
		"author": gitPerson(c.author, c.at), "committer": gitPerson(c.committer, c.at),
		"tree": map[string]any{"sha": c.tree, "url": s.repoURL(r) + "/git/trees/" + c.tree}, "parents": parents, "verification": verification,
	}
}

func (s *Server) refView(r *Repo, name string) map[string]any {
	return map[string]any{
		"ref": name, "node_id": "REF_" + name, "url": s.repoURL(r) + "/git/" + name,
		"object": map[string]any{"type": "commit", "sha": r.refs[name], "url": s.repoURL(r) + "/git/commits/" + r.refs[name]},
	}
}

func (s *Server) labelView(r *Repo, name string) map[string]any {
	return map[string]any{
		"id": len(name), "node_id": "LA_" + name, "url": s.repoURL(r) + "/labels/" + name, "name": name,
		"description": nil, "color": "ededed", "default": false,
	}
}

// pullView is what lists show; fullPullView what the pull request itself does.
func (s *Server) pullView(r *Repo, p *pull) map[string]any {
	u := fmt.Sprintf("%s/pulls/%d", s.repoURL(r), p.number)
	issue := fmt.Sprintf("%s/issues/%d", s.repoURL(r), p.number)
	html := fmt.Sprintf("https://github.example/%s/pull/%d", r.fullName(), p.number)
	labels := []any{}
	for _, l := range p.labels {
		labels = append(labels, s.labelView(r, l))
	}
	m := map[string]any{
		"id": p.id, "node_id": node("PR", p.id), "number": p.number, "state": p.state, "locked": false, "title": p.title,
		"body": p.body, "user": s.userView(p.author), "labels": labels, "draft": p.draft,
		"created_at": stamp(p.at), "updated_at": stamp(p.edited), "closed_at": nil, "merged_at": stampOrNil(p.mergedAt),
		"merge_commit_sha": nil, "assignee": nil, "assignees": []any{}, "requested_reviewers": []any{}, "requested_teams": []any{}, "active_lock_reason": nil,
		"milestone": nil, "auto_merge": nil, "author_association": "NONE",
		"url": u, "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch", "issue_url": issue,
		"commits_url": u + "/commits", "comments_url": issue + "/comments", "review_comments_url": u + "/comments",
		"review_comment_url": u + "/comments{/number}", "statuses_url": s.repoURL(r) + "/statuses/" + r.tip(p),
		"head": s.endView(r, p.head, r.tip(p), p), "base": s.endView(r, p.base, r.refs[headsPrefix+p.base], nil), "_links": s.linksView(u, issue),
	}
	if p.state == "closed" {
		m["closed_at"] = stamp(p.edited)
	}
	if p.merged {
		m["merge_commit_sha"] = p.mergeID
	}
	return m
}

func (s *Server) endView(r *Repo, branch, id string, from *pull) map[string]any {
	m := map[string]any{"label": r.owner.login + ":" + branch, "ref": branch, "sha": id, "user": s.userView(r.owner), "repo": s.repoView(r)}
	if from != nil && from.fork {
		m["label"], m["repo"] = from.author.login+":"+branch, nil // as GitHub says when the fork is gone
		if !from.forkGone {
			m["repo"] = s.repoView(&Repo{ID: from.id, s: s, owner: from.author, name: r.name, branch: r.branch, made: from.at})
		}
	}
	return m
}

func (s *Server) linksView(u, issue string) map[string]any {
	m := map[string]any{}
	for k, href := range map[string]string{
		"comments": issue + "/comments", "commits": u + "/commits", "statuses": u + "/statuses", "html": u, "issue": issue,
		"review_comments": u + "/comments", "review_comment": u + "/comments{/number}", "self": u,
	} {
		m[k] = map[string]any{"href": href}
	}
	return m
}

func (s *Server) fullPullView(r *Repo, p *pull) map[string]any {
	m := s.pullView(r, p)
	base := r.refs[headsPrefix+p.base]
	changes := r.changes(p)
	conflicts := p.state == "open" && r.git.conflicts(base, r.tip(p))
	m["merged"], m["merged_by"] = p.merged, nil
	m["mergeable"], m["mergeable_state"] = !conflicts, map[bool]string{true: "dirty", false: "clean"}[conflicts]
	m["comments"], m["review_comments"], m["maintainer_can_modify"] = len(r.commentsOn(p.number)), 0, false
	m["commits"] = len(r.git.ancestors(r.tip(p))) - len(r.git.ancestors(r.git.mergeBase(base, r.tip(p))))
	m["changed_files"], m["additions"], m["deletions"] = len(changes), 0, 0
	if p.merged {
		m["merged_by"] = s.userView(p.closedBy)
	}
	return m
}

// changes of a pull request, against where it branched off.
func (r *Repo) changes(p *pull) []change {
	tip := r.tip(p)
	root := r.git.mergeBase(r.refs[headsPrefix+p.base], tip)
	if p.merged {
		root = r.git.commit(tip).parents[0]
	}
	return r.git.diff(r.git.commit(root).tree, r.git.commit(tip).tree)
}

func (s *Server) fileView(r *Repo, c change) map[string]any {
	status, id := "modified", c.now.id
	switch {
	case c.before == (entry{}):
		status = "added"
	case c.now == (entry{}):
		status, id = "removed", c.before.id
	}
	patch := udiff.Unified("a", "b", string(r.git[c.before.id].data), string(r.git[c.now.id].data))
	more, less := 0, 0
	for line := range strings.Lines(patch) {
		switch {
		case strings.HasPrefix(line, "+++"), strings.HasPrefix(line, "---"):
		case line[0] == '+':
			more++
		case line[0] == '-':
			less++
		}
	}
	if _, hunks, ok := strings.Cut(patch, "@@"); ok {
		patch = "@@" + strings.TrimSuffix(hunks, "\n")
	}
	u := s.repoURL(r) + "/contents/" + c.path
	return map[string]any{
		"sha": id, "filename": c.path, "status": status, "additions": more, "deletions": less, "changes": more + less,
		"blob_url": u, "raw_url": u, "contents_url": u, "patch": patch,
	}
}

func (r *Repo) commentsOn(number int) []*comment {
	var out []*comment
	for _, c := range r.comments {
		if c.pull == number {
			out = append(out, c)
		}
	}
	return out
}

func (s *Server) commentView(r *Repo, c *comment) map[string]any {
	return map[string]any{
		"id": c.id, "node_id": node("IC", c.id), "url": fmt.Sprintf("%s/issues/comments/%d", s.repoURL(r), c.id),
		"html_url":  fmt.Sprintf("https://github.example/%s/pull/%d#issuecomment-%d", r.fullName(), c.pull, c.id),
		"issue_url": fmt.Sprintf("%s/issues/%d", s.repoURL(r), c.pull), "body": c.body, "user": s.userView(c.author),
		"created_at": stamp(c.at), "updated_at": stamp(c.edited), "author_association": "NONE", "performed_via_github_app": nil,
	}
}

func (s *Server) reactionView(x reaction, at time.Time) map[string]any {
	return map[string]any{"id": x.id, "node_id": node("REA", x.id), "user": s.userView(x.by), "content": x.content, "created_at": stamp(at)}
}

func (s *Server) checkView(r *Repo, c *check) map[string]any {
	u := fmt.Sprintf("%s/check-runs/%d", s.repoURL(r), c.id)
	output := map[string]any{"title": nil, "summary": nil, "text": nil, "annotations_count": len(c.notes), "annotations_url": u + "/annotations"}
	maps.Copy(output, c.output)
	delete(output, "annotations")
	m := map[string]any{
		"id": c.id, "node_id": node("CR", c.id), "head_sha": c.head, "name": c.name, "url": u, "html_url": u, "details_url": u,
		"external_id": c.externalID, "status": c.status, "conclusion": nil, "started_at": stamp(c.at), "completed_at": nil,
		"output": output, "check_suite": map[string]any{"id": c.id}, "app": s.appView(), "pull_requests": []any{},
	}
	if c.conclusion != "" {
		m["conclusion"], m["completed_at"] = c.conclusion, stamp(c.at)
	}
	return m
}

func (s *Server) treeView(r *Repo, id string, entries []entry) map[string]any {
	list := []any{}
	truncated := false
	for i, e := range entries {
		if i >= s.treeLimit {
			truncated = true
			break
		}
		m := map[string]any{"path": e.name, "mode": e.mode, "type": e.kind(), "sha": e.id, "url": s.repoURL(r) + "/git/" + e.kind() + "s/" + e.id}
		if e.kind() == "blob" {
			m["size"] = len(r.git[e.id].data)
		}
		list = append(list, m)
	}
	return map[string]any{"sha": id, "url": s.repoURL(r) + "/git/trees/" + id, "tree": list, "truncated": truncated}
}

func pullStatus(p *pull) string {
	if p.merged {
		return "MERGED"
	}
	return strings.ToUpper(p.state)
}
