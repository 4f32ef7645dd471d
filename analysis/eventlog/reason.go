package eventlog

import (
	"bytes"
	"cmp"
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

// told is the class of a failure, and the text that tells it.
func (r *endReason) told(offHeap bool) (cause, text string) {
	switch r.Reason {
	case endException:
		return r.thrown(offHeap), r.exception()
	case endExecutorLost:
		cause, at := lossSign(r.Loss)
		return cause, excerpt(r.Loss, at)
	case endFetchFailed:
		cause = analysis.LossFetchFailed
	}
	return cmp.Or(cause, analysis.LossUnclear), strings.TrimSuffix(r.Reason+": "+r.Message, ": ")
}

// thrown is the class of an exception.
func (r *endReason) thrown(offHeap bool) string {
	switch {
	case r.heapOOM(offHeap):
		return analysis.LossHeapOOM
	case r.ofCode():
		return analysis.LossUserCode
	}
	return analysis.LossUnclear
}

// sparkException wraps whatever happens in a task; by itself it says nothing: a
// Python worker that died, a broadcast that is lost.
const sparkException = "org.apache.spark.SparkException"

// platformErrors are classes of exceptions that disks, networks, stores, native
// memory and Spark itself cause as well as the code: they prove nothing.
var platformErrors = []string{
	"java.io.", "java.net.", "java.nio.", "java.rmi.", "java.sql.", "java.util.zip.", "javax.net.", "sun.nio.",
	"java.util.concurrent.TimeoutException", "java.lang.InterruptedException", "java.lang.InternalError", javaOOM,
	"org.apache.hadoop.", "org.apache.parquet.", "org.apache.orc.", "org.apache.kafka.", "org.apache.arrow.memory.", "org.apache.thrift.",
	"org.apache.spark.shuffle.", "org.apache.spark.storage.", "org.apache.spark.rpc.", "org.apache.spark.network.", "org.apache.spark.memory.",
	"org.apache.spark.SparkFileNotFoundException", "org.apache.spark.TaskKilledException", "org.apache.spark.util.TaskCompletionListenerException",
	"org.apache.http.", "org.apache.hc.", "okhttp3.", "io.netty.", "io.grpc.",
	"com.amazonaws.", "com.amazon.", "software.amazon.", "com.google.cloud.", "com.google.api.", "com.azure.", "com.microsoft.azure.", "com.databricks.",
	"com.nvidia.", "ai.rapids.", "com.github.luben.zstd.", "com.ning.compress.", "net.jpountz.", "org.xerial.snappy.", "com.esotericsoftware.",
}

func ofPlatform(class string) bool {
	return slices.ContainsFunc(platformErrors, func(p string) bool { return strings.HasPrefix(class, p) })
}

// ofCode says whether an exception is of the code that ran: where one of its
// causes is of the platform, or where nobody says what it was, it may be either's.
func (r *endReason) ofCode() bool {
	if r.python() {
		return !pythonPlatform(r.Description)
	}
	root := cmp.Or(r.Trace.root, r.Class)
	return root != "" && root != sparkException && !ofPlatform(r.Class) && !r.Trace.platform
}

const pythonException = ".PythonException"

// python says whether Python code raised. What it wrote is the user's text and
// proves nothing of the JVM, and neither does what then became of its socket.
func (r *endReason) python() bool { return strings.HasSuffix(r.Class, pythonException) }

// pythonErrors are of the platform as platformErrors are, and of memory, which a
// limit of the worker takes away as well as the code.
var pythonErrors = []string{
	"OSError", "IOError", "FileNotFoundError", "PermissionError", "BrokenPipeError", "TimeoutError", "ConnectionError",
	"ConnectionResetError", "ConnectionRefusedError", "ConnectionAbortedError", "MemoryError",
	"numpy.core._exceptions._ArrayMemoryError", "numpy.core._exceptions.MemoryError", "numpy._core._exceptions._ArrayMemoryError", "pyarrow.lib.ArrowMemoryError",
	"socket.", "ssl.", "http.client.", "urllib.error.", "urllib3.", "requests.", "botocore.", "google.api_core.", "google.auth.", "azure.",
}

// pythonPlatform looks for such an error at the end of a traceback, or of one
// that led to it: their own lines are not indented.
func pythonPlatform(traceback string) bool {
	for line := range strings.Lines(traceback) {
		if slices.ContainsFunc(pythonErrors, func(p string) bool { return strings.HasPrefix(line, p) }) {
			return true
		}
	}
	return false
}

// exception is its class and description, and the cause that tells most.
func (r *endReason) exception() string {
	text := r.Class + ": " + r.description()
	if r.Trace.cause == "" || r.python() {
		return text
	}
	return clip(text, halfEvidence) + "; caused by " + r.Trace.cause
}

// description is the exception's own; of a Python traceback the last line.
func (r *endReason) description() string {
	if !r.python() {
		return r.Description
	}
	text := strings.TrimSpace(r.Description)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

const javaOOM = "java.lang.OutOfMemoryError"

// fullHeap are the messages of javaOOM that speak of the heap; others speak of
// what is not on it, or of what no heap has room for: threads, class metadata,
// direct buffers, an array larger than any JVM's.
var fullHeap = []string{"Java heap space", "GC overhead limit exceeded"}

// memory is what an error says is full.
type memory int

const (
	noMemory memory = iota
	heapMemory
	unifiedMemory // Spark's own, for execution: of the heap, or off it
	otherMemory
)

// memoryOf is what memory an error with such a message says is full.
func memoryOf(class, message string) memory {
	switch {
	case class == javaOOM && slices.ContainsFunc(fullHeap, func(t string) bool { return strings.HasPrefix(message, t) }):
		return heapMemory
	case class == javaOOM && strings.HasPrefix(message, "Unable to acquire "): // before Spark 2.4
		return unifiedMemory
	case strings.HasSuffix(class, ".SparkOutOfMemoryError") && !strings.Contains(message, "rror while calling spill() on "): // a disk
		return unifiedMemory
	case class == javaOOM, strings.HasSuffix(class, ".SparkOutOfMemoryError"), strings.HasSuffix(class, ".OutOfDirectMemoryError"):
		return otherMemory
	}
	return noMemory
}

// full says whether the exception, or a cause of it, says that such memory is.
func (r *endReason) full(m memory) bool {
	if r.Reason != endException || r.python() {
		return false
	}
	return memoryOf(r.Class, r.Description) == m || r.Trace.full[m]
}

// heapOOM says whether the task reported a full heap; offHeap is whether Spark
// executes off it.
func (r *endReason) heapOOM(offHeap bool) bool {
	return r.full(heapMemory) || r.full(unifiedMemory) && !offHeap
}

// otherOOM says whether the task reported an OutOfMemoryError of something else
// than the heap.
func (r *endReason) otherOOM() bool { return r.full(otherMemory) }

// A trace is what the causes in a stack trace say.
type trace struct {
	full     [otherMemory + 1]bool
	platform bool
	root     string // class of the last cause
	cause    string // the last one, or one that says what memory is full
}

const causedBy = "Caused by: "

// UnmarshalJSON goes through the causes.
func (t *trace) UnmarshalJSON(b []byte) error {
	if !bytes.Contains(b, []byte(causedBy)) && !bytes.Contains(b, []byte(`\u`)) {
		return nil // not even in an escaped spelling
	}
	var text string
	err := json.Unmarshal(b, &text)
	for line := range strings.Lines(text) {
		if cause, ok := strings.CutPrefix(line, causedBy); ok {
			t.add(strings.TrimSpace(cause))
		}
	}
	return err
}

func (t *trace) add(cause string) {
	class, message, _ := strings.Cut(cause, ": ")
	m := memoryOf(class, message)
	if m != noMemory || !slices.Contains(t.full[1:], true) {
		t.cause = strings.Clone(clip(cause, halfEvidence))
	}
	t.full[m] = true
	t.platform = t.platform || ofPlatform(class)
	t.root = strings.Clone(clip(class, maxID))
}
