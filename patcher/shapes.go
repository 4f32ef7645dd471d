package patcher

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// shapes looks for jobs in arguments by their shape, whatever operator takes
// them: the shapes are the services' own, the operators are many.
type shapes struct {
	params   *value
	load     func(name string) *value // a file of the repository that a text names
	main     *declared                // what the call itself submits
	used     bool                     // main has a place for settings
	subs     []*declared              // jobs that the arguments list: steps, commands, manifests
	defaults []*value                 // spark-defaults properties around them
}

// notConfiguration are arguments whose text is data of the job or for people.
var notConfiguration = map[string]bool{
	"env": true, "env_vars": true, "environment": true, "application_args": true, "op_kwargs": true, "op_args": true, "params": true,
	"doc": true, "doc_md": true, "doc_json": true, "doc_yaml": true, "doc_rst": true, "labels": true, "tags": true, "default_args": true,
	"arguments_for_job": true, "cluster_config": true, "task_id": true, "dag": true, "java_opts": true, "pool": true, "description": true,
}

// shapeForm is every operator that takes a service's own request, a command
// or a manifest.
func shapeForm(c claim) []*declared {
	if !c.plausible() {
		return nil
	}
	d := c.base
	s := &shapes{params: c.params, main: &d, load: c.load}
	args := c.args
	if cmds, rest := args.first("cmds", "entrypoint"), args.first("arguments"); cmds != nil && rest != nil && cmds.kind == sequence && rest.kind == sequence {
		all := &value{kind: sequence, at: rest.at, items: slices.Concat(cmds.items, rest.items), slots: rest.slots}
		s.walk("arguments", all, 0)
	}
	if len(s.subs) == 0 && !s.used {
		s.walk("", args, 0)
	}
	found := s.jobs()
	for _, f := range found {
		if !f.clusterMode {
			f.podLimit("driver", true, memoryLimit(args.path("container_resources")))
		}
	}
	if len(found) > 0 || !isReference(c.obj.class) {
		return found
	}
	d.closed = "the definition of the job that " + c.obj.class + " runs decides, and it is not here; change it there"
	if args.path("existing_cluster_id") != nil {
		d.closed = "the cluster that it runs on decides, and it is not here; change it there"
	}
	return []*declared{&d}
}

// memoryLimits matches the limit in the call of V1ResourceRequirements, which is
// read as it is spelled: the call makes no job, so it is not followed.
var memoryLimits = regexp.MustCompile(`limits\s*=\s*\{[^{}]*?["']memory["']\s*:\s*["']([\w.]+)["']`)

// memoryLimit is the limit of the memory in the resources of a pod, nil where
// it is not spelled out.
func memoryLimit(resources *value) *value {
	if resources == nil {
		return nil
	}
	m := memoryLimits.FindStringSubmatchIndex(resources.at.String())
	if m == nil {
		return nil
	}
	at := span{resources.at.src, resources.at.start + m[2], resources.at.start + m[3]}
	return textValue(at, []piece{{text: at.String(), at: at, same: true}})
}

// isReference reports whether an operator runs a job that is defined elsewhere.
func isReference(class string) bool {
	return strings.HasPrefix(class, "CDE") && strings.Contains(class, "Job") && !strings.Contains(class, "Sensor") || class == "DatabricksRunNowOperator" || class == "DatabricksSubmitRunOperator"
}

// plausible reports whether a call can be a task at all.
func (c claim) plausible() bool {
	class := c.obj.class
	if submits(c.args) {
		return true
	}
	if class == "" || strings.HasPrefix(class, "Spark") && !strings.Contains(class, "Operator") || !unicode.IsUpper(rune(class[0])) {
		return false
	}
	if _, ok := c.args.get("task_id"); ok {
		return true
	}
	for _, s := range []string{"Operator", "Task", "Job", "Step"} {
		if strings.HasSuffix(class, s) {
			return true
		}
	}
	return false
}

// jobs returns what was found.
func (s *shapes) jobs() []*declared {
	var out []*declared
	if s.used || len(s.subs) == 0 && len(s.defaults) > 0 {
		out = append(out, s.main)
	}
	out = append(out, s.subs...)
	for _, d := range out {
		for _, props := range s.defaults {
			d.defaults(props)
		}
	}
	nameEach(s.subs)
	return out
}

// job starts a job that the call lists beside others.
func (s *shapes) job() *declared {
	d := *s.main
	return &d
}

func (s *shapes) walk(name string, v *value, depth int) {
	if v == nil || depth > 12 || notConfiguration[name] {
		return
	}
	switch v.kind {
	case mapping:
		if s.request(v) {
			return
		}
		for _, x := range v.entries {
			if x.why == "" {
				s.entry(x, v, depth)
			}
		}
	case sequence:
		s.sequence(name, v, depth)
	case scalar:
		s.text(name, v)
	case unknown, object, callable: // nothing to see from here
	}
}

// request handles a mapping that as a whole is one job.
func (s *shapes) request(v *value) bool {
	if step := v.path("HadoopJarStep"); step != nil && step.kind == mapping {
		s.emrStep(v, step)
		return true
	}
	if kind, _ := v.path("Type").str(); strings.EqualFold(kind, "spark") && v.path("Args") != nil && v.path("Args").kind == sequence {
		s.sparkStep(v)
		return true
	}
	if isSparkApplication(v) {
		d := s.job()
		d.manifest(v)
		s.subs = append(s.subs, d)
		return true
	}
	return false
}

