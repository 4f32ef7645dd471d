package ghtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

type need = map[string]string

// routes are all operations of the REST API that this server has.
var routes = tableOfRoutes()

func tableOfRoutes() []route {
	const repo = "/repos/{owner}/{repo}"
	get, post, patch, del := http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
	read, edit := need{"contents": "read"}, need{"contents": "write"}
	talk := need{"issues": "write", "pull_requests": "write"}
	return []route{
		{get, "/app", asApp, nil, getApp},
		{get, "/app/installations", asApp, nil, listInstallations},
		{get, "/app/installations/{installation_id}", asApp, nil, getInstallation},
		{post, "/app/installations/{installation_id}/access_tokens", asApp, nil, mint},
		{get, "/app/hook/deliveries", asApp, nil, listDeliveries},
		{get, "/app/hook/deliveries/{delivery_id}", asApp, nil, getDelivery},
		{post, "/app/hook/deliveries/{delivery_id}/attempts", asApp, nil, redeliver},
		{get, "/app/hook/config", asApp, nil, hookConfig},
		{get, "/installation/repositories", asInstallation, nil, listInstallationRepos},
		{del, "/installation/token", asInstallation, nil, revoke},
		{get, repo, asInstallation, need{"metadata": "read"}, getRepo},
		{get, repo + "/git/trees/{tree_sha}", asInstallation, read, getTree},
		{post, repo + "/git/trees", asInstallation, edit, createTree},
		{get, repo + "/git/blobs/{file_sha}", asInstallation, read, getBlob},
		{post, repo + "/git/blobs", asInstallation, edit, createBlob},
		{get, repo + "/git/commits/{commit_sha}", asInstallation, read, getCommit},
		{post, repo + "/git/commits", asInstallation, edit, createCommit},
		{post, repo + "/git/refs", asInstallation, edit, createRef},
		{get, repo + "/git/ref/{ref}", asInstallation, read, getRef},
		{get, repo + "/git/matching-refs/{ref}", asInstallation, read, matchingRefs},
		{patch, repo + "/git/refs/{ref}", asInstallation, edit, updateRef},
		{del, repo + "/git/refs/{ref}", asInstallation, edit, deleteRef},
		{get, repo + "/tarball/{ref}", asInstallation, read, archiveLink},
		{get, repo + "/zipball/{ref}", asInstallation, read, archiveLink},
		{get, repo + "/pulls", asInstallation, need{"pull_requests": "read"}, listPulls},
		{post, repo + "/pulls", asInstallation, need{"pull_requests": "write"}, createPull},
		{get, repo + "/pulls/{pull_number}", asInstallation, need{"pull_requests": "read"}, getPull},
		{patch, repo + "/pulls/{pull_number}", asInstallation, need{"pull_requests": "write"}, editPull},
		{get, repo + "/pulls/{pull_number}/files", asInstallation, need{"pull_requests": "read"}, listPullFiles},
		{post, repo + "/issues/{issue_number}/labels", asInstallation, talk, addLabels},
		{get, repo + "/issues/{issue_number}/comments", asInstallation, need{"issues": "read", "pull_requests": "read"}, listComments},
		{post, repo + "/issues/{issue_number}/comments", asInstallation, talk, createComment},
		{get, repo + "/issues/comments/{comment_id}", asInstallation, need{"issues": "read", "pull_requests": "read"}, getComment},
		{patch, repo + "/issues/comments/{comment_id}", asInstallation, talk, editComment},
		{post, repo + "/issues/comments/{comment_id}/reactions", asInstallation, talk, createReaction},
		{get, repo + "/collaborators/{username}/permission", asInstallation, need{"metadata": "read"}, getPermission},
		{post, repo + "/check-runs", asInstallation, need{"checks": "write"}, createCheck},
		{patch, repo + "/check-runs/{check_run_id}", asInstallation, need{"checks": "write"}, editCheck},
		{get, repo + "/commits/{ref}/check-runs", asInstallation, need{"checks": "read"}, listChecks},
	}
}

func getRepo(q *request) (int, any) { return http.StatusOK, q.fullRepoView(q.repo) }

// resolve is the commit that a name means: an id, a branch or a full ref.
func (r *Repo) resolve(name string) string {
	if r.git.is(name, "commit") {
		return name
	}
	for _, ref := range []string{name, "refs/" + name, headsPrefix + name} {
		if id, ok := r.refs[ref]; ok {
			return id
		}
	}
	return ""
}

