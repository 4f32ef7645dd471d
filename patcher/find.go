package patcher

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Find returns the Spark jobs that the repository fsys declares. Files that
// cannot be served are in Skipped; an error means that fsys itself failed.
//
// The operators are what a house has beside those that the patcher knows.
func Find(fsys fs.FS, house ...Operator) (*Repository, error) {
	f := newFinder(fsys, house)
	if err := f.read(); err != nil {
		return nil, err
	}
	f.look()
	return f.repository(), nil
}

// look finds the jobs of the files that have been read.
func (f *finder) look() {
	f.jobsOfModules()
	f.jobsOfDocuments()
	f.jobCode()
	f.clusterSites()
	f.kustomize()
	f.helm()
	f.identify()
	f.countUsers()
}

// Job returns the job of an ID, nil when there is none.
func (r *Repository) Job(id string) *Job {
	for i := range r.Jobs {
		if r.Jobs[i].ID == id {
			return &r.Jobs[i]
		}
	}
	return nil
}

// Winner returns the site that decides a property, nil when none does.
func (j *Job) Winner(key string) *Site {
	for i := range j.Sites {
		if j.Sites[i].Key == key && !j.Sites[i].Shadowed {
			return &j.Sites[i]
		}
	}
	return nil
}

func newFinder(fsys fs.FS, house []Operator) *finder {
	return &finder{
		fsys: fsys, house: house, files: map[string]*source{}, byBase: map[string][]string{}, modules: map[string]*module{}, resolved: map[string]*module{},
		reads:     map[string]map[string]bool{},
		concerned: map[*source]bool{}, documents: map[*source]*value{}, done: map[*node]bool{}, run: map[*node]bool{}, claimed: map[string]bool{},
		handles: map[scopeName][]handle{},
	}
}

// A finder holds what is known of a repository while its jobs are found.
type finder struct {
	fsys    fs.FS
	house   []Operator
	files   map[string]*source // every readable candidate, by path
	paths   []string           // their paths, sorted
	byBase  map[string][]string
	modules map[string]*module // parsed Python files
	// resolved caches module names as a folder imports them.
	resolved map[string]*module
	// documents are the YAML and JSON files that modules load.
	documents map[*source]*value
	// concerned caches concerns.
	concerned map[*source]bool
	done      map[*node]bool  // function bodies that have been walked
	run       map[*node]bool  // task functions whose jobs have been declared
	claimed   map[string]bool // files whose jobs a DAG declares
	// handles caches reader.handles, and attributes what assigned returns.
	handles    map[scopeName][]handle
	attributes map[string][]span
	skipped    []Skipped
	jobs       []*declared
	users      *users

	// root is the file that is being read, and reads what each has looked
	// into: an edit there may change its jobs.
	root  string
	reads map[string]map[string]bool
	// only, where it is set, are the files to look for jobs in.
	only map[string]bool
}

// touch notes that the jobs of the file being read depend on another.
func (f *finder) touch(p string) {
	if f.reads[f.root] == nil {
		f.reads[f.root] = map[string]bool{}
	}
	f.reads[f.root][p] = true
}

// enter makes p the file being read; false means that it is not to be read.
func (f *finder) enter(p string) bool {
	f.root = p
	return f.only == nil || f.only[p]
}

// declare adds a job of the file being read.
func (f *finder) declare(d *declared) {
	d.root = f.root
	f.jobs = append(f.jobs, d)
}

// dependents returns the files whose jobs may change when some files do: those
// that looked into one, and those that looked into such a file in turn.
func (f *finder) dependents(changed map[string]bool) map[string]bool {
	out := maps.Clone(changed)
	for grown := true; grown; {
		grown = false
		for root, reads := range f.reads {
			for p := range reads {
				if out[p] && !out[root] {
					out[root], grown = true, true
				}
			}
		}
	}
	return out
}

func (f *finder) read() error {
	err := walk(f.fsys, func(s *source) {
		f.files[s.path] = s
		f.paths = append(f.paths, s.path)
		f.byBase[path.Base(s.path)] = append(f.byBase[path.Base(s.path)], s.path)
	}, f.skip)
	slices.Sort(f.paths)
	return err
}

func (f *finder) skip(path, reason string) {
	f.skipped = append(f.skipped, Skipped{Path: path, Reason: reason})
}

