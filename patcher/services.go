package patcher

import "strings"

// emrStep is one step of an EMR cluster that runs spark-submit.
func (s *shapes) emrStep(step, jar *value) {
	args := jar.path("Args")
	if args == nil || args.kind != sequence {
		return
	}
	d := s.job()
	d.at = step.at
	if d.argv(args, s.params) {
		d.Hints.AppName = firstOf(d.Hints.AppName, hint(step, "Name"))
		s.subs = append(s.subs, d)
		return
	}
	for _, x := range args.items {
		if x.kind == scalar && looksLikeCommand(x) {
			s.subs = append(s.subs, d.commands(x, s.params)...)
		}
	}
}

// sparkStep is a step in the form of the AWS command line: its arguments are
// those of spark-submit.
func (s *shapes) sparkStep(step *value) {
	d := s.job()
	d.at = step.at
	d.Hints.AppName = firstOf(d.Hints.AppName, hint(step, "Name"))
	args := step.path("Args")
	sub := d.submission(listWords(args, s.params))
	d.gaps = append(d.gaps, sub.listGap(args))
	s.subs = append(s.subs, d)
}

// cdeNames are what a run of Cloudera Data Engineering overrides of its job.
var cdeNames = map[string]string{
	"spark.executor.memory": "executorMemory", "spark.executor.cores": "executorCores", "spark.executor.instances": "numExecutors",
	"spark.driver.memory": "driverMemory", "spark.driver.cores": "driverCores",
}

// cde is the part "spark" of the overrides of such a run. Without overrides the
// job's definition decides, which is not in the repository.
func (d *declared) cde(v *value) {
	for _, p := range properties {
		if x, ok := v.get(cdeNames[p.key]); ok && x.why == "" {
			d.add(p.key, x.key+":", byFlag, x.val, overrides(v, x, x.key))
		}
	}
	d.gaps = append(d.gaps, gap{
		slots: v.slots, parts: v.parts, at: v.at, num: func(p property) bool { return p.unit == count },
		names: func(p property) []string {
			if name, ok := cdeNames[p.key]; ok {
				return []string{name}
			}
			return nil
		},
	})
	d.conf(v, "conf")
}

// newParameters is where sparkSubmitParameters can be added.
func (d *declared) newParameters(driver *value) {
	g := gap{at: driver.at, num: func(property) bool { return false }, names: (&submission{d: d}).names(true)}
	for _, s := range driver.slots {
		if s.op == opEntry && s.name == "" {
			s.dial = parametersDialect(s.dial)
			g.slots = append(g.slots, s)
		}
	}
	if len(g.slots) == 0 {
		g.shut = "there are no sparkSubmitParameters yet"
	}
	d.gaps = append(d.gaps, g)
}

// dataprocJobs are the kinds of Dataproc jobs that run Spark.
var dataprocJobs = map[string]bool{"pyspark_job": true, "spark_job": true, "spark_sql_job": true, "spark_r_job": true}

// dataproc is the Spark part of a Dataproc job.
func (d *declared) dataproc(job, request *value) {
	d.Hints.Application = hint(job, "main_python_file_uri", "main_jar_file_uri", "main_r_file_uri", "query_file_uri")
	d.Hints.Class = hint(job, "main_class")
	d.Hints.AppName = firstOf(hint(request.path("reference"), "job_id"), d.Hints.AppName)
	d.cluster = firstOf(hint(request.path("placement"), "cluster_name"), d.cluster)
	d.conf(job, "properties")
}

// runtimeConfig is the configuration of a Dataproc batch.
func (d *declared) runtimeConfig(batch *value) {
	rc := batch.path("runtime_config")
	if rc == nil || rc.kind != mapping {
		d.newRuntimeConfig(batch)
		return
	}
	d.conf(rc, "properties")
}

// newRuntimeConfig is where the configuration of a batch can be begun.
func (d *declared) newRuntimeConfig(batch *value) {
	g := gap{at: batch.at, num: func(property) bool { return false }, names: func(p property) []string { return []string{"runtime_config", "properties", p.key} }}
	for _, s := range batch.slots {
		if s.op == opEntry && s.name == "" && s.dial == pythonDialect {
			g.slots = append(g.slots, s)
		}
	}
	if _, set := batch.get("runtime_config"); set || len(g.slots) == 0 {
		g.shut = "the batch has no runtime_config that is spelled out"
	}
	d.gaps = append(d.gaps, g)
}

