package patcher

import (
	"bytes"
	"slices"
	"strings"
)

// tables finds the jobs of a document that a DAG loads: SparkApplications,
// DAGs written as data, and rows that name sizes.
func (f *finder) tables(doc *value, src *source) {
	t := tableReader{f: f, src: src, before: len(f.jobs)}
	if _, in := f.chartOf(src.path); in && strings.HasSuffix(baseName(src.path), "_test") {
		return // of the chart's templates
	}
	t.walk(doc, "", 0)
	if f.isHelmValues(src.path) {
		for _, d := range f.jobs[t.before:] {
			d.many = "these are the values of a Helm chart: its templates and each installation decide what they size"
		}
	}
}

type tableReader struct {
	f      *finder
	src    *source
	before int // jobs found before this document
}

func (t tableReader) walk(v *value, key string, depth int) {
	switch {
	case v == nil || depth > 30 || isTemplate(key):
		return
	case t.command(v, key):
	case v.kind == sequence:
		for _, x := range v.items {
			t.walk(x, "", depth+1)
		}
	case v.kind != mapping:
	case isSparkApplication(v):
		d := &declared{at: v.at}
		d.Operator, _ = v.path("kind").str()
		d.manifest(v)
		d.inChart(t.src)
		t.f.declare(d)
	case t.request(v):
	case t.dag(v, key):
	case t.row(v, key):
	default:
		for _, x := range v.entries {
			if x.why == "" {
				t.walk(x.val, x.key, depth+1)
			}
		}
	}
}

// inChart says what of a manifest in a Helm template is its own: the literals,
// when its name is one too. What the values may add is not known.
func (d *declared) inChart(src *source) {
	switch {
	case !bytes.Contains(src.text, []byte(".Values.")):
	case strings.Contains(d.Hints.AppName, "{{"):
		d.many = "this is a Helm template, and each release of it is a job"
	default:
		d.gaps = nil
		d.closed = "this is a Helm template, whose values may set it"
	}
}

// command is a command line that a document holds: what a container or a step
// of a workflow runs, or a manifest that it submits.
func (t tableReader) command(v *value, key string) bool {
	if notConfiguration[key] || strings.HasPrefix(t.src.path, ".github/") {
		return false
	}
	d := &declared{at: v.at}
	d.Operator = "spark-submit"
	s := &shapes{main: d, load: func(string) *value { return nil }}
	switch {
	case v.kind == scalar && v.typ == text:
		s.text(key, v)
	case v.kind == sequence:
		if x := s.job(); x.argv(v, nil) {
			s.subs = append(s.subs, x)
		}
	case v.kind == mapping:
		run, args := v.path("command"), v.path("args")
		if run == nil || args == nil || run.kind != sequence || args.kind != sequence {
			return false
		}
		all := &value{kind: sequence, at: args.at, items: slices.Concat(run.items, args.items), slots: args.slots}
		if x := s.job(); x.argv(all, nil) {
			s.subs = append(s.subs, x)
		}
	case v.kind == unknown, v.kind == object, v.kind == callable:
	}
	found := s.jobs()
	for _, d := range found {
		t.f.declare(d)
	}
	return len(found) > 0
}

// request is what a service is asked to run, kept in a file: a step of EMR, a
// run of EMR Serverless or EMR on EKS.
func (t tableReader) request(v *value) bool {
	if v.first("jobDriver", "job_driver", "sparkSubmitJobDriver", "sparkSubmit", "HadoopJarStep") == nil {
		return false
	}
	d := &declared{at: v.at}
	d.Operator = "job request"
	d.Hints.AppName = hint(v, "name", "Name")
	s := &shapes{main: d, load: func(string) *value { return nil }}
	s.walk("", v, 0)
	for _, d := range s.jobs() {
		t.f.declare(d)
	}
	return s.used || len(s.subs) > 0
}

// isTemplate reports whether a key names values that jobs start from.
func isTemplate(key string) bool {
	k := strings.ToLower(key)
	return strings.HasPrefix(k, "default") || k == "base" || k == "common" || k == "env_vars"
}

// dag is a DAG written as data, as dag-factory reads it: tasks with operators.
func (t tableReader) dag(v *value, key string) bool {
	tasks := v.path("tasks")
	if tasks == nil {
		return false
	}
	id := textValue(v.at, []piece{{text: key, at: v.at}})
	if x := v.first("dag_id"); x != nil {
		id = x
	}
	dag := &value{kind: object, class: "DAG", at: v.at, args: &value{kind: mapping, entries: append(slices.Clip(v.entries), entry{key: "dag_id", val: id})}}
	each := func(task *value, name string) {
		op, ok := task.path("operator").str()
		if !ok {
			return
		}
		args := *task
		if _, has := task.get("task_id"); !has {
			args.entries = append(slices.Clip(task.entries), entry{key: "task_id", val: textValue(task.at, []piece{{text: name, at: task.at}})})
		}
		obj := &value{kind: object, at: task.at, class: op[strings.LastIndexByte(op, '.')+1:], args: &args}
		r := &reader{repo: t.f, mod: &module{source: t.src}}
		r.declare(obj, place{dag: dag})
	}
	before := len(t.f.jobs)
	switch tasks.kind {
	case sequence:
		for _, x := range tasks.items {
			each(x, "")
		}
	case mapping:
		for _, x := range tasks.entries {
			if x.why == "" && x.val.kind == mapping {
				each(x.val, x.key)
			}
		}
	case unknown, scalar, object, callable:
		return false
	}
	return len(t.f.jobs) > before
}

