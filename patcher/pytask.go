package patcher

import (
	"fmt"
	"slices"
)

// A task is a function with the decorator @task.pyspark. Each of its calls is
// a job; without any that is seen it is one itself.
type task struct {
	def  *node
	deco *value
	at   place
}

// decorated notes the functions that are tasks.
func (r *reader) decorated(n *node, p place) {
	def := n.child("definition")
	if def == nil || def.kind != "function_definition" || def.broken {
		return
	}
	if deco := r.taskDecorator(def, p.e); deco != nil {
		r.tasks = append(r.tasks, task{def, deco.named("task_id", p.e.scope.word(def.child("name"))), p})
	}
}

// taskDecorator returns the decorator that makes a function a Spark job, nil
// when none does.
func (r *reader) taskDecorator(def *node, e env) *value {
	for _, d := range decorators(def) {
		if deco := r.decorator(d, e); deco.kind == object && deco.class == "pyspark" {
			return deco
		}
	}
	return nil
}

// uncalled declares the tasks of the module that nothing is seen to call.
func (r *reader) uncalled() {
	for _, t := range r.tasks {
		if !r.repo.run[t.def] {
			r.repo.run[t.def] = true
			r.emit(t.deco, t.at)
		}
	}
}

// task declares the job of a call of a task function, with what overrides its
// decorator. It reports whether on is one.
func (r *reader) task(on *value, over []*value, n *node, p place) bool {
	if on.kind != callable || on.fn.def.kind != "function_definition" || len(decorators(on.fn.def)) == 0 {
		return false
	}
	def := on.fn.def
	in := p.e.through(on.fn.bind, p.e.span(n.child("function")))
	in.frame = on.fn.frame
	deco := r.taskDecorator(def, in)
	if deco == nil {
		return false
	}
	r.repo.run[def] = true
	args := &value{kind: mapping, at: deco.args.at, items: deco.args.items, entries: slices.Clip(deco.args.entries)}
	for _, o := range over {
		args.spread(o, o.at, false)
		args.slots = append(args.slots, o.slots...)
		p.calls = append(slices.Clip(p.calls), callSite{o.at, on.fn.bind.name})
	}
	slices.Reverse(args.slots) // what overrides last is the innermost place
	args.slots = append(args.slots, deco.args.slots...)
	obj := &value{kind: object, at: deco.at, class: deco.class, args: args}
	r.emit(r.unique(obj.named("task_id", on.fn.bind.name), p), p)
	return true
}

// overridden is what a call calls, seen through f.override(...), f.partial(...)
// and f.expand: the function, and the arguments of each override.
func (r *reader) overridden(f *node, e env) (*value, []*value) {
	switch {
	case f == nil:
	case f.kind == "attribute" && mapsTask[e.scope.word(f.child("attribute"))]:
		if on, over := r.overridden(f.child("object"), e); on.kind == callable {
			return on, over
		}
	case f.kind == "call" && f.child("function").kind == "attribute":
		by := f.child("function")
		switch e.scope.word(by.child("attribute")) {
		case "partial": // its arguments are the function's
			return r.overridden(by.child("object"), e)
		case "override":
			on, over := r.overridden(by.child("object"), e)
			return on, append(over, r.arguments(f, e))
		}
	}
	return r.eval(f, e), nil
}

// mapsTask are the methods of a task that run it on many inputs.
var mapsTask = map[string]bool{"expand": true, "expand_kwargs": true}

// unique gives the calls of one task in one DAG their own task_ids, as Airflow
// does: "load", "load__1", "load__2".
func (r *reader) unique(obj *value, p place) *value {
	id := obj.args.path("task_id")
	name, ok := id.str()
	if !ok {
		return obj
	}
	full := fmt.Sprintf("%s %q %s", dagID(p), p.groups, name)
	n := r.called[full]
	if r.called == nil {
		r.called = map[string]int{}
	}
	r.called[full]++
	if n == 0 {
		return obj
	}
	w, args := *obj, *obj.args
	renamed := *id
	renamed.pieces = append(slices.Clip(id.pieces), piece{text: fmt.Sprintf("__%d", n), at: id.at})
	args.entries = append(slices.Clip(args.entries), entry{key: "task_id", val: &renamed})
	w.args = &args
	return &w
}