// databricks is a new cluster of a Databricks run.
func (d *declared) databricks(cluster, request *value) {
	d.Hints.AppName = firstOf(hint(request, "run_name"), d.Hints.AppName)
	task := request.path("spark_python_task")
	d.Hints.Application = firstOf(hint(task, "python_file"), d.Hints.Application)
	if x, ok := cluster.get("num_workers"); ok && x.why == "" {
		d.add("spark.executor.instances", "num_workers", byFlag, x.val, overrides(cluster, x, "num_workers"))
	}
	node := "the node type"
	if name := hint(cluster, "node_type_id"); name != "" {
		node += " " + name
	}
	d.closed = "on Databricks " + node + " decides it; choose another node type by hand"
	before := len(d.gaps)
	d.conf(cluster, "spark_conf")
	for i := range d.gaps[before:] {
		names := d.gaps[before+i].names
		d.gaps[before+i].names = func(p property) []string {
			switch p.key {
			case "spark.executor.memory", "spark.executor.cores", "spark.driver.memory", "spark.executor.instances":
				return nil
			}
			return names(p)
		}
	}
}

// dataprocProperties are the operators of Dataproc that take the properties as
// an argument, and its name.
var dataprocProperties = map[string]string{
	"DataprocCreateSparkJobOperator": "properties", "DataprocCreatePysparkJobOperator": "properties",
	"DataprocSubmitSparkJobOperator": "dataproc_properties", "DataprocSubmitPySparkJobOperator": "dataproc_properties",
	"DataProcSparkOperator": "dataproc_spark_properties", "DataProcPySparkOperator": "dataproc_pyspark_properties",
}

// dataprocForm is one of them.
func dataprocForm(c claim) []*declared {
	name, ok := dataprocProperties[c.obj.class]
	if !ok {
		return nil
	}
	d := c.base
	d.Hints.Application = hint(c.args, "main", "main_python_file_uri", "main_jar", "main_jar_file_uri")
	d.Hints.Class = hint(c.args, "main_class")
	d.conf(c.args, name)
	return []*declared{&d}
}

// glueForm is a Glue job whose arguments have no --conf yet. Its workers' type
// decides what an executor has.
func glueForm(c claim) []*declared {
	if !strings.HasSuffix(c.obj.class, "GlueJobOperator") {
		return nil
	}
	if x, ok := c.args.get("script_args"); ok && (x.why != "" || x.val.kind != mapping || x.val.path("--conf") != nil) {
		return nil
	}
	d := c.base
	d.Hints.Application = hint(c.args, "script_location")
	d.closed = "the type and number of the workers decide it; choose others by hand"
	g := gap{at: c.args.at, num: func(property) bool { return false }, names: func(p property) []string {
		if inGlue(p) {
			return []string{p.key}
		}
		return nil
	}}
	slots, path := c.args.slots, []string{"script_args", "--conf"}
	if in := c.args.path("script_args"); in != nil {
		slots, path, g.parts = in.slots, path[1:], in.parts
	}
	for _, s := range slots {
		s.dial = glueDialect(s.dial, path)
		g.slots = append(g.slots, s)
	}
	d.gaps = append(d.gaps, g)
	return []*declared{&d}
}

// inGlue reports whether a property is a Glue job's to set: the type of the
// workers decides the sizes.
func inGlue(p property) bool {
	return strings.HasPrefix(p.key, "spark.sql.") || p.key == "spark.default.parallelism"
}

// glueDialect begins a --conf argument of Glue, which holds all that is added:
// a=b --conf c=d.
func glueDialect(in *dialect, path []string) *dialect {
	return &dialect{add: func(adds []addition) []Edit {
		var all []string
		for _, a := range adds {
			all = append(all, a.path[0]+"="+a.value)
		}
		one := adds[0]
		one.path, one.num, one.like = path, false, nil
		one.value = strings.Join(all, " --conf ")
		return in.add([]addition{one})
	}}
}

