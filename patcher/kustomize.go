package patcher

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A kustomization is one kustomization.yaml: what it builds from and how it
// changes that.
type kustomization struct {
	src     *source
	doc     *value
	patches []overlay
}

// An overlay is one patch of a kustomization: what it sets, and of what.
type overlay struct {
	name string // of the manifest that it changes, a regular expression; "" for all
	sets *declared
	src  *source
}

// kustomize adds to each manifest what the overlays of the repository set
// instead. Which of them a cluster runs is not in the repository, so they are
// shown where they stand and left to a person.
func (f *finder) kustomize() {
	for _, k := range f.kustomizations() {
		files := map[string]bool{}
		f.resources(k, files)
		for _, o := range k.patches {
			f.overlay(k, o, files)
		}
	}
}

func (f *finder) kustomizations() []kustomization {
	var out []kustomization
	for _, p := range f.paths {
		if b := path.Base(p); b != "kustomization.yaml" && b != "kustomization.yml" {
			continue
		}
		docs, _ := readYAML(f.files[p].value().pieces)
		if len(docs) == 0 || docs[0].kind != mapping {
			continue
		}
		k := kustomization{src: f.files[p], doc: docs[0]}
		k.patches = f.overlays(k)
		out = append(out, k)
	}
	return out
}

// resources collects the files that a kustomization builds from.
func (f *finder) resources(k kustomization, into map[string]bool) {
	into[k.src.path] = true
	for _, key := range []string{"resources", "bases"} {
		list := k.doc.path(key)
		if list == nil {
			continue
		}
		for _, x := range list.items {
			name, ok := x.str()
			at := path.Join(path.Dir(k.src.path), name)
			if !ok || into[at] {
				continue
			}
			into[at] = true
			for _, below := range []string{at + "/kustomization.yaml", at + "/kustomization.yml"} {
				if src := f.files[below]; src != nil && !into[below] {
					if docs, _ := readYAML(src.value().pieces); len(docs) > 0 {
						f.resources(kustomization{src: src, doc: docs[0]}, into)
					}
				}
			}
		}
	}
}

// overlays reads the patches of a kustomization, in files and in place.
func (f *finder) overlays(k kustomization) []overlay {
	var out []overlay
	add := func(text *value, target *value) {
		if text == nil || text.kind != scalar {
			return
		}
		s, _ := text.str()
		if src := f.files[path.Join(path.Dir(k.src.path), s)]; src != nil {
			text = src.value()
		}
		docs, _ := readYAML(masked(text.pieces, nil))
		for _, doc := range docs {
			if o, ok := newOverlay(doc, target); ok {
				out = append(out, o)
			}
		}
	}
	for _, key := range []string{"patches", "patchesJson6902", "patchesStrategicMerge"} {
		list := k.doc.path(key)
		if list == nil {
			continue
		}
		for _, x := range list.items {
			add(x, nil)
			add(x.first("path", "patch"), x.path("target"))
		}
	}
	return out
}

// newOverlay reads one patch: a part of a manifest, or a list of operations.
func newOverlay(doc, target *value) (overlay, bool) {
	o := overlay{name: hint(target, "name"), sets: &declared{at: doc.at}, src: doc.at.src}
	switch kind, _ := target.path("kind").str(); {
	case isSparkApplication(doc):
		if o.name == "" {
			o.name = regexp.QuoteMeta(hint(doc.path("metadata"), "name"))
		}
		o.sets.manifest(doc)
	case doc.kind == sequence && (kind == "" || strings.HasSuffix(kind, "SparkApplication")):
		for _, op := range doc.items {
			if at, ok := op.path("path").str(); ok && op.path("value") != nil {
				o.sets.manifest(manifestAt(at, op.path("value")))
			}
		}
	}
	return o, len(o.sets.sites) > 0
}

// manifestAt is a manifest with nothing but one value: what an operation of a
// JSON patch sets.
func manifestAt(pointer string, v *value) *value {
	keys := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	kind := "SparkApplication"
	if len(keys) > 1 && keys[1] == "template" {
		kind = "ScheduledSparkApplication"
	}
	for _, k := range slices.Backward(keys) {
		k = strings.NewReplacer("~1", "/", "~0", "~").Replace(k)
		v = &value{kind: mapping, at: v.at, entries: []entry{{key: k, at: v.at, val: v}}}
	}
	v.entries = append(v.entries, entry{key: "kind", val: textValue(v.at, []piece{{text: kind, at: v.at}})})
	return v
}

// overlay adds what a patch sets to the manifests that it changes. A part of a
// manifest in a file of its own is no job beside them.
func (f *finder) overlay(k kustomization, o overlay, files map[string]bool) {
	name, err := regexp.Compile("^(?:" + o.name + ")$")
	if err != nil {
		return
	}
	whole := func(d *declared) bool {
		return strings.HasSuffix(d.Operator, "SparkApplication") && files[d.at.path()] && d.at.src != o.src && (o.name == "" || name.MatchString(d.Hints.AppName))
	}
	for _, d := range f.jobs {
		if !whole(d) {
			continue
		}
		f.root = d.root
		f.touch(k.src.path)
		f.touch(o.src.path)
		for _, s := range o.sets.sites {
			x := *s
			x.rank, x.over = byOverlay, nil
			d.sites = append(d.sites, &x)
		}
	}
	based := slices.ContainsFunc(f.jobs, whole)
	f.jobs = slices.DeleteFunc(f.jobs, func(d *declared) bool { return based && d.at.src == o.src && d.at == o.sets.at })
	for _, d := range f.jobs {
		if d.at.src == o.src && strings.HasSuffix(d.Operator, "SparkApplication") {
			d.many = "this is a Kustomize patch of a manifest that is not in the repository"
		}
	}
}
