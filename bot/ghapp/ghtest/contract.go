package ghtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A Target is a GitHub to hold against [Contract]: this Server, another
// stand-in, or the real one.
type Target struct {
	URL     string // of the REST API
	GraphQL string // "" when it has none
	// App and Token are a JSON Web Token of the App and a token of an
	// installation that may write contents, pull requests and checks.
	App, Token   string
	Installation int64
	// Owner and Repo name a repository with a README.md on its branch main.
	// Branches and pull requests are left behind in it, below Run.
	Owner, Repo, Run string
	// Lacks names the clauses that the target is known not to keep, and why.
	// One that it keeps after all fails, so that the list stays true.
	Lacks map[string]string
}

// Contract holds a target against what this package claims of GitHub: the
// behaviour that its descriptions do not state and that the App relies on. Each
// clause is a test of its own.
func Contract(t *testing.T, at Target) {
	for _, c := range clauses {
		t.Run(c.name, func(t *testing.T) {
			err := c.holds(&talk{Target: at, clause: strings.ReplaceAll(c.name, " ", "-")})
			why, lacks := at.Lacks[c.name]
			switch {
			case lacks && err == nil:
				t.Errorf("it is said to lack this (%s) and has it", why)
			case lacks:
				t.Logf("lacking, as known (%s): %v", why, err)
			case err != nil:
				t.Error(err)
			}
		})
	}
}

// A talk is one clause with a target. The first answer that is not as it should
// be ends it: the methods do nothing from then on.
type talk struct {
	Target
	clause string
	err    error
}

type obj = map[string]any

func (k *talk) repo(path string) string { return "/repos/" + k.Owner + "/" + k.Repo + path }

func (k *talk) branch(name string) string { return k.Run + "/" + k.clause + "/" + name }

// call makes a request and wants a status; 0 for any.
func (k *talk) call(status int, token, method, url string, body any) (obj, http.Header) {
	if k.err != nil {
		return nil, nil
	}
	got, header, answer, err := send(token, method, url, body)
	if err == nil && status != 0 && got != status {
		err = fmt.Errorf("%s %s: status %d, want %d: %.200s", method, url, got, status, fmt.Sprint(answer))
	}
	k.err = err
	return answer, header
}

// send makes one request, without following redirects. A list comes back in
// the field "list".
func send(token, method, url string, body any) (int, http.Header, obj, error) {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			return 0, nil, nil, err
		}
	}
	r, err := http.NewRequest(method, url, bytes.NewReader(raw))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "sparktune-contract")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	if raw, err = io.ReadAll(resp.Body); err != nil {
		return 0, nil, nil, err
	}
	var answer any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &answer); err != nil {
			answer = obj{"text": string(raw)}
		}
	}
	if list, ok := answer.([]any); ok {
		answer = obj{"list": list}
	}
	o, _ := answer.(obj)
	return resp.StatusCode, resp.Header, o, nil
}

func (k *talk) do(status int, method, path string, body any) obj {
	answer, _ := k.call(status, k.Token, method, k.URL+path, body)
	return answer
}

func (k *talk) want(ok bool, format string, args ...any) {
	if k.err == nil && !ok {
		k.err = fmt.Errorf(format, args...)
	}
}

// dig follows keys and indexes into an answer.
func dig(v any, keys ...any) any {
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			o, _ := v.(obj)
			v = o[key]
		case int:
			list, _ := v.([]any)
			if key >= len(list) {
				return nil
			}
			v = list[key]
		}
	}
	return v
}

func (k *talk) head() string {
	id, _ := dig(k.do(200, "GET", k.repo("/git/ref/heads/main"), nil), "object", "sha").(string)
	return id
}

// commit makes a commit of one file on top of main, attached to nothing.
func (k *talk) commit(path, content string) string {
	head := k.head()
	base := dig(k.do(200, "GET", k.repo("/git/commits/"+head), nil), "tree", "sha")
	tree := k.do(201, "POST", k.repo("/git/trees"), obj{"base_tree": base, "tree": []any{obj{"path": path, "mode": "100644", "type": "blob", "content": content}}})
	made := k.do(201, "POST", k.repo("/git/commits"), obj{"message": "contract: " + k.clause, "tree": tree["sha"], "parents": []any{head}})
	id, _ := made["sha"].(string)
	return id
}

func (k *talk) newBranch(name string) (branch, id string) {
	branch, id = k.branch(name), k.commit(k.clause+"-"+name, "one\n")
	k.do(201, "POST", k.repo("/git/refs"), obj{"ref": headsPrefix + branch, "sha": id})
	return branch, id
}