// jobsOfModules reads the Python files: first what importing them declares,
// then the functions that none of them calls.
func (f *finder) jobsOfModules() {
	var readers []*reader
	libraries, scripts := f.libraries(), f.scripts()
	for _, p := range f.paths {
		if text := f.files[p].text; path.Ext(p) != ".py" || !f.concerns(f.files[p]) && !importsOne(text, libraries) && !namesOne(text, scripts) {
			continue
		}
		if !f.enter(p) {
			continue
		}
		r := &reader{repo: f, mod: f.open(p)}
		r.emit = r.declare
		r.run()
		readers = append(readers, r)
	}
	for _, r := range readers {
		f.enter(r.mod.path)
		r.rest()
		f.sayUnparsed(r.mod)
		if r.exhausted() {
			f.skip(r.mod.path, "it takes too much work to follow: jobs that it declares may be missing")
		}
	}
}

// libraries returns the names of the modules whose functions or classes may
// make jobs for files that name nothing of Spark themselves.
func (f *finder) libraries() map[string]bool {
	out := map[string]bool{}
	for _, p := range f.paths {
		text := f.files[p].text
		if path.Ext(p) != ".py" || !f.concerns(f.files[p]) || !bytes.Contains(text, []byte("def ")) && !bytes.Contains(text, []byte("class ")) {
			continue
		}
		name := baseName(p)
		if name == "__init__" {
			name = path.Base(path.Dir(p))
		}
		out[name] = true
	}
	return out
}

// scripts returns the names of the shell scripts that may submit jobs.
func (f *finder) scripts() map[string]bool {
	out := map[string]bool{}
	for _, p := range f.paths {
		if ext := path.Ext(p); (ext == ".sh" || ext == ".bash") && f.concerns(f.files[p]) {
			out[path.Base(p)] = true
		}
	}
	return out
}

// namesOne reports whether a text names one of some scripts.
func namesOne(text []byte, names map[string]bool) bool {
	for at := bytes.Index(text, []byte(".sh")); at >= 0 && at < len(text); {
		start := at
		for start > 0 && (isWord(text[start-1]) || text[start-1] == '-' || text[start-1] == '.') {
			start--
		}
		if names[string(text[start:at])+".sh"] {
			return true
		}
		next := bytes.Index(text[at+3:], []byte(".sh"))
		if next < 0 {
			return false
		}
		at += 3 + next
	}
	return false
}

// importsOne reports whether a module imports one of some modules, by the last
// part of its name.
func importsOne(text []byte, names map[string]bool) bool {
	for at := nextWord(text, "import", 0); at >= 0; at = nextWord(text, "import", at+len("import")) {
		line := text[bytes.LastIndexByte(text[:at], '\n')+1:]
		line, _, _ = bytes.Cut(line, []byte("\n"))
		line = bytes.TrimLeft(line, " \t")
		if !bytes.HasPrefix(line, []byte("import")) && !bytes.HasPrefix(line, []byte("from")) {
			continue
		}
		for len(line) > 0 && line[0] != '#' {
			n := wordLen(line)
			if names[string(line[:n])] {
				return true
			}
			line = line[max(n, 1):]
		}
	}
	return false
}

// open returns the module of a Python file of the repository.
func (f *finder) open(p string) *module {
	f.touch(p)
	if f.modules[p] == nil {
		f.modules[p] = newModule(f, f.files[p])
	}
	return f.modules[p]
}

// module resolves a module name as from imports it, nil when it is not in the
// repository or not the only one of its name near enough.
func (f *finder) module(from *module, name string) *module {
	key := path.Dir(from.path) + "\x00" + name
	m, ok := f.resolved[key]
	if !ok {
		m = f.resolve(path.Dir(from.path), name)
		f.resolved[key] = m
	}
	if m != nil {
		f.touch(m.path)
	}
	return m
}

func (f *finder) resolve(dir, name string) *module {
	if rest := strings.TrimLeft(name, "."); rest != name {
		for range len(name) - len(rest) - 1 {
			dir = path.Dir(dir)
		}
		return f.moduleAt(path.Join(dir, strings.ReplaceAll(rest, ".", "/")))
	}
	// The folder of the file and those above it are on the import path where
	// a DAG folder is; the nearest wins, as it would for Airflow.
	for rel := strings.ReplaceAll(name, ".", "/"); ; dir = path.Dir(dir) {
		for _, root := range []string{"", "plugins", "dags", "include", "src"} {
			if m := f.moduleAt(path.Join(dir, root, rel)); m != nil {
				return m
			}
		}
		if dir == "." || dir == "/" {
			return nil
		}
	}
}

func (f *finder) moduleAt(p string) *module {
	for _, p := range []string{p + ".py", p + "/__init__.py"} {
		if f.files[p] != nil {
			return f.open(p)
		}
	}
	return nil
}

