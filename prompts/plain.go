package prompts

import (
	"fmt"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// Plain fills the Words from the Facts alone. It cannot fail, and what it
// writes passes [Check].
func Plain(f Facts) Words {
	w := Words{
		Overview:      plainOverview(f),
		Configuration: plainConfiguration(f),
		Health:        plainHealth(f),
		Findings:      map[string]FindingWords{},
		Changes:       map[string]ChangeWords{},
		Summary:       plainSummary(f),
	}
	for _, d := range f.Findings {
		w.Findings[d.Rule] = FindingWords{d.Flag, plainFinding(d)}
	}
	for _, c := range f.Changes {
		w.Changes[c.Key] = plainChange(c)
	}
	return w
}

func plainOverview(f Facts) string {
	if !f.has("app.runs") {
		return "No run of this job was measured."
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

func plainConfiguration(f Facts) string {
	if len(f.Config) == 0 {
		return "Unknown: no run says what it had."
	}
	return "As the newest of these runs had it."
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

// meanings say what a symptom is to someone who does not know Spark.
var meanings = map[string]string{
	"heap_oom":              "Tasks died because the data they held did not fit into the heap of their executor.",
	"container_kill":        "The platform ended executors that used more memory than their containers were given.",
	"spill":                 "Data that did not fit into memory was written to disk and read again.",
	"gc_pressure":           "Executors spent their time on freeing memory instead of on tasks.",
	"tiny_tasks":            "Most of the time of such tasks goes into scheduling them.",
	"user_code":             "The failures come from the code of the job, which no size can change.",
	"preemption":            "Work of the executors that went was done again.",
	"skew":                  "The stage lasts as long as its longest task, whatever the others do.",
	"dead_configuration":    "What these settings say does not happen.",
	"driver_bound":          "The executors are reserved, and wait.",
	"idle_executors":        "Fewer executors do the same work.",
	"too_few_executors":     "More executors share the work.",
	"dynamic_allocation":    "A bound lets the application hold more than its work needs.",
	"measuring":             "Nobody can say what such a job needs.",
	"filled_heap":           "A collector fills the heap that it is given.",
	"over_provisioned_heap": "The executors reserve memory that they never came near to using.",
}

func plainFinding(d FindingFact) string {
	s := ref(d.Reason.ID) + "."
	if meaning := meanings[d.Rule]; d.Flag == FlagAction && meaning != "" {
		s += " " + meaning
	}
	return s
}

// impacts say what a change of a property does when a rule asks for it.
var impacts = map[string]string{
	"heap_oom/spark.executor.memory":                          "Each executor gets a larger heap, so that tasks stop dying of OutOfMemoryError.",
	"heap_oom/spark.executor.cores":                           "Fewer tasks share a heap, so that each gets more of it.",
	"container_kill/spark.executor.memoryOverhead":            "Containers get room for memory outside the heap, so that the platform stops killing them.",
	"spill/spark.sql.shuffle.partitions":                      "Each task sorts or aggregates less data at a time, so that it fits into memory.",
	"spill/spark.executor.memory":                             "Each task gets more memory to sort and aggregate in.",
	"spill/spark.executor.cores":                              "Fewer tasks share a heap, so that each gets more of it.",
	"gc_pressure/spark.executor.memory":                       "The heap fills up less often, so that less time goes into collecting garbage.",
	"gc_pressure/spark.executor.cores":                        "Fewer tasks fill the same heap, so that less time goes into collecting garbage.",
	"tiny_tasks/spark.sql.shuffle.partitions":                 "Fewer and larger tasks, so that less time goes into scheduling.",
	"idle_executors/spark.executor.instances":                 "Executors that the work does not need go back to the cluster.",
	"too_few_executors/spark.executor.instances":              "Tasks wait for fewer others before them.",
	"dynamic_allocation/spark.dynamicAllocation.maxExecutors": "The application takes no more executors at a time than its work needs.",
	"dynamic_allocation/spark.dynamicAllocation.minExecutors": "Executors without work go back to the cluster.",
	"measuring/spark.eventLog.logStageExecutorMetrics":        "The peaks of memory are kept with every stage.",
	"measuring/spark.executor.metrics.pollingInterval":        "Memory is sampled often enough to see short peaks.",
	"measuring/spark.executor.processTreeMetrics.enabled":     "Memory outside the heap is sampled too.",
	"filled_heap/spark.executor.memoryOverhead":               keepsOverhead,
	"over_provisioned_heap/spark.executor.memoryOverhead":     keepsOverhead,
	"filled_heap/spark.executor.memory":                       "A bounded step to find out what the heap needs; the next runs are compared.",
	"over_provisioned_heap/spark.executor.memory":             "The heap keeps a margin over the largest peak that was measured; the rest goes back to the cluster.",
}

const keepsOverhead = "What lies outside the heap keeps the room it has today."

func plainChange(c ChangeFact) ChangeWords {
	impact, ok := impacts[c.Rule+"/"+c.Key]
	if !ok {
		impact = "Keeps the number of task slots of the application."
	}
	why := "A step up that the next runs can prove or disprove."
	switch {
	case c.Purpose == string(analysis.Keeping):
		why = "It follows a value that changes, so it is written out as it is."
	case c.Direction == "down":
		why = "No further than the measured runs allow."
	}
	return ChangeWords{Explanation: why, Impact: impact}
}

func plainSummary(f Facts) string {
	if len(f.Changes) == 0 {
		return "No change is proposed."
	}
	var parts []string
	for _, c := range f.Changes {
		parts = append(parts, fmt.Sprintf("%s from %s to %s", ref(c.Name.ID), ref(c.From.ID), ref(c.To.ID)))
	}
	s := "Change " + strings.Join(parts, ", ") + "."
	switch {
	case !f.has("effect.memory.delta"):
		return s
	case f.Resolve(ref("effect.memory.before")) == f.Resolve(ref("effect.memory.after")):
		return s + fmt.Sprintf(" Reserved memory per run stays as it was, %s.", ref("effect.memory.before"))
	}
	s += fmt.Sprintf(" Reserved memory per run goes from %s to %s (%s)", ref("effect.memory.before"), ref("effect.memory.after"), ref("effect.memory.delta"))
	if f.has("effect.month") {
		s += ", " + ref("effect.month") + " per month"
	}
	return s + ", if the runs last as long as before."
}
