package ghtest

import (
	"bytes"
	"cmp"
	"crypto/sha1" // git names objects by it
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Modes of tree entries, as git spells them.
const (
	modeFile    = "100644"
	modeExec    = "100755"
	modeLink    = "120000"
	modeTree    = "040000"
	modeSubmod  = "160000"
	zeroID      = "0000000000000000000000000000000000000000"
	headsPrefix = "refs/heads/"
)

// A store has git objects, under the ids that git gives them.
type store map[string]object

type object struct {
	kind string // blob, tree or commit
	data []byte
}

func (s store) put(kind string, data []byte) string {
	sum := sha1.New()
	fmt.Fprintf(sum, "%s %d\x00", kind, len(data))
	sum.Write(data)
	id := hex.EncodeToString(sum.Sum(nil))
	if _, there := s[id]; !there {
		s[id] = object{kind, data}
	}
	return id
}

func (s store) is(id, kind string) bool { return s[id].kind == kind && s[id].data != nil }

func (s store) blob(data []byte) string {
	if data == nil {
		data = []byte{}
	}
	return s.put("blob", data)
}

// An entry is one line of a tree. In a recursive listing its name is a path.
type entry struct{ mode, name, id string }

func (e entry) kind() string {
	switch e.mode {
	case modeTree:
		return "tree"
	case modeSubmod:
		return "commit"
	}
	return "blob"
}

// putTree stores one level. git sorts a folder as if its name ended in a slash
// and writes its mode without the leading zero.
func (s store) putTree(entries []entry) string {
	key := func(e entry) string {
		if e.mode == modeTree {
			return e.name + "/"
		}
		return e.name
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(key(a), key(b)) })
	data := []byte{}
	for _, e := range entries {
		id, err := hex.DecodeString(e.id)
		if err != nil {
			panic(err) // ids come from this store
		}
		data = fmt.Appendf(data, "%s %s\x00%s", strings.TrimLeft(e.mode, "0"), e.name, id)
	}
	return s.put("tree", data)
}

func (s store) tree(id string) []entry {
	var out []entry
	for data := s[id].data; len(data) > 0; {
		head, rest, _ := bytes.Cut(data, []byte{0})
		mode, name, _ := strings.Cut(string(head), " ")
		out = append(out, entry{fmt.Sprintf("%06s", mode), name, hex.EncodeToString(rest[:20])})
		data = rest[20:]
	}
	return out
}

// list is a tree with all below it, folders included, in git's order.
func (s store) list(id, below string) []entry {
	var out []entry
	for _, e := range s.tree(id) {
		e.name = path.Join(below, e.name)
		out = append(out, e)
		if e.mode == modeTree {
			out = append(out, s.list(e.id, e.name)...)
		}
	}
	return out
}

// flat are the files, links and submodules of a tree by path.
func (s store) flat(id string) map[string]entry {
	out := make(map[string]entry)
	for _, e := range s.list(id, "") {
		if e.mode != modeTree {
			out[e.name] = e
		}
	}
	return out
}

// build is the tree that has the given files.
func (s store) build(files map[string]entry) string {
	dirs := map[string]map[string]entry{}
	var level []entry
	for _, p := range slices.Sorted(maps.Keys(files)) {
		e := files[p]
		dir, rest, deep := strings.Cut(p, "/")
		if !deep {
			level = append(level, entry{e.mode, p, e.id})
			continue
		}
		if dirs[dir] == nil {
			dirs[dir] = map[string]entry{}
		}
		dirs[dir][rest] = e
	}
	for name, below := range dirs {
		level = append(level, entry{modeTree, name, s.build(below)})
	}
	return s.putTree(level)
}

// A person is an author or committer.
type person struct{ name, email string }

// A commit is what its object says.
type commit struct {
	tree              string
	parents           []string
	author, committer person
	at                time.Time
	message           string
	signed            bool // by GitHub
}