// submodule is name in a package: from pkg import name.
func (f *finder) submodule(m *module, name string) *module {
	if path.Base(m.path) != "__init__.py" {
		return nil
	}
	return f.moduleAt(path.Join(path.Dir(m.path), name))
}

// jobNames returns the names that a module imports which may declare jobs:
// operators, under whatever alias, and what modules of the repository offer.
func (f *finder) jobNames(m *module) []string {
	if m.jobNames != nil {
		return m.jobNames
	}
	m.jobNames = []string{}
	for i, c := range m.chunks {
		text := m.text[c.start:c.end]
		if w := string(text[:wordLen(text)]); w == "import" || w == "from" || w == "try" {
			m.tree(i)
		}
	}
	for name, all := range m.top.binds {
		for _, b := range all {
			if b.kind != bindImport {
				continue
			}
			if f.hasJobWord([]byte(b.what)) || strings.HasSuffix(b.what, "Operator") {
				m.jobNames = append(m.jobNames, name)
				continue
			}
			if to := f.module(m, b.from); to != nil && to != m && f.hasJobWord(to.text) {
				m.jobNames = append(m.jobNames, name)
			}
		}
	}
	slices.Sort(m.jobNames)
	return m.jobNames
}

// callsJobs reports whether a function body of m uses such a name.
func (f *finder) callsJobs(m *module, body []byte) bool {
	return slices.ContainsFunc(f.jobNames(m), func(s string) bool { return hasWord(body, s) })
}

// text returns the whole text of a file that a module names, nil when there is
// none. Its jobs then are the module's.
func (f *finder) text(from *module, name string) *value {
	src := f.named(from, name)
	if src == nil {
		return nil
	}
	f.claimed[src.path] = true
	f.touch(src.path)
	return src.value()
}

// value is the text of a whole file.
func (s *source) value() *value {
	at := span{s, 0, len(s.text)}
	return textValue(at, []piece{{text: string(s.text), at: at, same: true}})
}

// identify gives every job its ID: "dag.task" where that is unique, else the
// path and the best name that it has.
func (f *finder) identify() {
	slices.SortStableFunc(f.jobs, func(a, b *declared) int {
		return cmp.Or(strings.Compare(a.at.path(), b.at.path()), cmp.Compare(a.at.start, b.at.start), strings.Compare(a.name(), b.name()))
	})
	for i, d := range f.jobs {
		d.order = i
	}
	forms := []func(*declared) string{
		func(d *declared) string {
			if d.Hints.DAGID == "" || d.Hints.TaskID == "" {
				return ""
			}
			return d.Hints.DAGID + "." + d.Hints.TaskID + d.row
		},
		func(d *declared) string { return d.at.path() + ":" + d.name() },
	}
	for _, form := range forms {
		taken := map[string]int{}
		for _, d := range f.jobs {
			if d.ID == "" {
				taken[form(d)]++
			}
		}
		for _, d := range f.jobs {
			if id := form(d); d.ID == "" && id != "" && taken[id] == 1 {
				d.ID = id
			}
		}
	}
	// Of the same name in one file the order in the text tells them apart, which
	// an edit does not change as it would a line number.
	count := map[string]int{}
	for _, d := range f.jobs {
		if d.ID == "" {
			name := d.at.path() + ":" + d.name()
			count[name]++
			d.ID = fmt.Sprintf("%s#%d", name, count[name])
		}
	}
	slices.SortFunc(f.jobs, func(a, b *declared) int { return strings.Compare(a.ID, b.ID) })
}

// name is the best short name of a job for people.
func (d *declared) name() string {
	switch h := d.Hints; {
	case d.alias != "":
		return d.alias
	case h.TaskID != "" && h.DAGID != "":
		return h.DAGID + "." + h.TaskID + d.row
	case h.TaskID != "":
		return h.TaskID + d.row
	default:
		return cmp.Or(h.AppName, h.Application, h.Class, d.Operator)
	}
}

func (f *finder) repository() *Repository {
	r := &Repository{found: f, Skipped: f.skipped}
	for _, d := range f.jobs {
		r.Jobs = append(r.Jobs, d.public(f.users.of))
	}
	slices.SortFunc(r.Skipped, func(a, b Skipped) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return r
}

// declared returns the job of an ID, nil when there is none.
func (f *finder) declared(id string) *declared {
	i, ok := slices.BinarySearchFunc(f.jobs, id, func(d *declared, id string) int { return strings.Compare(d.ID, id) })
	if !ok {
		return nil
	}
	return f.jobs[i]
}