func (q *request) filled() {
	if len(q.repo.git) == 0 {
		panic(no(http.StatusConflict, "Git Repository is empty."))
	}
}

func getTree(q *request) (int, any) {
	q.filled()
	id := q.params["tree_sha"]
	if c := q.repo.resolve(id); c != "" {
		id = q.repo.git.commit(c).tree
	}
	if !q.repo.git.is(id, "tree") {
		panic(errNotFound)
	}
	if q.query.Has("recursive") {
		return http.StatusOK, q.treeView(q.repo, id, q.repo.git.list(id, ""))
	}
	return http.StatusOK, q.treeView(q.repo, id, q.repo.git.tree(id))
}

func createTree(q *request) (int, any) {
	q.filled()
	r := q.repo
	files := map[string]entry{}
	if base := q.text("base_tree"); base != "" {
		if !r.git.is(base, "tree") {
			panic(no(http.StatusNotFound, "Not Found"))
		}
		files = r.git.flat(base)
	}
	list, _ := q.body["tree"].([]any)
	for _, item := range list {
		m, _ := item.(map[string]any)
		q.plant(files, m)
	}
	id := r.git.build(files)
	return http.StatusCreated, q.treeView(r, id, r.git.tree(id))
}

// plant puts one entry of a request into the files of a tree.
func (q *request) plant(files map[string]entry, m map[string]any) {
	name, _ := m["path"].(string)
	mode, _ := m["mode"].(string)
	sha, hasSHA := m["sha"]
	content, hasContent := m["content"].(string)
	switch {
	case name == "" || strings.HasPrefix(name, "/") || strings.Contains("/"+name+"/", "/../") || strings.Contains("/"+name+"/", "/.git/"):
		panic(no(http.StatusUnprocessableEntity, "tree.path contains a malformed path component"))
	case strings.HasPrefix(name, ".github/workflows/"):
		// GitHub asks for the permission "workflows" when the ref is written.
		panic(no(http.StatusForbidden, "Resource not accessible by integration"))
	case hasSHA && hasContent:
		panic(no(http.StatusUnprocessableEntity, "Must supply either tree.sha or tree.content"))
	case hasSHA && sha == nil:
		delete(files, name)
		return
	case hasContent:
		files[name] = entry{mode, name, q.repo.git.blob([]byte(content))}
		return
	}
	id, _ := sha.(string)
	if _, there := q.repo.git[id]; !there {
		panic(no(http.StatusUnprocessableEntity, "tree.sha %s is not a valid blob", id))
	}
	files[name] = entry{mode, name, id}
}

func getBlob(q *request) (int, any) {
	id := q.params["file_sha"]
	if !q.repo.git.is(id, "blob") {
		panic(errNotFound)
	}
	data := q.repo.git[id].data
	return http.StatusOK, map[string]any{
		"sha": id, "node_id": "B_" + id, "size": len(data), "url": q.repoURL(q.repo) + "/git/blobs/" + id,
		"content": wrapped(base64.StdEncoding.EncodeToString(data)), "encoding": "base64",
	}
}

// wrapped breaks lines after 60 characters, as GitHub does.
func wrapped(text string) string {
	var b strings.Builder
	for ; len(text) > 60; text = text[60:] {
		b.WriteString(text[:60] + "\n")
	}
	return b.String() + text + "\n"
}

func createBlob(q *request) (int, any) {
	data := []byte(q.text("content"))
	if q.text("encoding") == "base64" {
		var err error
		if data, err = base64.StdEncoding.DecodeString(q.text("content")); err != nil {
			panic(no(http.StatusUnprocessableEntity, "content is not valid Base64"))
		}
	}
	id := q.repo.git.blob(data)
	return http.StatusCreated, map[string]any{"sha": id, "url": q.repoURL(q.repo) + "/git/blobs/" + id}
}

func getCommit(q *request) (int, any) {
	q.filled()
	id := q.params["commit_sha"]
	if !q.repo.git.is(id, "commit") {
		panic(errNotFound)
	}
	return http.StatusOK, q.commitView(q.repo, id)
}

