package ghtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// A resolved object knows its type, for fragments and for the judge.
type resolved struct {
	typ    string
	fields map[string]func(args map[string]any) any
}

// graphError is one of GitHub's errors, which come with status 200.
type graphError struct {
	kind, message string
	path          []any
}

var operation = regexp.MustCompile(`^\s*(query|mutation)\s+(\w+)`)

func operationName(raw []byte) string {
	var body struct{ Query string }
	if err := json.Unmarshal(raw, &body); err != nil {
		return "query ?"
	}
	m := operation.FindStringSubmatch(body.Query)
	if m == nil {
		return "query ?"
	}
	return m[1] + " " + m[2]
}

func (s *Server) graphql(q *request) *answer {
	var body struct {
		Query     string
		Variables map[string]any
	}
	d := json.NewDecoder(bytes.NewReader(q.raw))
	d.UseNumber() // the validator tells integers from other numbers
	if err := d.Decode(&body); err != nil {
		panic(no(http.StatusBadRequest, "Problems parsing JSON"))
	}
	doc, errs := gqlparser.LoadQueryWithRules(s.judge.schema, body.Query, rules.NewDefaultRules())
	if errs != nil {
		s.bug("GraphQL: %v", errs)
		return answerJSON(http.StatusOK, nil, map[string]any{"errors": graphErrors(errs)})
	}
	op := doc.Operations[0]
	vars, err := validator.VariableValues(s.judge.schema, op, body.Variables)
	if err != nil {
		s.bug("GraphQL: %v", err)
		return answerJSON(http.StatusOK, nil, map[string]any{"errors": []any{map[string]any{"message": err.Error()}}})
	}
	x := &execution{Server: s, q: q, vars: vars}
	root := x.root(op)
	data := x.selection(op.SelectionSet, root, nil)
	out := map[string]any{"data": data}
	if len(x.errors) > 0 {
		list := []any{}
		for _, e := range x.errors {
			list = append(list, map[string]any{"type": e.kind, "message": e.message, "path": e.path})
		}
		out["errors"] = list
	}
	return answerJSON(http.StatusOK, nil, out)
}

func graphErrors(errs gqlerror.List) []any {
	out := []any{}
	for _, e := range errs {
		out = append(out, map[string]any{"message": e.Message})
	}
	return out
}

// An execution is one GraphQL request on its way.
type execution struct {
	*Server
	q      *request
	vars   map[string]any
	at     []any // the field that is being answered
	errors []graphError
}

// fail answers null for the field that is being answered, with the reason.
func (x *execution) fail(kind, format string, args ...any) any {
	x.errors = append(x.errors, graphError{kind, fmt.Sprintf(format, args...), x.at})
	return nil
}

// selection answers the fields that are asked of an object.
func (x *execution) selection(set ast.SelectionSet, o *resolved, path []any) map[string]any {
	out := map[string]any{}
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if !x.wanted(sel.Directives) {
				continue
			}
			at := append(slices.Clone(path), sel.Alias)
			out[sel.Alias] = x.field(sel, o, at)
		case *ast.InlineFragment:
			if x.is(o.typ, sel.TypeCondition) {
				maps.Copy(out, x.selection(sel.SelectionSet, o, path))
			}
		case *ast.FragmentSpread:
			if x.is(o.typ, sel.Definition.TypeCondition) {
				maps.Copy(out, x.selection(sel.Definition.SelectionSet, o, path))
			}
		}
	}
	return out
}

// wanted says whether @include and @skip let a field be answered.
func (x *execution) wanted(list ast.DirectiveList) bool {
	for _, d := range list {
		if d.ArgumentMap(x.vars)["if"] != (d.Name == "include") {
			return false
		}
	}
	return true
}

func (x *execution) is(typ, condition string) bool {
	if condition == "" || typ == condition {
		return true
	}
	return slices.ContainsFunc(x.judge.schema.GetPossibleTypes(x.judge.schema.Types[condition]), func(d *ast.Definition) bool { return d.Name == typ })
}

func (x *execution) field(f *ast.Field, o *resolved, path []any) any {
	if f.Name == "__typename" {
		return o.typ
	}
	x.at = path
	get, there := o.fields[f.Name]
	if !there {
		x.bug("GraphQL: %s.%s is not modelled here", o.typ, f.Name)
		return x.fail("INTERNAL", "Something went wrong")
	}
	args := f.ArgumentMap(x.vars)
	if len(args) > 0 && f.Definition.Arguments.ForName("first") != nil {
		if msg := bounds(args); msg != "" {
			x.bug("GraphQL: %v: %s", path, msg)
			return x.fail("ARGUMENT_LIMIT", "%s", msg)
		}
	}
	n := len(x.errors)
	v := x.complete(f, get(args), f.Definition.Type, path)
	if v == nil && f.Definition.Type.NonNull && len(x.errors) == n {
		x.bug("GraphQL: %v is null and must not be", path)
	}
	return v
}

