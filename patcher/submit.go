package patcher

import (
	"cmp"
	"slices"
	"strings"
)

// isSubmit reports whether a class takes SparkSubmitOperator's arguments.
func isSubmit(class string) bool {
	return strings.Contains(class, "SparkSubmit") && !strings.HasSuffix(class, "Sensor") || class == "SparkJDBCOperator" || class == "SparkSqlOperator" ||
		strings.HasPrefix(class, "Livy") && strings.HasSuffix(class, "Operator")
}

// submitForm is SparkSubmitOperator, its subclasses and LivyOperator: sizes
// are keyword arguments, the rest is in conf.
func submitForm(c claim) []*declared {
	if !isSubmit(c.obj.class) {
		return nil
	}
	d := c.base
	d.Hints.Application = hint(c.args, "application", "file")
	d.Hints.Class = hint(c.args, "java_class", "class_name")
	d.keywords(c.args, c.submitKeywords(), true)
	if c.obj.takes("conf") {
		d.conf(c.args, "conf")
		d.overConf(c.args, c.submitKeywords())
	}
	d.closed = c.obj.class + " takes no argument for it here"
	return []*declared{&d}
}

// submitKeywords are the size arguments that a call may have. A class of the
// repository takes what its constructor names, and often max_executors.
func (c claim) submitKeywords() []keyword {
	var out []keyword
	for _, k := range append(slices.Clip(submitKeywords), keyword{"max_executors", propertyOf("spark.dynamicAllocation.maxExecutors")}) {
		_, given := c.args.get(k.name)
		if given || c.obj.takes(k.name) {
			out = append(out, k)
		}
	}
	return out
}

// takes reports whether a call of an operator may have an argument. What is
// not defined in the repository is Airflow's own.
func (v *value) takes(name string) bool {
	own := slices.ContainsFunc(submitKeywords, func(k keyword) bool { return k.name == name }) || name == "conf"
	if v.fn == nil || v.fn.def == nil || v.fn.def.kind != "class_definition" {
		return own
	}
	s := v.fn.scope()
	inits := s.binds["__init__"]
	if len(inits) != 1 || inits[0].kind != bindDef {
		return own
	}
	for _, p := range inits[0].node.child("parameters").only() {
		switch n, _ := parameter(s, p); {
		case n == name:
			return true
		case p.kind == "dictionary_splat_pattern" && own && !isPlainOperator(v.fn):
			return true
		}
	}
	return false
}

// isPlainOperator reports whether a class extends the operator that takes no
// arguments of Spark's: what it passes on is no size then.
func isPlainOperator(c *closure) bool {
	supers := c.def.child("superclasses")
	return supers != nil && len(supers.only()) == 1 && c.bind.scope.word(supers.only()[0]) == "BaseOperator"
}

// A keyword is a keyword argument that stands for a property.
type keyword struct {
	name string
	prop property
}

// submitKeywords are SparkSubmitOperator's, in the order of the properties.
var submitKeywords = func() []keyword {
	var out []keyword
	for _, p := range properties {
		if p.kwarg != "" {
			out = append(out, keyword{p.kwarg, p})
		}
	}
	return out
}()

// keywords finds the sizes that are keyword arguments.
func (d *declared) keywords(args *value, known []keyword, insert bool) {
	for _, k := range known {
		x, ok := args.get(k.name)
		switch {
		case ok && x.why != "" && !x.fixed: // default_args: an argument of the call wins
		case ok && x.why != "":
			d.open = append(d.open, open{why: x.why, at: x.at})
		case ok:
			before := len(d.sites)
			d.add(k.prop.key, k.name+"=", byFlag, x.val, overrides(args, x, k.name))
			d.within(before, x.at)
		}
	}
	if !insert {
		return
	}
	d.gaps = append(d.gaps, gap{
		slots: args.slots, parts: args.parts,
		names: func(p property) []string {
			i := slices.IndexFunc(known, func(k keyword) bool { return k.prop.key == p.key })
			if i < 0 {
				return nil
			}
			return []string{known[i].name}
		},
		num: func(p property) bool { return p.unit == count },
		at:  args.at,
	})
}

// conf finds the properties of a configuration mapping in an argument.
func (d *declared) conf(args *value, name string) {
	x, ok := args.get(name)
	g := gap{at: args.at, num: func(property) bool { return false }}
	switch {
	case !ok:
		g.slots, g.parts = args.slots, args.parts
		g.names = func(p property) []string { return []string{name, p.key} }
	case x.why != "":
		g.names = func(p property) []string { return []string{p.key} }
		g.shut, g.at = x.why, x.at
	case x.val.kind == mapping:
		d.entries(x.val, name)
		g.slots, g.parts, g.at = x.val.slots, x.val.parts, x.at
		g.names = func(p property) []string { return []string{p.key} }
	case x.val.kind == scalar && x.val.typ == null:
		g.names = func(p property) []string { return []string{p.key} }
		g.shut, g.at = name+" is None", x.at
	default:
		d.open = append(d.open, open{why: cmp.Or(x.val.why, name+" is not a dict"), at: x.at})
	}
	d.gaps = append(d.gaps, g)
}

// overConf adds to what conf sets the argument of the call that wins over it: the
// last resort for a conf that others share and that the call does not name.
func (d *declared) overConf(args *value, known []keyword) {
	for _, s := range d.sites {
		i := slices.IndexFunc(known, func(k keyword) bool { return k.prop.key == s.Key })
		if s.rank != byConf || i < 0 {
			continue
		}
		if _, given := args.get(known[i].name); given {
			continue
		}
		for _, sl := range args.slots {
			if sl.op == opKwarg {
				s.over = append(s.over, addition{slot: sl, path: []string{known[i].name}})
			}
		}
	}
}

// entries finds the Spark properties that are keys of a mapping.
func (d *declared) entries(conf *value, name string) {
	before := len(d.sites)
	for _, x := range conf.entries {
		switch {
		case x.why != "":
			d.open = append(d.open, open{why: x.why, at: x.at, conf: true})
			// What stands before may be overridden by it.
			for _, s := range d.sites[before:] {
				s.Dynamic = "it may be overridden: " + x.why
			}
		case strings.HasPrefix(x.key, "spark."):
			d.add(x.key, name+`["`+x.key+`"]`, byConf, x.val, overrides(conf, x, x.key))
			d.within(before, x.at, conf.at)
		}
	}
}

// overrides returns where an entry can be added that wins over x of m, the
// innermost place first.
func overrides(m *value, x entry, path ...string) []addition {
	var out []addition
	slots := []slot(nil)
	if x.home != nil {
		slots = append(slots, x.home.slots...)
	}
	if !x.fixed && m != x.home {
		slots = append(slots, m.slots...)
	}
	for _, s := range slots {
		inside := s.at.contains(x.at) && (s.op == opEntry || s.op == opKwarg)
		if !inside || s.name != "" {
			out = append(out, addition{slot: s, path: path, like: x.val})
		}
	}
	// An entry of a literal reads better than one more spread around it.
	isSpread := func(a addition) bool { return a.slot.op == opSpread }
	return append(slices.DeleteFunc(slices.Clone(out), isSpread), slices.DeleteFunc(out, func(a addition) bool { return !isSpread(a) })...)
}