// glue is the "--conf" argument of a Glue job: a=b --conf c=d.
func (d *declared) glue(v *value, params *value) {
	lead := piece{text: "--conf ", at: span{v.at.src, v.at.start, v.at.start}}
	ps := append([]piece{lead}, masked(v.pieces, params)...)
	s := d.submission(paramWords(ps))
	g := s.textGap(ps, true)
	names := g.names
	g.names = func(p property) []string {
		if !inGlue(p) {
			return nil
		}
		return names(p)
	}
	d.gaps = append(d.gaps, g)
}

// isSparkApplication reports whether a mapping is a manifest of the Spark
// operator for Kubernetes.
func isSparkApplication(v *value) bool {
	if v == nil || v.kind != mapping {
		return false
	}
	kind, _ := v.path("kind").str()
	if v.path("metadata") == nil && v.path("spec") == nil {
		return false // it only names one, as a target of Kustomize does
	}
	return kind == "SparkApplication" || kind == "ScheduledSparkApplication"
}

// specNames are the fields of spec.executor and spec.driver.
var specNames = map[string][]string{
	"spark.executor.memory":         {"executor", "memory"},
	"spark.executor.memoryOverhead": {"executor", "memoryOverhead"},
	"spark.executor.cores":          {"executor", "cores"},
	"spark.executor.instances":      {"executor", "instances"},
	"spark.driver.memory":           {"driver", "memory"},
	"spark.driver.memoryOverhead":   {"driver", "memoryOverhead"},
	"spark.driver.cores":            {"driver", "cores"},

	"spark.kubernetes.executor.request.cores": {"executor", "coreRequest"},
	"spark.kubernetes.executor.limit.cores":   {"executor", "coreLimit"},
	"spark.kubernetes.driver.request.cores":   {"driver", "coreRequest"},
	"spark.kubernetes.driver.limit.cores":     {"driver", "coreLimit"},

	"spark.dynamicAllocation.enabled":          {"dynamicAllocation", "enabled"},
	"spark.dynamicAllocation.initialExecutors": {"dynamicAllocation", "initialExecutors"},
	"spark.dynamicAllocation.minExecutors":     {"dynamicAllocation", "minExecutors"},
	"spark.dynamicAllocation.maxExecutors":     {"dynamicAllocation", "maxExecutors"},
}

// manifest is a SparkApplication: its fields beat sparkConf.
func (d *declared) manifest(v *value) {
	spec := v.path("spec")
	if kind, _ := v.path("kind").str(); kind == "ScheduledSparkApplication" {
		spec = spec.path("template")
	}
	d.Hints.AppName = hint(v.path("metadata"), "name")
	d.Hints.Application = hint(spec, "mainApplicationFile")
	d.Hints.Class = hint(spec, "mainClass")
	if spec == nil || spec.kind != mapping {
		d.closed = "the manifest has no spec"
		return
	}
	for _, p := range properties {
		names, ok := specNames[p.key]
		if !ok {
			continue
		}
		block, _ := spec.get(names[0])
		in := block.val
		if in == nil || in.kind != mapping {
			continue
		}
		if x, ok := in.get(names[1]); ok && x.why == "" {
			before := len(d.sites)
			d.add(p.key, "spec."+strings.Join(names, "."), byFlag, x.val, overrides(in, x, names[1]))
			d.within(before, x.at, block.at)
		}
		d.specGap(p, block, names[1])
	}
	for _, role := range []string{"executor", "driver"} {
		if x := spec.path(role, "javaOptions"); x != nil {
			d.add("spark."+role+".extraJavaOptions", "spec."+role+".javaOptions", byFlag, x, nil)
		}
		d.podLimit(role, false, spec.path(role, "memoryLimit"))
	}
	d.conf(spec, "sparkConf")
}

// specGap is the place for one field of a block that the manifest has. A block
// that it has not is not begun: sparkConf says the same.
func (d *declared) specGap(p property, block entry, name string) {
	d.gaps = append(d.gaps, gap{
		slots: block.val.slots, parts: block.val.parts, at: block.at, num: func(p property) bool { return p.unit == count || p.unit == truth },
		names: func(q property) []string {
			if q.key == p.key {
				return []string{name}
			}
			return nil
		},
	})
}
