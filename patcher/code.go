package patcher

import (
	"path"
	"strings"
)

// jobCode adds to each job what its own code sets: a SparkSession that the
// program builds beats whatever submitted it.
func (f *finder) jobCode() {
	read := map[*source][]*site{}
	for _, d := range f.jobs {
		src := f.application(d.Hints.Application)
		if src == nil {
			continue
		}
		f.root = d.root
		f.touch(src.path)
		sites, ok := read[src]
		if !ok {
			sites = f.codeSites(src)
			read[src] = sites
		}
		for _, s := range sites {
			x := *s
			d.sites = append(d.sites, &x)
		}
	}
}

// application returns the Python file of the repository that a job runs, nil
// when there is none or more than one fits.
func (f *finder) application(name string) *source {
	if path.Ext(name) != ".py" || strings.Contains(name, "{{") {
		return nil
	}
	return f.suffix(name)
}

// codeSites finds the properties that a program sets on its session.
func (f *finder) codeSites(src *source) []*site {
	if !strings.Contains(string(src.text), "spark.") {
		return nil
	}
	r := &reader{repo: f, mod: f.open(src.path)}
	d := &declared{}
	e := env{frame: &frame{scope: r.mod.top}}
	for i, c := range r.mod.chunks {
		if strings.Contains(string(src.text[c.start:c.end]), "spark.") {
			r.codeCalls(r.mod.tree(i), e, d)
		}
	}
	for _, s := range d.sites {
		s.rank = byCode
	}
	return d.sites
}

// codeCalls walks every call of a program, wherever it stands.
func (r *reader) codeCalls(n *node, e env, d *declared) {
	if n.kind == "call" && n.child("function").kind == "attribute" {
		r.codeCall(n, e, d)
	}
	for _, k := range n.kids {
		r.codeCalls(k, e, d)
	}
}

// codeCall reads .config("key", value), .set("key", value) and
// .setAll([("key", value)]).
func (r *reader) codeCall(n *node, e env, d *declared) {
	name := e.scope.word(n.child("function").child("attribute"))
	args := n.child("arguments")
	if args == nil || args.kind != "argument_list" {
		return
	}
	list := args.only()
	switch {
	case (name == "config" || name == "set") && len(list) == 2 && list[0].kind == "string":
		r.codeSet(name, r.eval(list[0], e), r.eval(list[1], e), d)
	case name == "setAll" && len(list) == 1:
		for _, x := range r.eval(list[0], e).items {
			if x.kind == sequence && len(x.items) == 2 {
				r.codeSet(name, x.items[0], x.items[1], d)
			}
		}
	}
}

func (r *reader) codeSet(name string, key, val *value, d *declared) {
	if k, ok := key.str(); ok && strings.HasPrefix(k, "spark.") {
		d.add(k, "."+name+`("`+k+`")`, byCode, val, nil)
	}
}