func botPerson(a *account) person {
	return person{a.login, fmt.Sprintf("%d+%s@users.noreply.github.com", a.id, a.login)}
}

// web is who commits what GitHub makes.
var web = person{"GitHub", "noreply@github.com"}

func createCommit(q *request) (int, any) {
	c := commit{tree: q.text("tree"), message: q.text("message"), author: botPerson(q.bot()), committer: web, at: q.now, signed: true}
	if !q.repo.git.is(c.tree, "tree") {
		panic(no(http.StatusUnprocessableEntity, "Tree SHA does not exist"))
	}
	parents, _ := q.body["parents"].([]any)
	for _, p := range parents {
		id, _ := p.(string)
		if !q.repo.git.is(id, "commit") {
			panic(no(http.StatusUnprocessableEntity, "Parent SHA does not exist or is not a commit object"))
		}
		c.parents = append(c.parents, id)
	}
	if a, ok := q.body["author"].(map[string]any); ok {
		name, _ := a["name"].(string)
		email, _ := a["email"].(string)
		c.author, c.committer, c.signed = person{name, email}, person{name, email}, false
	}
	return http.StatusCreated, q.commitView(q.repo, q.repo.git.putCommit(c))
}

// clash says whether a ref would be both a file and a folder.
func (r *Repo) clash(name string) bool {
	for other := range r.refs {
		if strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
			return true
		}
	}
	return false
}

func createRef(q *request) (int, any) {
	q.filled()
	name, id := q.text("ref"), q.text("sha")
	switch {
	case !strings.HasPrefix(name, "refs/") || strings.Count(name, "/") < 2:
		panic(no(http.StatusUnprocessableEntity, "Reference name must start with 'refs/'."))
	case !q.repo.git.is(id, "commit"):
		panic(no(http.StatusUnprocessableEntity, "Object does not exist"))
	case q.repo.refs[name] != "":
		panic(no(http.StatusUnprocessableEntity, "Reference already exists"))
	case q.repo.clash(name):
		panic(no(http.StatusUnprocessableEntity, "Reference update failed"))
	}
	q.moveRef(q.repo, name, id, q.bot())
	return http.StatusCreated, q.refView(q.repo, name)
}

func getRef(q *request) (int, any) {
	q.filled()
	name := "refs/" + q.params["ref"]
	if q.repo.refs[name] == "" {
		panic(errNotFound)
	}
	return http.StatusOK, q.refView(q.repo, name)
}

func matchingRefs(q *request) (int, any) {
	q.filled()
	out := []any{}
	for _, name := range q.repo.refNames("refs/" + q.params["ref"]) {
		out = append(out, q.refView(q.repo, name))
	}
	return http.StatusOK, out
}

