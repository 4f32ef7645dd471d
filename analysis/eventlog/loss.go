package eventlog

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// lossTexts are what Spark and its cluster managers write when an executor
// goes, in lower case; the first entry that has one of its texts in the reason
// wins.
var lossTexts = []struct {
	cause string
	texts []string
}{
	{analysis.LossContainerMemory, []string{
		"for exceeding memory limits",        // YARN, Spark 2
		"exceeding physical memory limits",   // YARN, Spark 3 and later
		"exceeding virtual memory limits",    //
		"beyond physical memory limits",      // YARN's own diagnostics
		"beyond virtual memory limits",       //
		"beyond the 'physical' memory limit", //
		"beyond the 'virtual' memory limit",  //
		"oomkilled",                          // Kubernetes, of a container
	}},
	{analysis.LossHeapOOM, []string{"outofmemoryerror: java heap space", "outofmemoryerror: gc overhead limit exceeded"}},
	{analysis.LossUnclear, []string{"outofmemoryerror: ", "outofdirectmemoryerror"}}, // of other memory
	{analysis.LossScaleDown, []string{
		"executor killed by driver",
		"explicit termination request",
		"exited after application shutdown",
		"executor decommission: spark scale down",
		"executor decommission: rolling via", // Kubernetes: the application replaces its executors in turn
	}},
	{analysis.LossPreempted, []string{
		"preempted",
		"on a *lost* node",
		"executor decommission: ", "finished decommissioning",
		"worker lost", "worker decommission",
		"was deleted by a user or the framework",
		"was not found in the cluster",
		"node shutdown", "node is shutting", "brief reason: shutdown", "brief reason: nodelost",
	}},
	{analysis.LossUnclear, []string{"brief reason: "}}, // Kubernetes ended the pod: a full disk, a node without memory
}

// lossCodes are exit codes that tell something: YARN's for memory beyond the
// physical and virtual limit, for a lost node and for preemption, Spark's for an
// OutOfMemoryError, and those of signals. Kubernetes' "possible container OOM"
// stands with every 137 and says no more than that: EMR's -XX:OnOutOfMemoryError
// is a kill -9, so that a full heap ends with it as well.
var lossCodes = map[string]string{
	"-104": analysis.LossContainerMemory, "-103": analysis.LossContainerMemory,
	"52":   analysis.LossHeapOOM,
	"-100": analysis.LossPreempted, "-102": analysis.LossPreempted,
	"137": analysis.LossSignal, "143": analysis.LossSignal,
}

var exitCode = regexp.MustCompile(`(?:exit status|exit code|exitcode|exited with code)(?: is)?[:=]? *\(?(-?[0-9]+)`)

// noSigns look like signs and are none: flags of the JVM, such as
// HeapDumpOnOutOfMemoryError, in a command that is cited, and a pod that
// Kubernetes says nothing of.
var noSigns = []string{"onoutofmemoryerror", "brief reason: n/a", "brief reason: null"}

// lossCause is the class of a reason for which an executor was removed.
func lossCause(reason string) string {
	cause, _ := lossSign(reason)
	return cause
}

// lossSign is the class of such a reason, and where in it the sign of that ends.
func lossSign(reason string) (cause string, end int) {
	reason = lower(clip(reason, 64*maxText))
	for _, c := range lossTexts {
		for _, t := range c.texts {
			if i := strings.Index(reason, t); i >= 0 {
				return c.cause, i + len(t)
			}
		}
	}
	cause = analysis.LossUnclear
	for _, m := range exitCode.FindAllStringSubmatchIndex(reason, -1) {
		if c := lossCodes[reason[m[2]:m[3]]]; moreTelling(cause, c) != cause {
			cause, end = c, m[3]
		}
	}
	if at := strings.Index(reason, killed); cause == analysis.LossUnclear && at >= 0 {
		return analysis.LossSignal, at + len(killed)
	}
	return cause, end
}

// killed is what YARN writes beside the exit code of a signal.
const killed = "killed by external signal"

// lower makes ASCII letters small, and blanks out what is no sign: every byte
// stays where it is.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	s = string(b)
	for _, t := range noSigns {
		s = strings.ReplaceAll(s, t, strings.Repeat(" ", len(t)))
	}
	return s
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

// evidence keeps the first few distinct messages of failures, of every cause at
// least the first.
type evidence struct {
	texts []string
	of    []string // the cause of each
	seen  map[string]bool
}

const (
	maxEvidence     = 8 // as many as there are causes
	maxEvidenceText = 300
	halfEvidence    = maxEvidenceText/2 - 6 // of a text that is made of two
)

// add takes a message in unless one like it is there: container ids, times,
// addresses and task numbers make no new message. The first of a cause takes the
// place of the last message of the cause that has most, where there is no room;
// "" is the cause of a message that only repeats what tasks said.
func (e *evidence) add(cause, text string) {
	full := len(e.texts) >= maxEvidence
	if full && (cause == "" || slices.Contains(e.of, cause)) {
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
	if full {
		i := e.spare()
		e.texts, e.of = slices.Delete(e.texts, i, i+1), slices.Delete(e.of, i, i+1)
	}
	if e.seen == nil {
		e.seen = make(map[string]bool)
	}
	e.seen[kind] = true
	e.texts, e.of = append(e.texts, text), append(e.of, cause)
}

// spare is the last message of the cause that has most; of two, the one whose
// last comes later.
func (e *evidence) spare() int {
	count := make(map[string]int)
	for _, c := range e.of {
		count[c]++
	}
	last := 0
	for i, c := range e.of {
		if count[c] >= count[e.of[last]] {
			last = i
		}
	}
	return last
}

// excerpt is the start of a text, and where that does not reach it, what
// stands before end.
func excerpt(text string, end int) string {
	if end <= maxEvidenceText {
		return text
	}
	return clip(text, halfEvidence) + " ... " + strings.ToValidUTF8(text[end-halfEvidence:end], "")
}
