package patcher

import (
	"slices"
	"strings"
)

// declare builds the jobs of a call: an operator, or any call whose arguments
// have the shape of a Spark configuration.
func (r *reader) declare(obj *value, p place) {
	r.jobs++
	p.dag = dagOf(obj.args, p)
	args := withDefaults(obj, p)
	args.entries = append(args.entries, p.later...)
	base := declared{at: obj.at}
	base.Operator = obj.class
	base.Hints = Hints{DAGID: dagID(p), TaskID: taskID(args, p), AppName: hint(args, "name", "job_name", "run_name")}
	base.many, base.row = p.many, p.row
	if name := firstOf(base.Hints.TaskID, base.Hints.AppName); base.many == "" && p.callers != "" && (name == "" || strings.Contains(name, "{{ }}")) {
		base.many = p.callers
	}
	base.at, base.params = declaration(obj, args, p), params(args, p)
	c := claim{base: base, args: args, obj: obj, params: base.params, house: r.repo.operator(obj.class), load: func(name string) *value { return r.repo.text(r.mod, name) }}
	for _, d := range c.jobs() {
		r.repo.declare(d)
	}
}

// withDefaults puts default_args below an operator's own arguments.
func withDefaults(obj *value, p place) *value {
	v := &value{kind: mapping, at: obj.args.at, items: obj.args.items, slots: obj.args.slots, parts: slices.Clip(obj.args.parts)}
	if p.dag != nil {
		v.under(argument(p.dag, -1, "default_args"))
	}
	v.under(argument(obj, -1, "default_args"))
	v.entries = append(v.entries, obj.args.entries...)
	return v
}

// under adds default arguments, which the call itself may override.
func (v *value) under(defaults *value) {
	switch {
	case defaults == nil || defaults.kind == scalar:
	default:
		v.spread(defaults, defaults.at, false)
	}
}

// declaration returns the span that declares the task: the call of a helper
// when that names it, else the operator's own.
func declaration(obj, args *value, p place) span {
	id := args.path("task_id")
	if id == nil || len(id.pieces) == 0 {
		return obj.at
	}
	for _, c := range p.calls {
		if c.at.contains(id.pieces[0].at) {
			return c.at
		}
	}
	return obj.at
}

func hint(args *value, names ...string) string { return args.first(names...).template() }

// dagID returns the id of the DAG that an operator belongs to.
func dagID(p place) string {
	if p.dag == nil {
		return ""
	}
	return argument(p.dag, 0, "dag_id").template()
}

// dagOf is the DAG that an operator names, else the one around it.
func dagOf(args *value, p place) *value {
	if x := args.path("dag"); x != nil && x.kind == object && isDAG(x.class) {
		return x
	}
	return p.dag
}

// taskID returns the id of a task with the groups that prefix it.
func taskID(args *value, p place) string {
	id := hint(args, "task_id")
	groups := p.groups
	if g := args.path("task_group"); g != nil && g.kind == object && g.class == "TaskGroup" {
		groups = g.prefixes(nil)
	}
	if id == "" || len(groups) == 0 {
		return id
	}
	return strings.Join(groups, ".") + "." + id
}

// params is what {{ params.x }} reads: the operator's, over the DAG's.
func params(args *value, p place) *value {
	v := &value{kind: mapping}
	if p.dag != nil {
		v.under(argument(p.dag, -1, "params"))
	}
	v.under(args.path("params"))
	return v
}

// A claim is one call that may declare jobs.
type claim struct {
	base   declared
	obj    *value
	args   *value
	params *value
	load   func(name string) *value
	house  *Operator // what the house says of the operator, nil for nothing
}

// jobs returns what the call declares, by the first form that knows it.
func (c claim) jobs() []*declared {
	for _, form := range forms {
		if ds := form(c); len(ds) > 0 {
			return slices.DeleteFunc(ds, c.isPlumbing)
		}
	}
	return nil
}

// isPlumbing reports whether a call only hands on what somebody else says: a
// hook that an operator's own code makes.
func (c claim) isPlumbing(d *declared) bool {
	return strings.HasSuffix(c.obj.class, "Hook") && !slices.ContainsFunc(d.sites, func(s *site) bool { return s.Dynamic == "" })
}

// forms in the order in which they are asked.
var forms = []func(claim) []*declared{mappedForm, clusterForm, submitForm, pysparkForm, dataprocForm, glueForm, houseForm, shapeForm}
