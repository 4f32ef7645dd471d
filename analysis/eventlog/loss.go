package eventlog

import (
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// lossTexts are what Spark and its cluster managers write when an executor
// goes, in lower case; the first entry that has one of its texts in the reason
// wins. An exit code alone is the weakest sign and stands at the end.
var lossTexts = []struct {
	cause string
	texts []string
}{
	{analysis.LossContainerMemory, []string{
		"for exceeding memory limits",          // YARN, Spark 2
		"exceeding physical memory limits",     // YARN, Spark 3 and later
		"exceeding virtual memory limits",      //
		"beyond physical memory limits",        // YARN's own diagnostics
		"beyond virtual memory limits",         //
		"beyond the 'physical' memory limit",   //
		"beyond the 'virtual' memory limit",    //
		"oomkilled",                            // Kubernetes
		"possible container oom",               // Kubernetes, exit code 137
		"exit status: -104", "exit code: -104", // YARN: physical memory
		"exit status: -103", "exit code: -103", // YARN: virtual memory
	}},
	{analysis.LossHeapOOM, []string{
		"outofmemoryerror", "jvm oom",
		"exit status: 52", "exit code 52", "exit code: 52", "exited with code 52", "exitcode: 52",
	}},
	{analysis.LossScaleDown, []string{
		"executor killed by driver",
		"explicit termination request",
		"exited after application shutdown",
		"executor decommission: spark scale down",
	}},
	{analysis.LossPreempted, []string{
		"preempted",
		"on a *lost* node", "exit status: -100", "exit status: -102",
		"executor decommission", "finished decommissioning",
		"worker lost", "worker decommission",
		"was deleted by a user or the framework",
		"was not found in the cluster at the polling time",
	}},
	{analysis.LossSignal, []string{
		"exit status: 143", "exit code 143", "exit code is 143", "exit code: 143", "exited with code 143",
		"exit status: 137", "exit code 137", "exit code is 137", "exit code: 137", "exited with code 137",
		"killed by external signal",
	}},
}

// lossCause is the class of a reason for which an executor was removed.
func lossCause(reason string) string {
	reason = strings.ToLower(clip(reason, 64*maxText))
	for _, c := range lossTexts {
		if slices.ContainsFunc(c.texts, func(t string) bool { return strings.Contains(reason, t) }) {
			return c.cause
		}
	}
	return analysis.LossUnclear
}

// lossOrder ranks causes by how much they tell, for an executor whose removal
// is reported more than once.
var lossOrder = []string{
	"", analysis.LossUnclear, analysis.LossScaleDown, analysis.LossSignal,
	analysis.LossPreempted, analysis.LossHeapOOM, analysis.LossContainerMemory,
}

func moreTelling(a, b string) string {
	if slices.Index(lossOrder, b) > slices.Index(lossOrder, a) {
		return b
	}
	return a
}

// evidence keeps the first few distinct messages of failures.
type evidence struct {
	texts []string
	seen  map[string]bool
}

const (
	maxEvidence     = 8
	maxEvidenceText = 300
)

// add takes a message in unless one like it is there: container ids, times,
// addresses and task numbers make no new message.
func (e *evidence) add(text string) {
	if len(e.texts) >= maxEvidence {
		return
	}
	text = strings.TrimSpace(clip(text, maxEvidenceText))
	kind := strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' || 'a' <= r && r <= 'f' {
			return -1 // decimal and hexadecimal numbers
		}
		return r
	}, text)
	if kind == "" || e.seen[kind] {
		return
	}
	if e.seen == nil {
		e.seen = make(map[string]bool)
	}
	e.seen[kind] = true
	e.texts = append(e.texts, text)
}
