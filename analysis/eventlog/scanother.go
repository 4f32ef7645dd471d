package eventlog

import (
	"bytes"
	"unicode/utf8"
)

// A scannedJob is a jobStart that is read by hand.
type scannedJob struct {
	jobStart
	submitted int64
}

var jobKeys = []string{"Job ID", "Submission Time", "Stage IDs", "Properties"}

func (e *scannedJob) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Job ID":
		return s.integer(&e.ID)
	case "Submission Time":
		e.Submitted = &e.submitted
		return s.integer(&e.submitted)
	case "Stage Infos":
		return s.skip()
	case "Stage IDs":
		return s.ids(&e.StageIDs)
	case "Properties":
		return s.object(&e.Props)
	case "Event":
		return s.event()
	}
	return s.unknown(key, jobKeys)
}

const (
	batchTime    = "spark.streaming.internal.batchTime"
	sqlExecution = "spark.sql.execution.id"
)

func (p *jobProperties) field(s *scan, key []byte) bool {
	switch string(key) {
	case batchTime:
		p.BatchTime = new(string)
		return s.text(p.BatchTime)
	case sqlExecution:
		return s.word(&p.SQL)
	}
	if len(key) < len(sqlExecution) {
		return s.skip()
	}
	if name, ok := sqlKeys[string(key)]; ok {
		return p.Settings.value(s, name)
	}
	return s.unknown(key, jobPropertyKeys)
}

var jobPropertyKeys = []string{batchTime, sqlExecution}

func (c *settings) value(s *scan, name string) bool {
	var value string
	if !s.word(&value) {
		return false
	}
	c.keep(name, value)
	return true
}

func (e *stageCompleted) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Stage Info":
		return s.object(&e.Info)
	case "Event":
		return s.event()
	}
	return s.unknown(key, []string{"Stage Info"})
}

var stageKeys = []string{"Stage ID", "Stage Attempt ID", "Number of Tasks", "Parent IDs", "Submission Time", "Completion Time", resourceProfile, failureReason}

// failureReason is left to the strict decoder: it is rare, and its text has
// escapes.
const failureReason = "Failure Reason"

const resourceProfile = "Resource Profile Id"

func (e *stageInfo) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Stage ID":
		return s.integer(&e.ID)
	case "Stage Attempt ID":
		return s.integer(&e.Attempt)
	case "Number of Tasks":
		return s.integer(&e.Tasks)
	case "Parent IDs":
		return s.ids(&e.Parents)
	case "Submission Time":
		return s.integer(&e.Submitted)
	case "Completion Time":
		return s.integer(&e.Completed)
	case "RDD Info":
		return s.skip()
	case resourceProfile:
		return s.integer(&e.Profile)
	case "Stage Name", "Details", "Accumulables":
		return s.skip()
	}
	return s.unknown(key, stageKeys)
}

func (e *environmentUpdate) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Spark Properties":
		return s.properties(&e.Spark)
	case "Hadoop Properties":
		return s.properties(&e.Hadoop)
	case "System Properties":
		return s.properties(&e.System)
	case "Event":
		return s.event()
	case "JVM Information", "Metrics Properties", "Classpath Entries":
		return s.skip()
	}
	return s.unknown(key, []string{"Spark Properties", "Hadoop Properties", "System Properties"})
}

func (s *scan) properties(p *properties) bool {
	*p = make(properties)
	return s.object(*p)
}

// field keeps a wanted property.
func (p properties) field(s *scan, key []byte) bool {
	switch {
	case !mayBeWanted(key) || !wanted(string(key)):
		return s.skip()
	case !utf8.Valid(key):
		return false
	}
	if s.i < len(s.b) && s.b[s.i] != '"' {
		return s.skip()
	}
	var text string
	if !s.text(&text) {
		return false
	}
	p.keep(string(key), text)
	return true
}

// mayBeWanted is a quick no for most of Hadoop's and Java's properties.
func mayBeWanted(key []byte) bool {
	return bytes.HasPrefix(key, []byte("spark.")) || bytes.HasPrefix(key, []byte("sun.java.c")) || bytes.HasPrefix(key, []byte("yarn.s"))
}

