package patcher

import (
	"path"
	"slices"
	"strings"
)

// A file is what the text says about a path: where in the repository it is, or
// the literal that some root stands before.
type file struct {
	path   string
	rooted bool // within the repository, as __file__ is
}

func (f *file) up() *file { return &file{path.Dir(f.path), f.rooted} }

func (f *file) join(names ...string) *file {
	return &file{path.Join(append([]string{f.path}, names...)...), f.rooted}
}

func (e env) filePath(n *node, f *file) *value {
	return &value{kind: object, at: e.span(n), class: "path", file: f, why: runtimeCall(e.span(n))}
}

// asFile reads a value as a path.
func asFile(v *value) *file {
	if v.file != nil {
		return v.file
	}
	if s, ok := v.str(); ok && s != "" && !strings.Contains(s, "\n") {
		return &file{path: s}
	}
	return nil
}

// sameFile are the calls that give the path or file of their argument.
var sameFile = map[string]bool{
	"Path": true, "PurePath": true, "PosixPath": true, "open": true, "abspath": true, "realpath": true, "expanduser": true, "fspath": true, "str": true,
}

// sameObject are the methods that give the path or file that they are called on.
var sameObject = map[string]bool{
	"resolve": true, "absolute": true, "open": true, "read_text": true, "as_posix": true, "read": true, "expanduser": true,
}

// loaders are the calls that read a document.
var loaders = map[string]bool{"safe_load": true, "full_load": true, "load": true, "loads": true, "unsafe_load": true}

// pathCall follows the calls that make a path, open a file and load a
// document of the repository; nil for others.
func (r *reader) pathCall(n, f *node, of *value, e env) *value {
	name := e.scope.word(f)
	if of != nil {
		name = e.scope.word(f.child("attribute"))
	}
	if !sameFile[name] && !sameObject[name] && !loaders[name] && name != "dirname" && name != "joinpath" && (name != "join" || of == nil || !strings.HasSuffix(of.class, "path")) {
		return nil
	}
	var args []*value
	if a := n.child("arguments"); a != nil && a.kind == "argument_list" {
		for _, k := range a.only() {
			if k.kind != "keyword_argument" {
				args = append(args, r.eval(k, e))
			}
		}
	}
	if of != nil && of.file != nil && (sameObject[name] || name == "joinpath") {
		return e.joined(n, of.file, args, name == "joinpath")
	}
	if len(args) == 0 {
		return nil
	}
	from := asFile(args[0])
	switch {
	case from == nil || name == "str" && args[0].file == nil:
		return nil
	case loaders[name]:
		return r.repo.load(e.scope.mod, from)
	case name == "dirname" && args[0].file != nil:
		return e.filePath(n, from.up())
	case name == "join":
		return e.joined(n, from, args[1:], true)
	case sameFile[name]:
		return e.filePath(n, from)
	}
	return nil
}

// joined is a path with known names added to it.
func (e env) joined(n *node, f *file, args []*value, join bool) *value {
	if !join {
		return e.filePath(n, f)
	}
	var names []string
	for _, a := range args {
		s, ok := a.str()
		if !ok {
			return nil
		}
		names = append(names, s)
	}
	return e.filePath(n, f.join(names...))
}

// load returns the first document of a YAML or JSON file, nil when the
// repository does not have it.
func (f *finder) load(from *module, at *file) *value {
	src := f.files[at.path]
	if !at.rooted {
		src = f.named(from, at.path)
	}
	if src == nil || src == from.source {
		return nil
	}
	f.touch(src.path)
	return f.yamlOf(src)
}

// yamlOf returns the first document of a YAML or JSON file, nil when it has none.
func (f *finder) yamlOf(src *source) *value {
	if v, ok := f.documents[src]; ok {
		return v
	}
	var v *value
	if path.Ext(src.path) == ".json" {
		v, _ = readJSON(src.value().pieces)
	} else if docs, _ := readYAML(masked(src.value().pieces, nil)); len(docs) > 0 {
		v = docs[0]
	}
	f.documents[src] = v
	return v
}

// named returns the file that a text of a module names, nil when it is not in
// the repository or not the only one that fits.
func (f *finder) named(from *module, name string) *source {
	name = path.Clean(strings.TrimSpace(name))
	if src := f.files[path.Join(path.Dir(from.path), name)]; src != nil && !path.IsAbs(name) {
		return src
	}
	return f.suffix(name)
}

// suffix returns the only file whose path ends as a name does: a path on the
// workers or in a bucket is the repository's behind some root.
func (f *finder) suffix(name string) *source {
	parts := strings.Split(strings.Trim(name, "/"), "/")
	for len(parts) > 0 {
		tail := "/" + strings.Join(parts, "/")
		var hits []string
		for _, p := range f.byBase[parts[len(parts)-1]] {
			if strings.HasSuffix("/"+p, tail) {
				hits = append(hits, p)
			}
		}
		if len(hits) == 1 {
			return f.files[hits[0]]
		}
		if len(hits) > 1 || !strings.ContainsAny(name, "/:") {
			return nil
		}
		parts = slices.Delete(parts, 0, 1)
	}
	return nil
}
