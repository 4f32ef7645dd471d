package analysis

import "fmt"

var adaptiveExecution = Rule{
	Name:  "adaptive_execution",
	Title: "adaptive query execution",
	Doc: `The application runs SQL on Spark 3.0 or later with adaptive execution off, or
with its merging of small partitions off.

It sizes shuffle partitions by what was measured and splits skewed joins; it also
changes plans, and with them the order of results and the number of files, so a
person decides. On by default since Spark 3.2.`,
	Needs:  []string{"sql_executions", "spark_version"},
	Keys:   []string{keyAdaptive, keyCoalesce},
	Advice: true,
	eval:   evalAdaptive,
}

func evalAdaptive(p *Profile, _ Policy) Finding {
	c := p.Conf()
	n := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.SQLExecutions })
	ev := []Evidence{{"sql_executions", "SQL executions, most in a run", float64(n.V), "count"}}
	switch {
	case n.V == 0:
		return silent("no SQL ran")
	case older(p.Newest().SparkVersion, 3, 0):
		return silent("Spark before 3.0 has none to speak of")
	case !p.adaptive():
		return advises(fmt.Sprintf("adaptive execution is off in an application of %s", plural(int(n.V), "SQL execution")), ev, Change{Key: keyAdaptive, To: "true", Confidence: Medium})
	case c.set(keyCoalesce) && !c.Bool(keyCoalesce).V:
		return advises("adaptive execution may not merge small partitions", ev, Change{Key: keyCoalesce, To: "true", Confidence: Medium})
	}
	return silent("adaptive execution is on", ev...)
}