// bounds are those of GitHub's connections: 1 to 100 of something.
func bounds(args map[string]any) string {
	for _, k := range []string{"first", "last"} {
		if n, ok := args[k].(int64); ok {
			if n < 1 || n > 100 {
				return fmt.Sprintf("Requesting %d records exceeds the `%s` limit of 100 records", n, k)
			}
			return ""
		}
	}
	return "You must provide a `first` or `last` value to properly paginate"
}

// complete turns what a field has into JSON, and judges it by the schema.
func (x *execution) complete(f *ast.Field, v any, t *ast.Type, path []any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case *resolved:
		if v == nil {
			return nil
		}
		if !x.is(v.typ, t.Name()) {
			x.bug("GraphQL: %v is a %s and must be a %s", path, v.typ, t.Name())
		}
		return x.selection(f.SelectionSet, v, path)
	case []*resolved:
		if t.Elem == nil {
			x.bug("GraphQL: %v is a list and must be a %s", path, t)
			return nil
		}
		out := []any{}
		for i, item := range v {
			out = append(out, x.complete(f, item, t.Elem, append(slices.Clone(path), i)))
		}
		return out
	}
	x.judgeScalar(v, t, path)
	return v
}

func (x *execution) judgeScalar(v any, t *ast.Type, path []any) {
	ok := true
	switch def := x.judge.schema.Types[t.Name()]; {
	case t.Elem != nil || def.Kind == ast.Object || def.Kind == ast.Interface || def.Kind == ast.Union:
		ok = false
	case def.Kind == ast.Enum:
		text, isText := v.(string)
		ok = isText && def.EnumValues.ForName(text) != nil
	case t.Name() == "Int":
		switch v.(type) {
		case int, int64:
		default:
			ok = false
		}
	case t.Name() == "Boolean":
		_, ok = v.(bool)
	default:
		_, ok = v.(string)
	}
	if !ok {
		x.bug("GraphQL: %v is %v and must be a %s", path, v, t)
	}
}

// connection is a page of a list, newest or oldest first as the list is.
func connection(typ string, list []*resolved, args map[string]any) *resolved {
	from, to := 0, len(list)
	if after, ok := args["after"].(string); ok {
		_, _ = fmt.Sscanf(after, "cursor:%d", &from)
	}
	if before, ok := args["before"].(string); ok {
		_, _ = fmt.Sscanf(before, "cursor:%d", &to)
	}
	from = min(from, len(list))
	more, less := false, from > 0
	if n, ok := args["first"].(int64); ok && from+int(n) < to {
		to, more = from+int(n), true
	}
	if n, ok := args["last"].(int64); ok && to-int(n) > from {
		from, less = to-int(n), true
	}
	info := &resolved{"PageInfo", values{
		"hasNextPage": more, "hasPreviousPage": less, "endCursor": fmt.Sprintf("cursor:%d", to), "startCursor": fmt.Sprintf("cursor:%d", from),
	}.fields()}
	return &resolved{typ, values{"nodes": list[from:to], "pageInfo": info, "totalCount": len(list)}.fields()}
}

// values are fields without arguments.
type values map[string]any

func (v values) fields() map[string]func(map[string]any) any {
	out := map[string]func(map[string]any) any{}
	for name, value := range v {
		if f, ok := value.(func(map[string]any) any); ok {
			out[name] = f
			continue
		}
		out[name] = func(map[string]any) any { return value }
	}
	return out
}

func (x *execution) root(op *ast.OperationDefinition) *resolved {
	if op.Operation == ast.Mutation {
		return &resolved{"Mutation", values{"updateRefs": x.updateRefs}.fields()}
	}
	return &resolved{"Query", values{
		"viewer":     x.user(x.bot()),
		"repository": x.repository,
	}.fields()}
}

// user is the viewer: a User even when it is a bot, with the bot's full login.
func (x *execution) user(a *account) *resolved {
	return &resolved{"User", values{"login": a.login, "databaseId": a.id}.fields()}
}