func (e *sqlStart) field(s *scan, key []byte) bool {
	switch string(key) {
	case "executionId":
		return s.integer(&e.ID)
	case "time":
		return s.integer(&e.Time)
	case "sparkPlanInfo":
		start := s.i
		if !s.skip() {
			return false
		}
		e.Plan.read(s.b[start:s.i], s)
		return true
	case "modifiedConfigs":
		return s.properties(&e.Modified)
	case "Event":
		return s.event()
	case "rootExecutionId", "description", "details", "physicalPlanDescription", "jobTags", "jobGroupId":
		return s.skip()
	}
	return s.unknown(key, []string{"executionId", "time", "sparkPlanInfo", "modifiedConfigs"})
}

func (e *sqlUpdate) field(s *scan, key []byte) bool {
	switch string(key) {
	case "executionId":
		return s.integer(&e.ID)
	case "sparkPlanInfo":
		return s.custom(&e.Plan)
	case "Event":
		return s.event()
	case "physicalPlanDescription":
		return s.skip()
	}
	return s.unknown(key, []string{"executionId", "sparkPlanInfo"})
}

func (e *stageExecutorMetrics) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Executor ID":
		return s.word(&e.ID)
	case "Stage ID":
		return s.integer(&e.Stage)
	case "Stage Attempt ID":
		return s.integer(&e.Attempt)
	case "Executor Metrics":
		return s.object(&e.Metrics)
	case "Event":
		return s.event()
	}
	return s.unknown(key, []string{"Executor ID", "Stage ID", "Stage Attempt ID", "Executor Metrics"})
}

func (e *executorMetricsUpdate) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Executor ID":
		return s.word(&e.ID)
	case "Executor Metrics Updated":
		e.Updates = metricsUpdates{}
		var update metricsUpdate
		return s.list(func() bool {
			update = metricsUpdate{}
			ok := s.object(&update)
			e.Updates.Largest.raise(&update.Metrics)
			return ok
		})
	case "Event":
		return s.event()
	case "Metrics Updated":
		return s.skip()
	}
	return s.unknown(key, []string{"Executor ID", "Executor Metrics Updated"})
}

func (u *metricsUpdate) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Executor Metrics":
		return s.object(&u.Metrics)
	case "Stage ID", "Stage Attempt ID":
		return s.skip()
	}
	return s.unknown(key, []string{"Executor Metrics"})
}

func (e *driverUpdates) field(s *scan, key []byte) bool {
	switch string(key) {
	case "accumUpdates":
		e.Updates = nil
		start := s.i
		var update idList
		return s.list(func() bool {
			ok := s.ids(&update)
			e.Updates.add(update)
			return ok && s.i-start < maxIDList
		})
	case "Event":
		return s.event()
	case "executionId":
		return s.skip()
	}
	return s.unknown(key, []string{"accumUpdates"})
}

// field leaves a failed job to the strict decoder.
func (e *jobEnd) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Job ID":
		return s.integer(&e.ID)
	case "Completion Time":
		return s.integer(&e.Completed)
	case "Job Result":
		e.Result.Result = "JobSucceeded"
		return s.constant(`{"Result":"JobSucceeded"}`)
	case "Event":
		return s.event()
	}
	return s.unknown(key, []string{"Job ID", "Completion Time", "Job Result"})
}

// constant reads a value that is spelled as it nearly always is.
func (s *scan) constant(value string) bool {
	if !bytes.HasPrefix(s.b[s.i:], []byte(value)) {
		return false
	}
	s.i += len(value)
	return true
}

func (e *executorAdded) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Timestamp":
		return s.integer(&e.Timestamp)
	case "Executor ID":
		return s.word(&e.ID)
	case "Executor Info":
		return s.object(&e.Info)
	case "Event":
		return s.event()
	}
	return s.unknown(key, []string{"Timestamp", "Executor ID", "Executor Info"})
}

func (i *executorInfo) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Total Cores":
		return s.integer(&i.Cores)
	case resourceProfile:
		return s.integer(&i.Profile)
	case "Host", "Log Urls", "Attributes", "Resources":
		return s.skip()
	}
	return s.unknown(key, []string{"Total Cores", resourceProfile})
}

func (e *blockManagerAdded) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Timestamp":
		return s.integer(&e.Timestamp)
	case "Block Manager ID":
		return s.object(&e.ID)
	case "Maximum Memory":
		return s.integer(&e.Memory)
	case "Event":
		return s.event()
	case "Maximum Onheap Memory", "Maximum Offheap Memory":
		return s.skip()
	}
	return s.unknown(key, []string{"Timestamp", "Block Manager ID", "Maximum Memory"})
}

func (b *blockManagerID) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Executor ID":
		return s.word(&b.Executor)
	case "Host", "Port":
		return s.skip()
	}
	return s.unknown(key, []string{"Executor ID"})
}
