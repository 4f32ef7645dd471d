package ghtest

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"path/filepath"
	"strings"
)

// What changes repositories, whoever does it. All are called with the lock
// held, and queue the webhooks that the change causes.

// moveRef points a ref at a commit; "" removes it.
func (s *Server) moveRef(r *Repo, name, id string, by *account) {
	branch := strings.TrimPrefix(name, headsPrefix)
	was := r.refs[name]
	for _, p := range r.pulls {
		if p.state == "open" && !p.fork && p.head == branch {
			p.headCommit = was
		}
	}
	if id == "" {
		delete(r.refs, name)
	} else {
		r.refs[name] = id
	}
	s.tellPush(r, name, was, id, by)
	for _, p := range r.pulls {
		switch {
		case p.state != "open" || p.fork || p.head != branch:
		case id == "":
			s.setState(r, p, "closed", by)
		case was != id:
			p.headCommit, p.edited = id, s.now
			s.notify(r, by, "pull_request", "synchronize", map[string]any{
				"number": p.number, "pull_request": s.fullPullView(r, p), "before": was, "after": id,
			})
		}
	}
}

func (s *Server) tellPush(r *Repo, name, was, id string, by *account) {
	if was == "" {
		was = zeroID
	}
	fields := map[string]any{
		"ref": name, "before": was, "after": id, "created": was == zeroID, "deleted": id == "", "forced": id != "" && was != zeroID && !r.git.ancestors(id)[was],
		"base_ref": nil, "compare": "https://github.example/compare", "head_commit": nil, "commits": []any{},
		"pusher": map[string]any{"name": by.login, "email": by.login + "@example.com"},
	}
	if id == "" {
		fields["after"] = zeroID
	} else {
		c := s.pushedCommit(r, id)
		fields["head_commit"], fields["commits"] = c, []any{c}
	}
	s.notify(r, by, "push", "", fields)
}

func (s *Server) pushedCommit(r *Repo, id string) map[string]any {
	c := r.git.commit(id)
	who := func(p person) map[string]any { return map[string]any{"name": p.name, "email": p.email} }
	added, removed, modified := []string{}, []string{}, []string{}
	parent := ""
	if len(c.parents) > 0 {
		parent = r.git.commit(c.parents[0]).tree
	}
	for _, ch := range r.git.diff(parent, c.tree) {
		switch {
		case ch.before == (entry{}):
			added = append(added, ch.path)
		case ch.now == (entry{}):
			removed = append(removed, ch.path)
		default:
			modified = append(modified, ch.path)
		}
	}
	return map[string]any{
		"id": id, "tree_id": c.tree, "distinct": true, "message": c.message, "timestamp": stamp(c.at), "url": s.repoURL(r) + "/commit/" + id,
		"author": who(c.author), "committer": who(c.committer), "added": added, "removed": removed, "modified": modified,
	}
}

func (s *Server) newPull(r *Repo, by *account, head, base, title, body string, draft bool) *pull {
	p := &pull{
		id: s.id(), number: len(r.pulls) + 1, state: "open", draft: draft, author: by, title: title, body: body,
		base: base, head: head, headCommit: r.refs[headsPrefix+head], at: s.now, edited: s.now,
	}
	r.pulls = append(r.pulls, p)
	return p
}

func (s *Server) openPull(r *Repo, by *account, head, base, title, body string, draft bool) *pull {
	p := s.newPull(r, by, head, base, title, body, draft)
	s.tellOpened(r, p)
	return p
}

func (s *Server) tellOpened(r *Repo, p *pull) {
	s.notify(r, p.author, "pull_request", "opened", map[string]any{"number": p.number, "pull_request": s.fullPullView(r, p)})
}

func (s *Server) setState(r *Repo, p *pull, state string, by *account) {
	p.headCommit = r.tip(p)
	p.state, p.closedBy, p.edited = state, by, s.now
	action := "reopened"
	if state == "closed" {
		action = "closed"
	}
	s.notify(r, by, "pull_request", action, map[string]any{"number": p.number, "pull_request": s.fullPullView(r, p)})
}

func (s *Server) addComment(r *Repo, p *pull, by *account, body string) *comment {
	c := &comment{id: s.id(), pull: p.number, author: by, body: body, at: s.now, edited: s.now}
	r.comments = append(r.comments, c)
	s.notify(r, by, "issue_comment", "created", map[string]any{"issue": s.issueView(r, p), "comment": s.commentEvent(r, c)})
	return c
}

// commentEvent is a comment as webhooks tell it: with its reactions.
func (s *Server) commentEvent(r *Repo, c *comment) map[string]any {
	m := s.commentView(r, c)
	m["reactions"] = s.reactionsView(m["url"].(string))
	return m
}

func (s *Server) reactionsView(url string) map[string]any {
	m := map[string]any{"url": url + "/reactions", "total_count": 0}
	for k := range strings.FieldsSeq("+1 -1 laugh confused heart hooray eyes rocket") {
		m[k] = 0
	}
	return m
}

// issueView is a pull request as the issue that it is, too. It says so in
// pull_request.
func (s *Server) issueView(r *Repo, p *pull) map[string]any {
	u := fmt.Sprintf("%s/issues/%d", s.repoURL(r), p.number)
	v := s.pullView(r, p)
	m := map[string]any{
		"pull_request": map[string]any{"url": v["url"], "html_url": v["html_url"], "diff_url": v["diff_url"], "patch_url": v["patch_url"]},
		"url":          u, "repository_url": s.repoURL(r), "labels_url": u + "/labels{/name}", "comments_url": u + "/comments",
		"events_url": u + "/events", "comments": len(r.commentsOn(p.number)), "assignees": []any{}, "active_lock_reason": nil,
		"reactions": s.reactionsView(u), "timeline_url": u + "/timeline", "performed_via_github_app": nil, "state_reason": nil,
	}
	for k := range strings.FieldsSeq("html_url id node_id number title user labels state locked assignee milestone created_at updated_at closed_at author_association draft body") {
		m[k] = v[k]
	}
	return m
}

// writeObject writes a loose object as git does.
func writeObject(dir, id string, o object) error {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err := fmt.Fprintf(z, "%s %d\x00%s", o.kind, len(o.data), o.data)
	must(err)
	must(z.Close())
	return writeFile(filepath.Join(dir, "objects", id[:2], id[2:]), b.Bytes())
}