// actor is who did something. A bot's login lacks its ending here.
func (x *execution) actor(a *account) *resolved {
	if a == nil {
		return nil
	}
	if a.kind == "Bot" {
		return &resolved{"Bot", values{"login": strings.TrimSuffix(a.login, "[bot]"), "databaseId": a.id}.fields()}
	}
	return &resolved{"User", values{"login": a.login, "databaseId": a.id}.fields()}
}

func (x *execution) repository(args map[string]any) any {
	owner, _ := args["owner"].(string)
	name, _ := args["name"].(string)
	r, moved := x.find(owner, name)
	if follow, ok := args["followRenames"].(bool); ok && !follow && moved {
		r = nil
	}
	if r == nil || r.private && !x.q.token.sees(r) {
		return x.fail("NOT_FOUND", "Could not resolve to a Repository with the name '%s/%s'.", owner, name)
	}
	return x.repo(r)
}

func (x *execution) repo(r *Repo) *resolved {
	v := values{
		"id": node("R", r.ID), "databaseId": r.ID, "name": r.name, "nameWithOwner": r.fullName(), "owner": x.owner(r),
		"isArchived": r.archived, "isPrivate": r.private, "isEmpty": len(r.refs) == 0, "isDisabled": r.disabled,
		"visibility":       map[bool]string{true: "PRIVATE", false: "PUBLIC"}[r.private],
		"defaultBranchRef": nil,
		"refs":             func(args map[string]any) any { return x.refs(r, args) },
		"ref":              func(args map[string]any) any { return x.ref(r, args["qualifiedName"].(string)) },
		"object":           func(args map[string]any) any { return x.object(r, args) },
		"pullRequests":     func(args map[string]any) any { return x.pulls(r, r.pulls, args) },
		"pullRequest":      func(args map[string]any) any { return x.pullRequest(r, args["number"].(int64)) },
	}
	if r.refs[headsPrefix+r.branch] != "" {
		v["defaultBranchRef"] = x.ref(r, headsPrefix+r.branch)
	}
	return &resolved{"Repository", v.fields()}
}

func (x *execution) owner(r *Repo) *resolved {
	return &resolved{r.owner.kind, values{"login": r.owner.login}.fields()}
}

// may says whether the token has a permission, and fails the field when not.
func (x *execution) may(r *Repo, name string) bool {
	ok := x.q.token.sees(r) && allows(x.q.token.permissions[name], "read") || !r.private
	if !ok {
		x.fail("FORBIDDEN", "Resource not accessible by integration")
	}
	return ok
}

func (x *execution) refs(r *Repo, args map[string]any) any {
	if !x.may(r, "contents") {
		return nil
	}
	var list []*resolved
	prefix, _ := args["refPrefix"].(string)
	if !strings.HasSuffix(prefix, "/") {
		return x.fail("ARGUMENT", "refPrefix must end with a slash")
	}
	for _, name := range r.refNames(prefix) {
		list = append(list, x.refUnder(r, name, prefix))
	}
	return connection("RefConnection", list, args)
}

func (x *execution) ref(r *Repo, name string) any {
	if r.refs[name] == "" {
		return nil
	}
	return x.refUnder(r, name, headsPrefix)
}

// refUnder is a ref; its name leaves out the prefix that it was asked by.
func (x *execution) refUnder(r *Repo, name, prefix string) *resolved {
	branch := strings.TrimPrefix(name, headsPrefix)
	var from []*pull
	for _, p := range r.pulls {
		if p.head == branch && !p.fork {
			from = append(from, p)
		}
	}
	return &resolved{"Ref", values{
		"id": "REF_" + name, "name": strings.TrimPrefix(name, prefix), "prefix": prefix, "target": x.commit(r, r.refs[name]),
		"associatedPullRequests": func(args map[string]any) any { return x.pulls(r, from, args) },
	}.fields()}
}

func (x *execution) object(r *Repo, args map[string]any) any {
	if !x.may(r, "contents") {
		return nil
	}
	id, _ := args["oid"].(string)
	if expression, ok := args["expression"].(string); ok {
		id = r.resolve(expression)
	}
	switch {
	case r.git.is(id, "commit"):
		return x.commit(r, id)
	case r.git.is(id, "blob"):
		return x.blob(r, id)
	}
	return nil
}

// maxText is where GitHub cuts the text of a blob.
const maxText = 512_000

func (x *execution) blob(r *Repo, id string) *resolved {
	data := r.git[id].data
	binary := slices.Contains(data, 0)
	v := values{"oid": id, "byteSize": len(data), "isBinary": binary, "isTruncated": len(data) > maxText, "text": nil}
	if !binary {
		v["text"] = strings.ToValidUTF8(string(data[:min(len(data), maxText)]), "\uFFFD")
	}
	return &resolved{"Blob", v.fields()}
}