// maxRows is how many rows of a mapped task are told apart.
const maxRows = 200

// mapped declares the jobs of Operator.partial(...).expand(...): one for each
// row where what is mapped sizes the job, else one for all.
func (r *reader) mapped(obj *value, n *node, p place) {
	if n.up == nil || n.up.kind != "attribute" || n.up.up == nil || n.up.up.kind != "call" {
		r.emit(obj, p)
		return
	}
	rows := []*value{obj.args}
	expand := r.arguments(n.up.up, p.e)
	if p.e.scope.word(n.up.child("attribute")) == "expand_kwargs" {
		rows = r.kwargRows(obj.args, expand, p.e.span(n.up.up))
	} else {
		for _, x := range expand.entries {
			rows = r.crossed(rows, x)
		}
	}
	for i, args := range rows {
		row := *obj
		row.args = args
		if len(rows) > 1 {
			p.row = fmt.Sprintf("[%d]", i)
		}
		r.emit(&row, p)
	}
}

const mappedWhy = "it is mapped over values by expand"

// with is a mapping with one more entry.
func (v *value) with(x entry) *value {
	w := *v
	w.entries = append(slices.Clip(v.entries), x)
	return &w
}

// crossed adds to each row what one argument of expand maps: every value of it
// where they size the job and are known, else one that is not told apart.
func (r *reader) crossed(rows []*value, x entry) []*value {
	hidden := entry{key: x.key, at: x.at, val: unknownValue(x.at, mappedWhy), fixed: true}
	known := x.val != nil && x.val.kind == sequence && len(x.val.items) > 0 && len(rows)*len(x.val.items) <= maxRows &&
		slices.ContainsFunc(x.val.items, func(v *value) bool { return r.sizes(x.key, v) })
	var out []*value
	for _, row := range rows {
		if !known {
			out = append(out, row.with(hidden))
			continue
		}
		for _, item := range x.val.items {
			out = append(out, row.with(entry{key: x.key, at: x.at, val: item, fixed: true}))
		}
	}
	return out
}

// kwargRows are the rows of expand_kwargs([{...}, {...}]), or one that may have
// any argument. An argument may not stand in both, so a row takes additions
// alone.
func (r *reader) kwargRows(args, expand *value, at span) []*value {
	unknown := []*value{args.with(entry{at: at, why: mappedWhy, fixed: true})}
	if len(expand.items) != 1 || expand.items[0].kind != sequence || len(expand.items[0].items) == 0 || len(expand.items[0].items) > maxRows {
		return unknown
	}
	var out []*value
	sized, shared := false, args
	for _, in := range expand.items[0].items {
		if in.kind != mapping {
			return unknown
		}
		row := *args
		row.entries = slices.Clip(args.entries)
		row.spread(in, in.at, true)
		row.slots = in.slots
		out = append(out, &row)
		for _, x := range in.entries {
			shared = shared.with(entry{key: x.key, at: x.at, val: unknownValue(x.at, mappedWhy), fixed: true})
		}
		sized = sized || slices.ContainsFunc(in.entries, func(x entry) bool { return x.why != "" || r.sizes(x.key, x.val) })
	}
	if !sized {
		return []*value{shared}
	}
	return out
}

// sizes reports whether an argument of a mapped operator may size its job.
func (r *reader) sizes(name string, v *value) bool {
	switch {
	case notConfiguration[name]:
		return false
	case v.kind == mapping || v.kind == sequence || v.kind == scalar && looksLikeCommand(v) || name == "application_file":
		return true
	}
	if slices.ContainsFunc(properties, func(p property) bool { return p.kwarg != "" && p.kwarg == name }) {
		return true
	}
	return slices.ContainsFunc(r.repo.house, func(op Operator) bool { return op.Settings[name] != "" || op.Conf == name || op.Options == name })
}
