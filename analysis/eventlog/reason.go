package eventlog

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

type endReason struct {
	Reason      string
	Class       string `json:"Class Name"`
	Description string
	Trace       trace `json:"Full Stack Trace"`
	Message     string
	Loss        string `json:"Loss Reason"`
	CausedByApp *bool  `json:"Exit Caused By App"`
}

// Reasons of a task's end that are told apart.
const (
	endSuccess      = "Success"
	endResubmitted  = "Resubmitted" // repeats a finished task whose output is lost
	endKilled       = "TaskKilled"
	endCommitDenied = "TaskCommitDenied"
	endException    = "ExceptionFailure"
	endFetchFailed  = "FetchFailed"
	endExecutorLost = "ExecutorLostFailure"
)

func (r *endReason) text() string {
	switch r.Reason {
	case endException:
		return r.Class + ": " + r.description()
	case endExecutorLost:
		return r.Loss
	}
	return strings.TrimSuffix(r.Reason+": "+r.Message, ": ")
}

// cause is the class of a failure.
func (r *endReason) cause() string {
	switch {
	case r.heapOOM():
		return analysis.LossHeapOOM
	case r.Reason == endFetchFailed:
		return analysis.LossFetchFailed
	case r.Reason == endExecutorLost:
		return lossCause(r.Loss)
	case r.Reason == endException && !slices.ContainsFunc(platformErrors, func(p string) bool { return strings.HasPrefix(r.Class, p) }):
		return analysis.LossUserCode
	}
	return analysis.LossUnclear
}

// platformErrors are classes of exceptions that disks, networks and Spark itself
// cause as well as the code: they prove nothing.
var platformErrors = []string{
	"java.io.", "java.net.", "java.nio.", javaOOM,
	"org.apache.hadoop.", "org.apache.spark.shuffle.", "org.apache.spark.storage.", "org.apache.spark.rpc.",
}

const pythonException = ".PythonException"

// description is the exception's own; of a Python traceback the last line.
func (r *endReason) description() string {
	if !strings.HasSuffix(r.Class, pythonException) {
		return r.Description
	}
	text := strings.TrimSpace(r.Description)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

const javaOOM = "java.lang.OutOfMemoryError"

// offHeapOOM are parts of the messages of an OutOfMemoryError that no heap has to
// do with: threads, class metadata, direct buffers, an array larger than any JVM's.
var offHeapOOM = []string{
	"native thread", "Metaspace", "Compressed class space",
	"irect buffer memory", "Requested array size exceeds VM limit",
}

// heapOOM says whether the task reported a full heap: by the class of its
// exception, or by a cause of it. What a Python worker wrote is the user's text
// and proves nothing.
func (r *endReason) heapOOM() bool {
	switch {
	case r.Reason != endException, r.otherOOM():
		return false
	case r.Class == javaOOM, strings.HasSuffix(r.Class, ".SparkOutOfMemoryError"):
		return true
	}
	return !strings.HasSuffix(r.Class, pythonException) && r.Trace.heapOOM
}

// otherOOM says whether the task reported an OutOfMemoryError of something else
// than the heap.
func (r *endReason) otherOOM() bool {
	return r.Class == javaOOM && slices.ContainsFunc(offHeapOOM, func(t string) bool { return strings.Contains(r.Description, t) })
}

// A trace is what a stack trace says about memory.
type trace struct{ heapOOM bool }

// UnmarshalJSON looks for a full heap among the causes.
func (t *trace) UnmarshalJSON(b []byte) error {
	if !bytes.Contains(b, []byte("OutOfMemoryError")) && !bytes.Contains(b, []byte(`\u`)) {
		return nil // not even in an escaped spelling
	}
	var text string
	err := json.Unmarshal(b, &text)
	t.heapOOM = strings.Contains(text, "\nCaused by: "+javaOOM+": Java heap space")
	return err
}