func (x *execution) commit(r *Repo, id string) *resolved {
	if !r.git.is(id, "commit") {
		return nil
	}
	c := r.git.commit(id)
	var parents []*resolved
	for _, p := range c.parents {
		parents = append(parents, x.commit(r, p))
	}
	v := values{
		"oid": id, "message": c.message, "author": x.gitActor(c.author), "committer": x.gitActor(c.committer), "signature": nil,
		"tree":    &resolved{"Tree", values{"oid": c.tree}.fields()},
		"parents": func(args map[string]any) any { return connection("CommitConnection", parents, args) },
		"file":    func(args map[string]any) any { return x.treeEntry(r, c.tree, args["path"].(string)) },
		"checkSuites": func(args map[string]any) any {
			return x.checkSuites(r, id, args)
		},
	}
	if c.signed {
		v["signature"] = &resolved{"GpgSignature", values{"isValid": true, "wasSignedByGitHub": true}.fields()}
	}
	return &resolved{"Commit", v.fields()}
}

func (x *execution) gitActor(p person) *resolved {
	return &resolved{"GitActor", values{"name": p.name, "email": p.email}.fields()}
}

func (x *execution) treeEntry(r *Repo, tree, path string) any {
	for _, e := range r.git.list(tree, "") {
		if e.name == path {
			var mode int64
			_, _ = fmt.Sscanf(e.mode, "%o", &mode)
			v := values{"path": e.name, "name": e.name, "mode": mode, "type": e.kind(), "oid": e.id, "size": len(r.git[e.id].data), "object": nil}
			if e.kind() == "blob" {
				v["object"] = x.blob(r, e.id)
			}
			return &resolved{"TreeEntry", v.fields()}
		}
	}
	return nil
}

// checkSuites are one for each App that has checks on the commit: only ours
// here.
func (x *execution) checkSuites(r *Repo, id string, args map[string]any) any {
	if !x.may(r, "checks") {
		return nil
	}
	var runs []*resolved
	for _, c := range r.checks {
		if c.head == id && x.shown(c.at) {
			runs = append(runs, x.checkRun(c))
		}
	}
	var suites []*resolved
	filter, _ := args["filterBy"].(map[string]any)
	app, byApp := filter["appId"].(int64)
	if len(runs) > 0 && (!byApp || app == x.AppID) {
		suites = append(suites, &resolved{"CheckSuite", values{
			"checkRuns": func(args map[string]any) any { return connection("CheckRunConnection", runs, args) },
		}.fields()})
	}
	return connection("CheckSuiteConnection", suites, args)
}

func (x *execution) checkRun(c *check) *resolved {
	v := values{"databaseId": c.id, "name": c.name, "externalId": c.externalID, "status": strings.ToUpper(c.status), "conclusion": nil}
	if c.conclusion != "" {
		v["conclusion"] = strings.ToUpper(c.conclusion)
	}
	return &resolved{"CheckRun", v.fields()}
}

// pulls are newest first when the query orders them so, else oldest first.
func (x *execution) pulls(r *Repo, from []*pull, args map[string]any) any {
	if !x.may(r, "pull_requests") {
		return nil
	}
	var list []*resolved
	for _, p := range from {
		if x.shown(p.at) {
			list = append(list, x.pull(r, p))
		}
	}
	if order, _ := args["orderBy"].(map[string]any); order["direction"] == "DESC" {
		slices.Reverse(list)
	}
	return connection("PullRequestConnection", list, args)
}

func (x *execution) pullRequest(r *Repo, number int64) any {
	p := r.pull(int(number))
	if p == nil {
		return x.fail("NOT_FOUND", "Could not resolve to a PullRequest with the number of %d.", number)
	}
	if !x.may(r, "pull_requests") {
		return nil
	}
	return x.pull(r, p)
}