// columns are the names under which tables keep sizes, in their plain form.
var columns = map[string]string{
	"executormemory": "spark.executor.memory", "executorcores": "spark.executor.cores", "numexecutors": "spark.executor.instances",
	"executorinstances": "spark.executor.instances", "drivermemory": "spark.driver.memory", "drivercores": "spark.driver.cores",
	"shufflepartitions": "spark.sql.shuffle.partitions", "executormemoryoverhead": "spark.executor.memoryOverhead",
	"totalexecutorcores": "spark.cores.max",
}

// column returns the property that a key of a table names.
func column(key string) string {
	return columns[strings.ToLower(strings.NewReplacer("_", "", "-", "", "spark.", "").Replace(key))]
}

// row is a mapping that sizes one job.
func (t tableReader) row(v *value, key string) bool {
	d := &declared{at: v.at}
	d.Operator = "table row"
	d.Hints = Hints{
		AppName: hint(v, "name", "job_name", "app_name", "id"), Application: hint(v, "application", "main", "file", "script", "jar", "main_file"),
		Class: hint(v, "class", "main_class", "java_class"), TaskID: hint(v, "task_id"), DAGID: hint(v, "dag_id"),
	}
	named := d.Hints != (Hints{})
	for _, x := range v.entries {
		switch {
		case x.why != "":
			d.open = append(d.open, open{why: x.why, at: x.at, conf: true})
		case column(x.key) != "" && x.val.kind == scalar && !strings.HasPrefix(x.key, "spark."):
			d.add(column(x.key), x.key, byFlag, x.val, overrides(v, x, x.key))
		default:
			t.conf(d, v, x)
		}
	}
	if len(t.f.jobs)-t.before > maxJobs || len(d.sites) == 0 || !named && key == "" && !t.leaf(v) {
		return false
	}
	d.alias = firstOf(d.Hints.AppName, d.Hints.TaskID, key)
	t.gaps(d, v)
	t.f.declare(d)
	return true
}

// leaf reports whether a mapping has no mappings in it that could be rows.
func (t tableReader) leaf(v *value) bool {
	return !slices.ContainsFunc(v.entries, func(x entry) bool { return x.val != nil && x.val.kind != scalar })
}

// conf reads Spark properties of a row: as keys of it or of a mapping in it,
// or as a list of key=value.
func (t tableReader) conf(d *declared, v *value, x entry) {
	switch {
	case strings.HasPrefix(x.key, "spark."):
		d.add(x.key, x.key, byConf, x.val, overrides(v, x, x.key))
		if x.key == "spark.app.name" {
			d.Hints.AppName = x.val.template()
		}
	case notConfiguration[x.key]:
	case x.val.kind == mapping && holdsSpark(x.val):
		d.confGap(x.val, x, x.key)
	case x.val.kind == sequence && !isArgv(x.val):
		for _, item := range x.val.items {
			s, ok := item.str()
			k, _, has := strings.Cut(s, "=")
			if ok && has && strings.HasPrefix(k, "spark.") {
				ps := cut(item.pieces, len(k)+1, len(s))
				d.add(k, x.key+"["+k+"]", byConf, textValue(spanOf(ps), ps), nil)
			}
		}
	}
}

// isArgv tells the words of a command from a list of settings.
func isArgv(v *value) bool {
	return slices.ContainsFunc(v.items, func(x *value) bool {
		s, _ := x.str()
		return strings.HasPrefix(s, "-") || isSparkSubmit(s)
	})
}

// gaps are the row's own columns: one that other rows of the document have
// may be added to this one.
func (t tableReader) gaps(d *declared, v *value) {
	if len(v.slots) == 0 {
		return
	}
	used := map[string]string{}
	for _, s := range d.sites {
		if s.rank == byFlag {
			used[s.Key] = s.Form
		}
	}
	if slices.ContainsFunc(d.sites, func(s *site) bool { return s.rank == byConf && v.slots[0].at.contains(s.val.at) && s.Form == s.Key }) {
		d.gaps = append(d.gaps, gap{
			slots: v.slots, parts: v.parts, at: v.at, num: func(p property) bool { return p.unit == count },
			names: func(p property) []string { return []string{p.key} },
		})
	}
	d.closed = "the loader of this table is not known to read it; add it by hand"
}
