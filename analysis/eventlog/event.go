package eventlog

import "encoding/json"

// An event is one line of a log: it changes the state of its application. An
// error says that the state has no room for it; the event is then counted as
// not read.
type event interface {
	apply(*app) error
}

// eventPrefix starts every event line that Spark writes.
const eventPrefix = `{"Event":"`

const sqlUI = "org.apache.spark.sql.execution.ui.SparkListener"

// newEvent is the value that an event of this name is decoded into. Events
// that are only counted, or whose name says all, need no decoding: nil.
func newEvent(name []byte) event {
	switch string(name) {
	case "SparkListenerLogStart":
		return new(logStart)
	case "SparkListenerApplicationStart":
		return new(applicationStart)
	case "SparkListenerApplicationEnd":
		return new(applicationEnd)
	case "SparkListenerEnvironmentUpdate":
		return new(environmentUpdate)
	case "SparkListenerResourceProfileAdded":
		return new(resourceProfileAdded)
	case "SparkListenerExecutorAdded":
		return new(executorAdded)
	case "SparkListenerExecutorRemoved":
		return new(executorRemoved)
	case "SparkListenerBlockManagerAdded":
		return new(blockManagerAdded)
	case "SparkListenerJobStart":
		return new(jobStart)
	case "SparkListenerJobEnd":
		return new(jobEnd)
	case "SparkListenerStageCompleted":
		return new(stageCompleted)
	case "SparkListenerTaskEnd":
		return &taskEnd{Info: taskInfo{ID: -1}}
	case "SparkListenerStageExecutorMetrics":
		return new(stageExecutorMetrics)
	case "SparkListenerExecutorMetricsUpdate":
		return new(executorMetricsUpdate)
	case sqlUI + "SQLExecutionStart":
		return new(sqlStart)
	case sqlUI + "SQLAdaptiveExecutionUpdate":
		return new(sqlUpdate)
	case sqlUI + "DriverAccumUpdates":
		return new(driverUpdates)
	case sqlUI + "SQLExecutionEnd":
		return new(sqlEnd)
	case "DBCEventLoggingListenerMetadata":
		return new(databricksMetadata)
	}
	return nil
}

// A named event is one of which only the name is read.
type named string

// The two most frequent of them.
var (
	taskStarted    event = named("SparkListenerTaskStart")
	stageSubmitted event = named("SparkListenerStageSubmitted")
)

func newNamed(name []byte) event {
	switch string(name) {
	case "SparkListenerTaskStart":
		return taskStarted
	case "SparkListenerStageSubmitted":
		return stageSubmitted
	}
	return named(name)
}

func (n named) apply(a *app) error {
	switch event(n) {
	case taskStarted:
		a.concurrency.start()
	case stageSubmitted:
		a.concurrency.stages++
	default:
		a.workload.seen(string(n))
	}
	return nil
}

type logStart struct {
	Version string `json:"Spark Version"`
}

func (e *logStart) apply(a *app) error {
	a.run.SparkVersion = clip(e.Version, maxText)
	return nil
}

type applicationStart struct {
	Name      string `json:"App Name"`
	ID        string `json:"App ID"`
	Attempt   string `json:"App Attempt ID"`
	Timestamp int64
	User      string
}

func (e *applicationStart) apply(a *app) error {
	if a.started {
		return nil // a part that repeats its start
	}
	a.started = true
	a.run.AppName = clip(e.Name, maxText)
	a.run.AppID = clip(e.ID, maxText)
	a.run.Attempt = clip(e.Attempt, maxText)
	a.run.User = clip(e.User, maxText)
	a.start = a.see(e.Timestamp)
	return nil
}

type applicationEnd struct {
	Timestamp int64
	ExitCode  *int64
}

func (e *applicationEnd) apply(a *app) error {
	a.run.Finished = true
	a.end = a.see(e.Timestamp)
	if e.ExitCode != nil {
		a.run.ExitCode = some(*e.ExitCode)
	}
	return nil
}

// databricksMetadata starts each part of a Databricks cluster's log. It stands
// in for LogStart, which those logs do not have.
type databricksMetadata struct {
	Version string          `json:"Spark Version"`
	Number  *int64          `json:"Rollover Number"` // of the part, from 0
	Context json.RawMessage `json:"SparkContext Id"`
}

func (e *databricksMetadata) apply(a *app) error {
	a.context = clip(string(e.Context), maxText)
	if a.run.SparkVersion == "" {
		a.run.SparkVersion = clip(e.Version, maxText)
	}
	return nil
}

// follows says whether no part is missing between this one and the one before
// it, whose number is last; -1 is none. A restart of the cluster may begin again
// at 0, and a part may be in several files.
func (e *databricksMetadata) follows(last int64) bool {
	return e.Number == nil || *e.Number == 0 || *e.Number == last || *e.Number == last+1
}
