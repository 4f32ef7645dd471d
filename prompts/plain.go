package prompts

import (
	"fmt"
	"strings"
)

// Words are the prose of one report. Every value in them is a reference to a
// fact, "{{fact:ID}}".
type Words struct {
	Overview string            `json:"overview"`
	Health   string            `json:"health"`
	Impact   map[string]string `json:"impact"` // by property: what the change will do
	Summary  string            `json:"summary"`
}

// Plain fills the Words from the Facts alone. It cannot fail.
func Plain(f Facts) Words {
	return Words{
		Overview: plainOverview(f),
		Health:   plainHealth(f),
		Impact:   plainImpact(f),
		Summary:  plainSummary(f),
	}
}

func ref(id string) string { return "{{fact:" + id + "}}" }

func plainOverview(f Facts) string {
	if !f.has("app.runs") {
		return ""
	}
	s := fmt.Sprintf("%s runs from %s to %s", ref("app.runs"), ref("app.first"), ref("app.last"))
	if f.has("app.duration") {
		s += ", median " + ref("app.duration")
	}
	if f.has("app.failed") {
		s += ", " + ref("app.failed") + " of them failed"
	}
	return s + "."
}

func plainHealth(f Facts) string {
	for _, c := range []struct {
		flag Flag
		text string
	}{
		{FlagAction, "Something is wrong with its sizes, and measured well enough to act."},
		{FlagAbstained, "Not judged."},
		{FlagNotMeasured, "Nothing wrong was seen; part of it is not measured."},
	} {
		for _, d := range f.Findings {
			if d.Flag == c.flag {
				return c.text
			}
		}
	}
	return "Nothing wrong was seen."
}

// impacts say what a change of a property does when a rule asks for it.
var impacts = map[string]string{
	"heap_oom/spark.executor.memory":               "Each executor gets a larger heap, so that tasks stop dying of OutOfMemoryError.",
	"heap_oom/spark.executor.cores":                "Fewer tasks share one heap, so that each gets more of it.",
	"container_kill/spark.executor.memoryOverhead": "Containers get room for memory outside the heap, so that the platform stops killing them.",
	"spill/spark.sql.shuffle.partitions":           "Each task sorts or aggregates less data at a time, so that it fits into memory.",
	"spill/spark.executor.memory":                  "Each task gets more memory to sort and aggregate in.",
	"spill/spark.executor.cores":                   "Fewer tasks share one heap, so that each gets more of it.",
	"gc_pressure/spark.executor.memory":            "A larger heap is collected less often.",
	"gc_pressure/spark.executor.cores":             "Fewer tasks share one heap, so that it is collected less often.",
	"tiny_tasks/spark.sql.shuffle.partitions":      "Fewer, larger tasks: less time goes into scheduling them.",
	"idle_executors/spark.executor.instances":      "The executors that never had a task go back to the cluster.",
	"over_provisioned_heap/spark.executor.memory":  "The heap keeps a margin over the largest peak that was measured; the rest goes back to the cluster.",
}

func plainImpact(f Facts) map[string]string {
	m := make(map[string]string)
	for _, c := range f.Changes {
		text, ok := impacts[c.Rule+"/"+c.Key]
		if !ok {
			text = "Keeps the number of task slots."
		}
		m[c.Key] = text
	}
	return m
}

func plainSummary(f Facts) string {
	if len(f.Changes) == 0 {
		return "No change is proposed."
	}
	var parts []string
	for _, c := range f.Changes {
		parts = append(parts, fmt.Sprintf("%s from %s to %s", c.Key, ref(c.From.ID), ref(c.To.ID)))
	}
	s := "Change " + strings.Join(parts, ", ") + "."
	if f.has("effect.memory.delta") {
		s += fmt.Sprintf(" Reserved memory per run goes from %s to %s (%s)", ref("effect.memory.before"), ref("effect.memory.after"), ref("effect.memory.delta"))
		if f.has("effect.month") {
			s += ", " + ref("effect.month") + " per month"
		}
		s += ", if the runs last as long as before."
	}
	return s
}

// Resolve replaces the references of a text by their facts. A reference to a
// fact that does not exist is a bug of the writer, and shown as such.
func (f Facts) Resolve(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "{{fact:")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		id, after, _ := strings.Cut(rest, "}}")
		if fact, ok := f.find(id); ok {
			b.WriteString(fact.Text)
		} else {
			b.WriteString("(no such fact)")
		}
		text = after
	}
}

func (f Facts) has(id string) bool {
	_, ok := f.find(id)
	return ok
}

func (f Facts) find(id string) (Fact, bool) {
	for _, fact := range f.all() {
		if fact.ID == id {
			return fact, true
		}
	}
	return Fact{}, false
}

// all are the facts in the order of the report.
func (f Facts) all() []Fact {
	all := append([]Fact(nil), f.Overview...)
	all = append(all, f.Config...)
	for _, d := range f.Findings {
		all = append(all, d.Reason)
		all = append(all, d.Evidence...)
	}
	for _, c := range f.Changes {
		all = append(all, c.From, c.To)
	}
	return append(all, f.Effect...)
}
