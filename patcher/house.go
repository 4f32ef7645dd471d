package patcher

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// houseForm is an operator or helper from outside the repository that takes
// SparkSubmitOperator's size arguments. It is not known which others it takes,
// so nothing is added to it but entries of a configuration that is there. In a
// file that has nothing to do with Airflow such a call is the job's own code.
func houseForm(c claim) []*declared {
	if strings.HasPrefix(c.obj.class, "Spark") && !strings.Contains(c.obj.class, "Operator") || c.obj.why == "pyspark.sql" {
		return nil
	}
	_, task := c.args.get("task_id")
	if !c.sized() || c.obj.class == "dict" || !task && !bytes.Contains(c.obj.at.src.text, []byte("airflow")) {
		return nil
	}
	d := c.base
	d.Hints.Application = hint(c.args, "application", "application_file", "file", "job_path")
	d.keywords(c.args, submitKeywords, false)
	for _, x := range c.args.entries {
		if x.why == "" && x.val.kind == mapping && holdsSpark(x.val) && !notConfiguration[x.key] {
			d.confGap(x.val, x, x.key)
		}
	}
	d.notBeside()
	d.closed = "it is not known which arguments " + c.obj.class + " takes; add it by hand"
	return []*declared{&d}
}

// sized reports whether a call has one of SparkSubmitOperator's size arguments.
func (c claim) sized() bool {
	return slices.ContainsFunc(c.obj.args.entries, func(x entry) bool {
		return slices.ContainsFunc(properties, func(p property) bool { return p.kwarg != "" && p.kwarg == x.key })
	})
}

// notBeside keeps a size out of the configuration of a call whose sizes are
// arguments: the argument that is left out may have a default that wins.
func (d *declared) notBeside() {
	for i, g := range d.gaps {
		d.gaps[i].names = func(p property) []string {
			if p.kwarg != "" {
				return nil
			}
			return g.names(p)
		}
	}
}

// pysparkForm is a function decorated with @task.pyspark: config_kwargs goes
// to the SparkSession, there are no flags.
func pysparkForm(c claim) []*declared {
	if c.obj.class != "pyspark" {
		return nil
	}
	d := c.base
	d.Operator = "@task.pyspark"
	if len(c.args.slots) == 0 {
		d.closed = "the decorator has no arguments yet; add config_kwargs by hand"
		return []*declared{&d}
	}
	d.conf(c.args, "config_kwargs")
	return []*declared{&d}
}

// isPairs reports whether a list is one of (option, value) pairs for
// spark-submit.
func isPairs(v *value) bool {
	return slices.ContainsFunc(v.items, func(x *value) bool {
		if x.kind != sequence || len(x.items) != 2 {
			return false
		}
		name, _ := x.items[0].str()
		val, _ := x.items[1].str()
		return name == "conf" && strings.HasPrefix(val, "spark.") || flagsWithValue[name] && strings.HasSuffix(name, "memory") ||
			strings.HasPrefix(name, "spark.") && x.items[1].kind == scalar
	})
}

// pairs reads a list of (option, value) pairs; the last of a name wins.
func (d *declared) pairs(v *value) {
	s := &submission{d: d}
	plain := false // a pair names the property itself
	over := func(p property, name string) []addition {
		var out []addition
		for _, sl := range v.slots {
			if sl.op == opConcat {
				out = append(out, addition{slot: sl, path: pairNames(p, name == "conf", strings.HasPrefix(name, "spark."))})
			}
		}
		return out
	}
	for _, x := range v.items {
		if x.kind != sequence || len(x.items) != 2 {
			why := "an option is computed at run time: " + shorten(x.at.String())
			for _, site := range d.sites {
				site.Dynamic = cmp.Or(site.Dynamic, "it may be overridden: "+why)
			}
			d.open = append(d.open, open{why: why, at: x.at, conf: true, flags: true})
			continue
		}
		name, ok := x.items[0].str()
		before := len(d.sites)
		switch {
		case !ok || x.items[1].kind != scalar:
		case strings.HasPrefix(name, "spark."):
			plain = true
			d.add(name, name, byConf, x.items[1], nil)
		default:
			s.set(name, x.items[1], word{pieces: x.items[0].pieces})
		}
		for _, site := range d.sites[before:] {
			site.over = over(propertyOf(site.Key), name)
			for i := range site.over {
				site.over[i].like = x.items[1]
			}
		}
	}
	slots := slices.DeleteFunc(slices.Clone(v.slots), func(s slot) bool { return s.op == opList })
	d.gaps = append(d.gaps, gap{
		slots: slots, parts: v.parts, at: v.at, num: func(property) bool { return false },
		names: func(p property) []string {
			return pairNames(p, p.flag == "" || s.confs && !s.flags, plain && !s.flags && !s.confs)
		},
	})
}

func pairNames(p property, conf, plain bool) []string {
	switch {
	case plain:
		return []string{p.key}
	case conf:
		return []string{"conf", p.key}
	}
	return []string{p.flag}
}