func (k *talk) newPull() (number int, id string) {
	branch, id := k.newBranch("pull")
	p := k.do(201, "POST", k.repo("/pulls"), obj{"title": k.clause, "head": branch, "base": "main", "body": "b"})
	n, _ := p["number"].(float64)
	return int(n), id
}

// graph runs a GraphQL operation; the errors of it are in the answer.
func (k *talk) graph(query string, vars obj) obj {
	if k.GraphQL == "" && k.err == nil {
		k.err = fmt.Errorf("there is no GraphQL")
	}
	answer, _ := k.call(200, k.Token, "POST", k.GraphQL, obj{"query": query, "variables": vars})
	return answer
}

type clause struct {
	name string
	keep func(*talk)
}

func (c clause) holds(k *talk) error {
	c.keep(k)
	return k.err
}

var clauses = []clause{
	{"the App knows itself", func(k *talk) {
		a, _ := k.call(200, k.App, "GET", k.URL+"/app", nil)
		k.want(a["slug"] != nil, "no slug: %v", a)
	}},
	{"a token cannot have more than was granted", func(k *talk) {
		url := fmt.Sprintf("%s/app/installations/%d/access_tokens", k.URL, k.Installation)
		k.call(422, k.App, "POST", url, obj{"permissions": obj{"administration": "write"}})
	}},
	{"a token to read cannot write", func(k *talk) {
		url := fmt.Sprintf("%s/app/installations/%d/access_tokens", k.URL, k.Installation)
		a, _ := k.call(201, k.App, "POST", url, obj{"permissions": obj{"contents": "read"}})
		token, _ := a["token"].(string)
		k.call(403, token, "POST", k.URL+k.repo("/git/blobs"), obj{"content": "x", "encoding": "utf-8"})
	}},
	{"an unknown token is refused", func(k *talk) {
		k.call(401, "ghs_"+strings.Repeat("x", 36), "GET", k.URL+k.repo(""), nil)
	}},
	{"a blob has git's id", func(k *talk) {
		b := k.do(201, "POST", k.repo("/git/blobs"), obj{"content": "hello\n", "encoding": "utf-8"})
		k.want(b["sha"] == "ce013625030ba8dba906f756967f9e9ca394464a", "got %v", b["sha"])
	}},
	{"a tree on a base keeps the rest", func(k *talk) {
		id := k.commit("new.txt", "one\n")
		tree := k.do(200, "GET", k.repo("/git/trees/"+id+"?recursive=1"), nil)
		text := fmt.Sprint(tree["tree"])
		k.want(strings.Contains(text, "README.md") && strings.Contains(text, "new.txt"), "got %v", text)
	}},
	{"a tree without a base has nothing else", func(k *talk) {
		tree := k.do(201, "POST", k.repo("/git/trees"), obj{"tree": []any{obj{"path": "only.sh", "mode": "100755", "type": "blob", "content": "x"}}})
		list, _ := tree["tree"].([]any)
		k.want(len(list) == 1 && dig(list, 0, "mode") == "100755", "got %v", list)
	}},
	{"a tree of an unknown blob is refused", func(k *talk) {
		k.do(422, "POST", k.repo("/git/trees"), obj{"tree": []any{obj{"path": "x", "mode": "100644", "type": "blob", "sha": strings.Repeat("1", 40)}}})
	}},
	{"a commit without an author is the App's and verified", func(k *talk) {
		c := k.do(200, "GET", k.repo("/git/commits/"+k.commit("x", "y")), nil)
		name, _ := dig(c, "author", "name").(string)
		k.want(strings.HasSuffix(name, "[bot]") && dig(c, "verification", "verified") == true, "got %v, %v", name, c["verification"])
	}},
	{"a commit of an unknown tree is refused", func(k *talk) {
		k.do(422, "POST", k.repo("/git/commits"), obj{"message": "m", "tree": strings.Repeat("1", 40), "parents": []any{k.head()}})
	}},
	{"a ref is made once", func(k *talk) {
		branch, id := k.newBranch("b")
		a := k.do(422, "POST", k.repo("/git/refs"), obj{"ref": headsPrefix + branch, "sha": id})
		k.want(a["message"] == "Reference already exists", "got %v", a["message"])
	}},
	{"a ref cannot be below another", func(k *talk) {
		branch, id := k.newBranch("b")
		k.do(422, "POST", k.repo("/git/refs"), obj{"ref": headsPrefix + branch + "/below", "sha": id})
	}},
	{"a ref needs an object", func(k *talk) {
		k.do(422, "POST", k.repo("/git/refs"), obj{"ref": headsPrefix + k.branch("b"), "sha": strings.Repeat("1", 40)})
	}},
	{"refs are found by prefix", func(k *talk) {
		branch, id := k.newBranch("b")
		a := k.do(200, "GET", k.repo("/git/matching-refs/heads/"+branch[:len(branch)-1]), nil)
		k.want(dig(a, "list", 0, "object", "sha") == id, "got %v", a)
	}},
	{"a ref moves forward, or by force", func(k *talk) {
		branch, _ := k.newBranch("b")
		other := k.commit("other", "two\n")
		k.do(422, "PATCH", k.repo("/git/refs/heads/"+branch), obj{"sha": other})
		a := k.do(200, "PATCH", k.repo("/git/refs/heads/"+branch), obj{"sha": other, "force": true})
		k.want(dig(a, "object", "sha") == other, "got %v", a)
	}},
	{"a ref is removed once", func(k *talk) {
		branch, _ := k.newBranch("b")
		k.do(204, "DELETE", k.repo("/git/refs/heads/"+branch), nil)
		k.do(422, "DELETE", k.repo("/git/refs/heads/"+branch), nil)
	}},
	{"updateRefs compares and swaps", keepSwap},
	{"a branch has one open pull request", func(k *talk) {
		k.newPull()
		a := k.do(422, "POST", k.repo("/pulls"), obj{"title": "t", "head": k.branch("pull"), "base": "main"})
		k.want(strings.Contains(fmt.Sprint(a["errors"]), "A pull request already exists"), "got %v", a)
	}},
	{"a pull request needs a branch", func(k *talk) {
		k.do(422, "POST", k.repo("/pulls"), obj{"title": "t", "head": k.branch("none"), "base": "main"})
	}},
	{"a pull request needs a commit", func(k *talk) {
		k.do(201, "POST", k.repo("/git/refs"), obj{"ref": headsPrefix + k.branch("same"), "sha": k.head()})
		a := k.do(422, "POST", k.repo("/pulls"), obj{"title": "t", "head": k.branch("same"), "base": "main"})
		k.want(strings.Contains(fmt.Sprint(a["errors"]), "No commits between"), "got %v", a)
	}},
	{"a pull request follows its branch", func(k *talk) {
		n, _ := k.newPull()
		other := k.commit("other", "two\n")
		k.do(200, "PATCH", k.repo("/git/refs/heads/"+k.branch("pull")), obj{"sha": other, "force": true})
		p := k.do(200, "GET", k.repo(fmt.Sprintf("/pulls/%d", n)), nil)
		k.want(dig(p, "head", "sha") == other, "the head is at %v, want %s", dig(p, "head", "sha"), other)
	}},
	{"a pull request lists its files", func(k *talk) {
		n, _ := k.newPull()
		a := k.do(200, "GET", k.repo(fmt.Sprintf("/pulls/%d/files", n)), nil)
		k.want(dig(a, "list", 0, "filename") == k.clause+"-pull" && dig(a, "list", 0, "status") == "added", "got %v", a)
	}},
	{"a pull request closes with its branch", func(k *talk) {
		n, _ := k.newPull()
		k.do(204, "DELETE", k.repo("/git/refs/heads/"+k.branch("pull")), nil)
		p := k.do(200, "GET", k.repo(fmt.Sprintf("/pulls/%d", n)), nil)
		k.want(p["state"] == "closed", "it is %v", p["state"])
	}},
	{"the text of a pull request has an end", func(k *talk) {
		n, _ := k.newPull()
		k.do(422, "PATCH", k.repo(fmt.Sprintf("/pulls/%d", n)), obj{"body": strings.Repeat("x", maxBody+1)})
		k.do(200, "PATCH", k.repo(fmt.Sprintf("/pulls/%d", n)), obj{"body": strings.Repeat("x", maxBody)})
	}},
	{"comments are kept in order and by page", func(k *talk) {
		n, _ := k.newPull()
		path := k.repo(fmt.Sprintf("/issues/%d/comments", n))
		k.do(201, "POST", path, obj{"body": "first"})
		k.do(201, "POST", path, obj{"body": "second"})
		a, h := k.call(200, k.Token, "GET", k.URL+path+"?per_page=1", nil)
		k.want(dig(a, "list", 0, "body") == "first" && strings.Contains(h.Get("Link"), `rel="next"`), "got %v, %v", a, h["Link"])
	}},
	{"a comment has an end", func(k *talk) {
		n, _ := k.newPull()
		k.do(422, "POST", k.repo(fmt.Sprintf("/issues/%d/comments", n)), obj{"body": strings.Repeat("x", maxBody+1)})
	}},
	{"a comment says something", func(k *talk) {
		n, _ := k.newPull()
		k.do(422, "POST", k.repo(fmt.Sprintf("/issues/%d/comments", n)), obj{"body": " "})
	}},
	{"the same reaction is there once", func(k *talk) {
		n, _ := k.newPull()
		c := k.do(201, "POST", k.repo(fmt.Sprintf("/issues/%d/comments", n)), obj{"body": "b"})
		id, _ := c["id"].(float64)
		path := k.repo(fmt.Sprintf("/issues/comments/%d/reactions", int64(id)))
		one := k.do(201, "POST", path, obj{"content": "eyes"})
		two := k.do(200, "POST", path, obj{"content": "eyes"})
		k.want(one["id"] == two["id"], "ids %v and %v", one["id"], two["id"])
	}},
	{"a check run is concluded at once", func(k *talk) {
		id := k.commit("x", "y")
		k.do(201, "POST", k.repo("/check-runs"), obj{"name": "sparktune", "head_sha": id, "status": "completed", "conclusion": "neutral", "external_id": "e", "output": obj{"title": "t", "summary": "s"}})
		a := k.do(200, "GET", k.repo("/commits/"+id+"/check-runs"), nil)
		k.want(dig(a, "check_runs", 0, "conclusion") == "neutral" && dig(a, "check_runs", 0, "external_id") == "e", "got %v", a)
	}},
	{"a check run takes 50 annotations", func(k *talk) {
		id := k.commit("x", "y")
		k.do(201, "POST", k.repo("/check-runs"), manyNotes(id, 50))
		k.do(422, "POST", k.repo("/check-runs"), manyNotes(id, 51))
	}},
	{"who is nobody may do nothing", func(k *talk) {
		k.do(404, "GET", k.repo("/collaborators/nobody-is-called-"+k.Run+"/permission"), nil)
	}},
	{"an archive is elsewhere", func(k *talk) {
		_, h := k.call(302, k.Token, "GET", k.URL+k.repo("/tarball/main"), nil)
		k.want(h.Get("Location") != "", "no place is named")
	}},
	{"GraphQL and REST see the same", func(k *talk) {
		n, id := k.newPull()
		a := k.graph(`query Same($owner: String!, $name: String!, $n: Int!) { repository(owner: $owner, name: $name) { pullRequest(number: $n) { state headRefOid author { __typename login } } } }`, obj{"owner": k.Owner, "name": k.Repo, "n": n})
		p := dig(a, "data", "repository", "pullRequest")
		k.want(dig(p, "state") == "OPEN" && dig(p, "headRefOid") == id && dig(p, "author", "__typename") == "Bot", "got %v", a)
	}},
	{"GraphQL says what is not there", func(k *talk) {
		a := k.graph(`query Gone($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { pullRequest(number: 999999) { state } } }`, obj{"owner": k.Owner, "name": k.Repo})
		k.want(dig(a, "errors", 0, "type") == "NOT_FOUND" && dig(a, "data", "repository", "pullRequest") == nil, "got %v", a)
	}},
}