func (r *Repo) refNames(prefix string) []string {
	var out []string
	for name := range r.refs {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func updateRef(q *request) (int, any) {
	name, id := "refs/"+q.params["ref"], q.text("sha")
	force, _ := q.body["force"].(bool)
	switch {
	case q.repo.refs[name] == "":
		panic(no(http.StatusUnprocessableEntity, "Reference does not exist"))
	case !q.repo.git.is(id, "commit"):
		panic(no(http.StatusUnprocessableEntity, "Object does not exist"))
	case !force && !q.repo.git.ancestors(id)[q.repo.refs[name]]:
		panic(no(http.StatusUnprocessableEntity, "Update is not a fast forward"))
	}
	q.moveRef(q.repo, name, id, q.bot())
	return http.StatusOK, q.refView(q.repo, name)
}

func deleteRef(q *request) (int, any) {
	name := "refs/" + q.params["ref"]
	if q.repo.refs[name] == "" {
		panic(no(http.StatusUnprocessableEntity, "Reference does not exist"))
	}
	q.moveRef(q.repo, name, "", q.bot())
	return http.StatusNoContent, nil
}

func listPulls(q *request) (int, any) {
	out := []any{}
	for _, p := range slices.Backward(q.repo.pulls) {
		state := q.query.Get("state")
		if state == "" {
			state = "open"
		}
		_, head, _ := strings.Cut(q.query.Get("head"), ":")
		if q.shown(p.at) && (state == "all" || state == p.state) && (head == "" || head == p.head) {
			out = append(out, q.pullView(q.repo, p))
		}
	}
	return http.StatusOK, page(q, out)
}

// maxBody is how long the text of a pull request or a comment may be.
const maxBody = 65536

func short(resource, text string) {
	if n := utf8.RuneCountInString(text); n > maxBody {
		panic(invalid(resource, "body", "custom", "body is too long (maximum is %d characters)", maxBody))
	}
}

func createPull(q *request) (int, any) {
	r, head, base := q.repo, q.text("head"), q.text("base")
	if _, branch, ok := strings.Cut(head, ":"); ok {
		head = branch
	}
	from, onto := r.refs[headsPrefix+head], r.refs[headsPrefix+base]
	short("PullRequest", q.text("body"))
	open := slices.ContainsFunc(r.pulls, func(p *pull) bool { return p.state == "open" && p.head == head && p.base == base })
	switch {
	case from == "":
		panic(invalid("PullRequest", "head", "invalid", "head does not exist"))
	case onto == "":
		panic(invalid("PullRequest", "base", "invalid", "base does not exist"))
	case open:
		panic(invalid("PullRequest", "", "custom", "A pull request already exists for %s:%s.", r.owner.login, head))
	case r.git.mergeBase(onto, from) == "":
		panic(invalid("PullRequest", "", "custom", "The %s branch has no history in common with %s", head, base))
	case r.git.ancestors(onto)[from]:
		panic(invalid("PullRequest", "", "custom", "No commits between %s and %s", base, head))
	}
	draft, _ := q.body["draft"].(bool)
	p := q.openPull(r, q.bot(), head, base, q.text("title"), q.text("body"), draft)
	return http.StatusCreated, q.fullPullView(r, p)
}

func (q *request) pull(param string) *pull {
	p := q.repo.pull(int(q.number(param)))
	if p == nil {
		panic(errNotFound)
	}
	return p
}

func getPull(q *request) (int, any) {
	return http.StatusOK, q.fullPullView(q.repo, q.pull("pull_number"))
}

func editPull(q *request) (int, any) {
	p := q.pull("pull_number")
	short("PullRequest", q.text("body"))
	state := q.text("state")
	if state == "open" && p.state == "closed" && (p.merged || q.repo.refs[headsPrefix+p.head] == "") {
		panic(invalid("PullRequest", "state", "invalid", "state cannot be changed. The %s branch has been deleted or merged.", p.head))
	}
	if _, ok := q.body["title"]; ok {
		p.title = q.text("title")
	}
	if _, ok := q.body["body"]; ok {
		p.body = q.text("body")
	}
	p.edited = q.now
	q.notify(q.repo, q.bot(), "pull_request", "edited", map[string]any{"number": p.number, "pull_request": q.fullPullView(q.repo, p), "changes": map[string]any{}})
	if state != "" && state != p.state {
		q.setState(q.repo, p, state, q.bot())
	}
	return http.StatusOK, q.fullPullView(q.repo, p)
}

func listPullFiles(q *request) (int, any) {
	out := []any{}
	for _, c := range q.repo.changes(q.pull("pull_number")) {
		out = append(out, q.fileView(q.repo, c))
	}
	return http.StatusOK, page(q, out)
}

func addLabels(q *request) (int, any) {
	p := q.pull("issue_number")
	names, _ := q.body["labels"].([]any)
	for _, n := range names {
		if name, _ := n.(string); name != "" && !slices.Contains(p.labels, name) {
			p.labels = append(p.labels, name)
		}
	}
	out := []any{}
	for _, l := range p.labels {
		out = append(out, q.labelView(q.repo, l))
	}
	return http.StatusOK, out
}

func listComments(q *request) (int, any) {
	p := q.pull("issue_number")
	since, err := time.Parse(time.RFC3339, q.query.Get("since"))
	out := []any{}
	for _, c := range q.repo.commentsOn(p.number) {
		if q.shown(c.at) && (err != nil || !c.edited.Before(since)) {
			out = append(out, q.commentView(q.repo, c))
		}
	}
	return http.StatusOK, page(q, out)
}

func createComment(q *request) (int, any) {
	p := q.pull("issue_number")
	short("IssueComment", q.text("body"))
	if strings.TrimSpace(q.text("body")) == "" {
		panic(invalid("IssueComment", "body", "missing_field", "body can't be blank"))
	}
	return http.StatusCreated, q.commentView(q.repo, q.addComment(q.repo, p, q.bot(), q.text("body")))
}

func (q *request) comment() *comment {
	c := q.repo.comment(q.number("comment_id"))
	if c == nil {
		panic(errNotFound)
	}
	return c
}

func getComment(q *request) (int, any) {
	return http.StatusOK, q.commentView(q.repo, q.comment())
}

func editComment(q *request) (int, any) {
	c := q.comment()
	short("IssueComment", q.text("body"))
	c.body, c.edited = q.text("body"), q.now
	return http.StatusOK, q.commentView(q.repo, c)
}

// createReaction answers 200 when it is there already: it is the one write
// that may be repeated.
func createReaction(q *request) (int, any) {
	c := q.comment()
	for _, x := range c.reactions {
		if x.by == q.bot() && x.content == q.text("content") {
			return http.StatusOK, q.reactionView(x, q.now)
		}
	}
	x := reaction{q.id(), q.bot(), q.text("content")}
	c.reactions = append(c.reactions, x)
	return http.StatusCreated, q.reactionView(x, q.now)
}

// getPermission folds the finer roles, as GitHub does: maintain to write and
// triage to read. Nobody but accounts has one.
func getPermission(q *request) (int, any) {
	a := q.accounts[q.params["username"]]
	if a == nil || a.kind != "User" {
		panic(no(http.StatusNotFound, "%s is not a user", q.params["username"]))
	}
	role := q.repo.role(a.login)
	folded := map[string]string{"maintain": "write", "triage": "read"}[role]
	if folded == "" {
		folded = role
	}
	u := q.userView(a)
	u["role_name"] = role
	u["permissions"] = map[string]any{
		"pull": folded != "none", "triage": role == "triage" || folded == "write" || folded == "admin", "push": folded == "write" || folded == "admin",
		"maintain": role == "maintain" || folded == "admin", "admin": folded == "admin",
	}
	return http.StatusOK, map[string]any{"permission": folded, "role_name": role, "user": u}
}

// Limits of check runs that the description does not state or enforce.
const (
	maxAnnotations = 50
	maxSummary     = 65535
)

func (c *check) take(q *request) {
	out, ok := q.body["output"].(map[string]any)
	if !ok {
		return
	}
	notes, _ := out["annotations"].([]any)
	summary, _ := out["summary"].(string)
	if len(notes) > maxAnnotations || len(summary) > maxSummary {
		panic(no(http.StatusUnprocessableEntity, "Invalid request.\n\nNo more than %d annotations and %d characters of summary", maxAnnotations, maxSummary))
	}
	for _, n := range notes {
		m, _ := n.(map[string]any)
		c.notes = append(c.notes, m)
	}
	c.output = out
}

func createCheck(q *request) (int, any) {
	head := q.text("head_sha")
	if !q.repo.git.is(head, "commit") {
		panic(no(http.StatusUnprocessableEntity, "No commit found for SHA: %s", head))
	}
	c := &check{id: q.id(), app: q.AppID, head: head, name: q.text("name"), externalID: q.text("external_id"), status: "queued", at: q.now}
	c.take(q)
	c.conclude(q)
	q.repo.checks = append(q.repo.checks, c)
	return http.StatusCreated, q.checkView(q.repo, c)
}

func (c *check) conclude(q *request) {
	if s := q.text("status"); s != "" {
		c.status = s
	}
	if s := q.text("conclusion"); s != "" {
		c.status, c.conclusion = "completed", s
	}
}

func editCheck(q *request) (int, any) {
	i := slices.IndexFunc(q.repo.checks, func(c *check) bool { return c.id == q.number("check_run_id") })
	if i < 0 {
		panic(errNotFound)
	}
	c := q.repo.checks[i]
	c.take(q)
	c.conclude(q)
	return http.StatusOK, q.checkView(q.repo, c)
}

func listChecks(q *request) (int, any) {
	id := q.repo.resolve(q.params["ref"])
	if id == "" {
		panic(no(http.StatusUnprocessableEntity, "No commit found for SHA: %s", q.params["ref"]))
	}
	out := []any{}
	for _, c := range q.repo.checks {
		if c.head == id && q.shown(c.at) {
			out = append(out, q.checkView(q.repo, c))
		}
	}
	return http.StatusOK, map[string]any{"total_count": len(out), "check_runs": page(q, out)}
}
