package eventlog

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// broadcastOOM is what Spark makes of one while it builds a broadcast.
const broadcastOOM = "Not enough memory to build and broadcast the table"

// ofTasks matches errors of the executors' work, and of what somebody
// cancelled: they reach the driver, and are none of its own.
var ofTasks = regexp.MustCompile(`Job aborted due to stage failure|\bJob \d+ cancelled`)

// serialization is the one task error that happens on the driver.
const serialization = "Task serialization failed: "

// userErrors are exceptions that the text of a query causes, unless they wrap
// what a metastore or a file system did.
var userErrors = []string{
	"org.apache.spark.sql.AnalysisException",
	"org.apache.spark.sql.catalyst.ExtendedAnalysisException",
	"org.apache.spark.sql.catalyst.parser.ParseException",
	"org.apache.spark.sql.execution.QueryExecutionException",
}

// driverFailure is the class of an error with which a job or SQL execution
// ended, when it is the driver's own; else "".
func driverFailure(message string) string {
	switch {
	case message == "":
		return ""
	case strings.Contains(message, serialization+javaOOM):
		return analysis.LossHeapOOM
	case ofTasks.MatchString(message):
		return ""
	case strings.Contains(message, broadcastOOM), throwsFullHeap(message):
		return analysis.LossHeapOOM
	case slices.ContainsFunc(userErrors, func(t string) bool { return strings.HasPrefix(message, t) }) && !wrapsPlatform(message):
		return analysis.LossUserCode
	}
	return analysis.LossUnclear
}

// throwsFullHeap says whether a stack trace is of a full heap, or of an
// exception that one caused. In the middle of a message it may be anybody's.
func throwsFullHeap(trace string) bool {
	for line := range strings.Lines(trace) {
		class, message, _ := strings.Cut(strings.TrimPrefix(line, causedBy), ": ")
		if memoryOf(class, message) == heapMemory {
			return true
		}
	}
	return false
}

// wrapsPlatform says whether the message of an exception is one of the
// platform's, or whether such a one caused it.
func wrapsPlatform(trace string) bool {
	for line := range strings.Lines(trace) {
		if cause, ok := strings.CutPrefix(line, causedBy); ok && ofPlatform(cause) {
			return true
		}
	}
	_, message, _ := strings.Cut(trace, ": ")
	return ofPlatform(message)
}

// DriverLoss is the class of the diagnostics with which YARN explains that an
// application failed whose driver it ran; "" when they are of its tasks.
func DriverLoss(diagnostics string) string {
	if ofTasks.MatchString(diagnostics) {
		return ""
	}
	if _, exception, ok := strings.Cut(diagnostics, "User class threw exception: "); ok {
		return driverFailure(exception)
	}
	return lossCause(diagnostics)
}

// driverOrder ranks classes by how much they tell.
var driverOrder = []string{"", analysis.LossUnclear, analysis.LossUserCode, analysis.LossHeapOOM}

// driverEnded takes in the error with which a job or SQL execution ended.
func (a *app) driverEnded(message string) {
	class := driverFailure(message)
	if class == "" {
		return
	}
	if slices.Index(driverOrder, class) > slices.Index(driverOrder, a.run.DriverFailure) {
		a.run.DriverFailure = class
	}
	line, _, _ := strings.Cut(message, "\n")
	a.evidence.add(class, line)
}
