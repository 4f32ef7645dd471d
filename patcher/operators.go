package patcher

import "slices"

// An Operator teaches [Find] an operator or helper that a house wrote itself:
// which keyword arguments of its calls say what. Where Class is defined in the
// repository, its body is not looked into.
type Operator struct {
	Class string // name of the class or function
	// Settings are the arguments that stand for one Spark property each.
	Settings map[string]string
	Conf     string // argument that is a mapping of Spark properties
	// Options is the argument that holds spark-submit options: a text, a list,
	// or a list of (option, value) pairs.
	Options     string
	Name        string // argument that is the application's name
	Application string // argument that is the script or jar
	MainClass   string // argument that is the main class
}

// operator returns what the house says of a class or function, nil for nothing.
func (f *finder) operator(class string) *Operator {
	i := slices.IndexFunc(f.house, func(op Operator) bool { return op.Class == class && class != "" })
	if i < 0 {
		return nil
	}
	return &f.house[i]
}

// called is the name of the class or function that a value is, in the
// repository or outside of it.
func (v *value) called() string {
	if v.kind == callable {
		return v.fn.bind.name
	}
	return v.class
}

// mappedForm is an operator of the house.
func mappedForm(c claim) []*declared {
	op := c.house
	if op == nil {
		return nil
	}
	d := c.base
	d.Hints.AppName = firstOf(hint(c.args, op.Name), d.Hints.AppName)
	d.Hints.Application = hint(c.args, op.Application)
	d.Hints.Class = hint(c.args, op.MainClass)
	d.keywords(c.args, op.keywords(), true)
	if op.Conf != "" {
		d.conf(c.args, op.Conf)
	}
	if x, ok := c.args.get(op.Options); ok && op.Options != "" {
		d.options(x, c.params)
	}
	if op.Options == "" {
		d.closed = "the operators section of .sparktune.yaml names no argument of " + op.Class + " that takes it"
	}
	return []*declared{&d}
}

// keywords are the settings in the order of their properties.
func (op Operator) keywords() []keyword {
	var out []keyword
	for name, key := range op.Settings {
		out = append(out, keyword{name, propertyOf(key)})
	}
	slices.SortFunc(out, func(a, b keyword) int { return compareKeys(a.prop.key, b.prop.key) })
	return out
}

// options reads spark-submit options in any of the shapes that lists of them
// have.
func (d *declared) options(x entry, params *value) {
	switch v := x.val; {
	case x.why != "":
		d.open = append(d.open, open{why: x.why, at: x.at})
	case v.kind == scalar && v.typ == text:
		d.parameters(v, params)
	case v.kind == sequence && isPairs(v):
		d.pairs(v)
	case v.kind == sequence:
		s := d.submission(listWords(v, params))
		g := gap{names: s.names(true), num: func(property) bool { return false }, at: v.at, parts: v.parts}
		for _, sl := range v.slots {
			if sl.op == opPairs {
				sl.op, sl.joined = opAppend, s.joined
				g.slots = append(g.slots, sl)
			}
		}
		d.gaps = append(d.gaps, g)
	default:
		d.open = append(d.open, open{why: firstOf(v.why, "the options are not spelled out"), at: x.at})
	}
}