func (x *execution) pull(r *Repo, p *pull) *resolved {
	tip, base := r.tip(p), r.refs[headsPrefix+p.base]
	mergeable := "MERGEABLE"
	if p.state != "open" {
		mergeable = "UNKNOWN"
	} else if r.git.conflicts(base, tip) {
		mergeable = "CONFLICTING"
	}
	v := values{
		"id": node("PR", p.id), "number": p.number, "state": pullStatus(p), "isDraft": p.draft, "title": p.title, "body": p.body,
		"author": x.actor(p.author), "baseRefName": p.base, "baseRefOid": base, "headRefName": p.head, "headRefOid": tip,
		"isCrossRepository": p.fork, "headRepository": nil, "mergeable": mergeable, "mergedAt": stampOrNil(p.mergedAt), "viewerDidAuthor": p.author == x.bot(),
		"timelineItems": func(args map[string]any) any { return x.closings(p, args) },
		"files":         func(args map[string]any) any { return x.files(r, p, args) },
		"comments":      func(args map[string]any) any { return x.comments(r, p, args) },
		"commits":       func(args map[string]any) any { return x.commits(r, p, args) },
	}
	switch {
	case !p.fork:
		v["headRepository"] = &resolved{"Repository", values{"databaseId": r.ID}.fields()}
	case !p.forkGone:
		v["headRepository"] = &resolved{"Repository", values{"databaseId": p.id}.fields()}
	}
	return &resolved{"PullRequest", v.fields()}
}

func (x *execution) closings(p *pull, args map[string]any) any {
	var list []*resolved
	if p.state == "closed" {
		list = append(list, &resolved{"ClosedEvent", values{"actor": x.actor(p.closedBy)}.fields()})
	}
	return connection("PullRequestTimelineItemsConnection", list, args)
}

func (x *execution) files(r *Repo, p *pull, args map[string]any) any {
	var list []*resolved
	for _, c := range r.changes(p) {
		list = append(list, &resolved{"PullRequestChangedFile", values{"path": c.path}.fields()})
	}
	return connection("PullRequestChangedFileConnection", list, args)
}

func (x *execution) comments(r *Repo, p *pull, args map[string]any) any {
	var list []*resolved
	for _, c := range r.commentsOn(p.number) {
		if x.shown(c.at) {
			list = append(list, &resolved{"IssueComment", values{
				"databaseId": c.id, "fullDatabaseId": fmt.Sprint(c.id), "author": x.actor(c.author), "body": c.body, "viewerDidAuthor": c.author == x.bot(),
			}.fields()})
		}
	}
	return connection("IssueCommentConnection", list, args)
}

// commits has the last one only, which is all that is asked for.
func (x *execution) commits(r *Repo, p *pull, args map[string]any) any {
	list := []*resolved{{"PullRequestCommit", values{"commit": x.commit(r, r.tip(p))}.fields()}}
	return connection("PullRequestCommitConnection", list, args)
}

// updateRefs moves all refs or none: each must be where the caller says it is.
func (x *execution) updateRefs(args map[string]any) any {
	input, _ := args["input"].(map[string]any)
	r := x.repoByNode(input["repositoryId"])
	if r == nil {
		return x.fail("NOT_FOUND", "Could not resolve to a node with the global id of '%v'", input["repositoryId"])
	}
	if !x.q.token.sees(r) || !allows(x.q.token.permissions["contents"], "write") || r.archived {
		return x.fail("FORBIDDEN", "Resource not accessible by integration")
	}
	updates, _ := input["refUpdates"].([]any)
	for _, u := range updates {
		m, _ := u.(map[string]any)
		if why := r.refuses(m); why != "" {
			return x.fail("UNPROCESSABLE", "%s", why)
		}
	}
	for _, u := range updates {
		m, _ := u.(map[string]any)
		after, _ := m["afterOid"].(string)
		x.moveRef(r, m["name"].(string), strings.ReplaceAll(after, zeroID, ""), x.bot())
	}
	return &resolved{"UpdateRefsPayload", values{"clientMutationId": input["clientMutationId"]}.fields()}
}

func (s *Server) repoByNode(id any) *Repo {
	for _, r := range s.repos {
		if node("R", r.ID) == id {
			return r
		}
	}
	return nil
}

// refuses says why a ref is not updated; "" when it can be.
func (r *Repo) refuses(m map[string]any) string {
	name, _ := m["name"].(string)
	after, _ := m["afterOid"].(string)
	before, checked := m["beforeOid"].(string)
	force, _ := m["force"].(bool)
	is := r.refs[name]
	switch {
	case !strings.HasPrefix(name, "refs/"):
		return "Reference name must start with 'refs/'"
	case checked && before != zeroID && is != before, checked && before == zeroID && is != "":
		return fmt.Sprintf("%s is at %s but expected %s", name, is, before)
	case after != zeroID && !r.git.is(after, "commit"):
		return "Object does not exist"
	case !force && is != "" && after != zeroID && !r.git.ancestors(after)[is]:
		return "Update is not a fast forward"
	}
	return ""
}