func manyNotes(head string, n int) obj {
	notes := []any{}
	for range n {
		notes = append(notes, obj{"path": "README.md", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"})
	}
	return obj{"name": "many", "head_sha": head, "status": "completed", "conclusion": "success", "output": obj{"title": "t", "summary": "s", "annotations": notes}}
}

// keepSwap: from where the branch is not nothing happens; from where it is, it
// moves, also sideways.
func keepSwap(k *talk) {
	branch, id := k.newBranch("b")
	other := k.commit("other", "two\n")
	repo := k.graph(`query Node($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { id } }`, obj{"owner": k.Owner, "name": k.Repo})
	swap := func(was, now string) obj {
		return k.graph(`mutation Swap($in: UpdateRefsInput!) { updateRefs(input: $in) { clientMutationId } }`, obj{"in": obj{
			"repositoryId": dig(repo, "data", "repository", "id"),
			"refUpdates":   []any{obj{"name": headsPrefix + branch, "beforeOid": was, "afterOid": now, "force": true}},
		}})
	}
	at := func() any {
		return dig(k.do(200, "GET", k.repo("/git/ref/heads/"+branch), nil), "object", "sha")
	}
	wrong := swap(other, id)
	k.want(wrong["errors"] != nil && at() == id, "swapped from where it was not: %v", wrong)
	right := swap(id, other)
	k.want(right["errors"] == nil && at() == other, "not swapped: %v", right)
	gone := swap(other, zeroID)
	k.want(gone["errors"] == nil, "not removed: %v", gone)
	k.do(404, "GET", k.repo("/git/ref/heads/"+branch), nil)
}