// entry handles one key of a mapping.
func (s *shapes) entry(x entry, in *value, depth int) {
	v := x.val
	switch {
	case x.key == "sparkSubmitParameters" && v.kind == scalar:
		s.used = true
		s.main.Hints.Application = firstOf(s.main.Hints.Application, hint(in, "entryPoint"))
		s.main.parameters(v, s.params)
	case x.key == "sparkSubmitParameters":
		s.used = true
		s.main.open = append(s.main.open, open{why: cmp.Or(v.why, "the options are computed at run time"), at: v.at})
	case (x.key == "sparkSubmit" || x.key == "sparkSubmitJobDriver") && v.kind == mapping && v.path("sparkSubmitParameters") == nil:
		s.used = true
		s.main.Hints.Application = hint(v, "entryPoint")
		s.main.newParameters(v)
	case dataprocJobs[x.key] && v.kind == mapping:
		s.used = true
		s.main.dataproc(v, in)
	case (x.key == "pyspark_batch" || x.key == "spark_batch") && v.kind == mapping:
		s.used = true
		s.main.Hints.Application = hint(v, "main_python_file_uri", "main_jar_file_uri")
		s.main.runtimeConfig(in)
	case x.key == "runtime_config" && in.first("pyspark_batch", "spark_batch") != nil: // read with the batch
	case x.key == "new_cluster" && v.kind == mapping:
		s.used = true
		s.main.databricks(v, in)
	case x.key == "spark" && v.kind == mapping && strings.HasPrefix(s.main.Operator, "CDE"):
		s.used = true
		s.main.cde(v)
	case x.key == "--conf" && v.kind == scalar:
		s.used = true
		s.main.glue(v, s.params)
	case isDefaults(in) && (x.key == "Properties" || x.key == "properties") && v.kind == mapping:
		s.defaults = append(s.defaults, v)
	case v.kind == mapping && holdsSpark(v) && !notConfiguration[x.key]:
		s.used = true
		s.main.confGap(v, x, x.key)
	default:
		s.walk(x.key, v, depth+1)
	}
}

// isDefaults reports whether an EMR configuration is that of spark-defaults.
func isDefaults(in *value) bool {
	c, _ := in.first("Classification", "classification").str()
	return c == "spark-defaults"
}

// holdsSpark reports whether a mapping has Spark properties as keys.
func holdsSpark(v *value) bool {
	return slices.ContainsFunc(v.entries, func(x entry) bool { return strings.HasPrefix(x.key, "spark.") })
}

// confGap is a mapping of Spark properties that is all there is to set.
func (d *declared) confGap(v *value, x entry, name string) {
	d.entries(v, name)
	d.gaps = append(d.gaps, gap{
		slots: v.slots, parts: v.parts, at: x.at, num: func(property) bool { return false },
		names: func(p property) []string { return []string{p.key} },
	})
}

// defaults adds the spark-defaults around a job, which its own options beat.
func (d *declared) defaults(props *value) {
	own := len(d.sites)
	d.entries(props, "spark-defaults")
	for _, s := range d.sites[own:] {
		s.rank = byDefaults
	}
	g := gap{
		slots: props.slots, parts: props.parts, at: props.at, num: func(property) bool { return false },
		names: func(p property) []string { return []string{p.key} },
	}
	if own == 0 {
		d.gaps = append([]gap{g}, d.gaps...) // where its siblings live
		return
	}
	d.gaps = append(d.gaps, g)
}

func (s *shapes) sequence(name string, v *value, depth int) {
	d := s.job()
	if d.argv(v, s.params) {
		s.subs = append(s.subs, d)
		return
	}
	if isPairs(v) {
		s.used = true
		s.main.pairs(v)
		return
	}
	for _, x := range v.items {
		s.walk(name, x, depth+1)
	}
}

func (s *shapes) text(name string, v *value) {
	t := joinPieces(v.pieces)
	switch {
	case strings.Contains(t, "kind: SparkApplication") || strings.Contains(t, "kind: ScheduledSparkApplication"):
		s.manifestText(v)
	case looksLikeCommand(v) && strings.ContainsAny(t, " \n"):
		s.subs = append(s.subs, s.main.commands(v, s.params)...)
	case name == "bash_command" || name == "command":
		for _, m := range scripts.FindAllString(t, -1) {
			if in := s.load(m); in != nil && looksLikeCommand(in) {
				s.subs = append(s.subs, s.main.commands(in, s.params)...)
			}
		}
	case name == "application_file":
		if in := s.load(v.template()); in != nil {
			s.manifestText(in)
		}
	}
}

// scripts matches the shell scripts that a command names.
var scripts = regexp.MustCompile(`[\w./-]+\.(?:sh|bash)\b`)

// manifestText reads SparkApplications out of a text.
func (s *shapes) manifestText(v *value) {
	docs, why := readYAML(masked(v.pieces, s.params))
	for _, doc := range docs {
		if isSparkApplication(doc) {
			d := s.job()
			d.manifest(doc)
			s.subs = append(s.subs, d)
		}
	}
	if len(docs) == 0 && why != "" {
		d := s.job()
		d.open = append(d.open, open{why: why, at: v.at})
		s.subs = append(s.subs, d)
	}
}