// signature stands for what GitHub signs with. Nothing in here can verify it:
// a commit that has it was made by this server.
const signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n ghtest\n -----END PGP SIGNATURE-----\n"

func (s store) putCommit(c commit) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", c.tree)
	for _, p := range c.parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s <%s> %d +0000\n", c.author.name, c.author.email, c.at.Unix())
	fmt.Fprintf(&b, "committer %s <%s> %d +0000\n", c.committer.name, c.committer.email, c.at.Unix())
	if c.signed {
		b.WriteString(signature)
	}
	b.WriteString("\n" + c.message)
	return s.put("commit", b.Bytes())
}

func (s store) commit(id string) commit {
	head, message, _ := strings.Cut(string(s[id].data), "\n\n")
	c := commit{message: message}
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch key {
		case "tree":
			c.tree = value
		case "parent":
			c.parents = append(c.parents, value)
		case "author":
			c.author, c.at = parsePerson(value)
		case "committer":
			c.committer, c.at = parsePerson(value)
		case "gpgsig":
			c.signed = true
		}
	}
	return c
}

func parsePerson(s string) (person, time.Time) {
	name, rest, _ := strings.Cut(s, " <")
	email, when, _ := strings.Cut(rest, "> ")
	seconds, err := strconv.ParseInt(strings.Fields(when)[0], 10, 64)
	if err != nil {
		panic(err) // we wrote it
	}
	return person{name, email}, time.Unix(seconds, 0).UTC()
}

// ancestors are the commits that can be reached from one, itself included.
func (s store) ancestors(id string) map[string]bool {
	out := map[string]bool{}
	for todo := []string{id}; len(todo) > 0; {
		id, todo = todo[0], todo[1:]
		if !out[id] && s.is(id, "commit") {
			out[id] = true
			todo = append(todo, s.commit(id).parents...)
		}
	}
	return out
}

// mergeBase is the newest common ancestor; "" for histories without one.
func (s store) mergeBase(a, b string) string {
	ours := s.ancestors(a)
	seen := map[string]bool{}
	for todo := []string{b}; len(todo) > 0; {
		id := todo[0]
		todo = todo[1:]
		if ours[id] {
			return id
		}
		if !seen[id] && s.is(id, "commit") {
			seen[id] = true
			todo = append(todo, s.commit(id).parents...)
		}
	}
	return ""
}

// A change is a path whose entry differs between two trees.
type change struct {
	path        string
	before, now entry // zero when there is none
}

func (s store) diff(before, now string) []change {
	a, b := s.flat(before), s.flat(now)
	var out []change
	for p, e := range b {
		if a[p] != e {
			out = append(out, change{p, a[p], e})
		}
	}
	for p, e := range a {
		if _, there := b[p]; !there {
			out = append(out, change{p, e, entry{}})
		}
	}
	slices.SortFunc(out, func(x, y change) int { return cmp.Compare(x.path, y.path) })
	return out
}

// conflicts says whether both sides changed a path since their merge base, and
// not alike. GitHub looks at lines; a path is enough for one writer a file.
func (s store) conflicts(base, head string) bool {
	root := s.mergeBase(base, head)
	if root == "" {
		return true
	}
	theirs := map[string]entry{}
	for _, c := range s.diff(s.commit(root).tree, s.commit(base).tree) {
		theirs[c.path] = c.now
	}
	for _, c := range s.diff(s.commit(root).tree, s.commit(head).tree) {
		if now, both := theirs[c.path]; both && now != c.now {
			return true
		}
	}
	return false
}

// merge is the tree of base with what head changed since their merge base.
func (s store) merge(base, head string) string {
	files := s.flat(s.commit(base).tree)
	root := s.mergeBase(base, head)
	for _, c := range s.diff(s.commit(root).tree, s.commit(head).tree) {
		if c.now == (entry{}) {
			delete(files, c.path)
			continue
		}
		files[c.path] = c.now
	}
	return s.build(files)
}
