package eventlog

import (
	"encoding/json"
	"fmt"
	"slices"
)

type jobStart struct {
	ID        int64         `json:"Job ID"`
	Submitted *int64        `json:"Submission Time"` // absent in the oldest logs
	StageIDs  idList        `json:"Stage IDs"`
	Props     jobProperties `json:"Properties"`
}

// jobProperties are the properties of a job that the package reads. Every job
// repeats the whole configuration, as the session has it by then.
type jobProperties struct {
	BatchTime *string  `json:"spark.streaming.internal.batchTime"`
	SQL       string   `json:"spark.sql.execution.id"`
	Settings  settings `json:"-"`
}

// UnmarshalJSON reads the settings beside what has a field of its own.
func (p *jobProperties) UnmarshalJSON(b []byte) error {
	type fields jobProperties
	if err := json.Unmarshal(b, (*fields)(p)); err != nil {
		return err
	}
	return p.Settings.UnmarshalJSON(b)
}

// An idList is a list of stage ids.
type idList []int64

// maxIDList bounds the text of a list: more than 60,000 stages.
const maxIDList = 512 << 10

// UnmarshalJSON refuses a list over the bound.
func (l *idList) UnmarshalJSON(b []byte) error {
	if len(b) > maxIDList {
		return errAbsurd
	}
	return json.Unmarshal(b, (*[]int64)(l))
}

type jobEnd struct {
	ID        int64 `json:"Job ID"`
	Completed int64 `json:"Completion Time"`
	Result    struct {
		Result    string
		Exception struct{ Message string }
	} `json:"Job Result"`
}

// A job is one that has started; it is kept a little beyond its end, for
// events that come late.
type job struct {
	id         int64
	sql        int64 // execution id; -1 is none
	start, end int64
	stages     []int64 // sorted
	chains     map[int64]stageWork
}

// jobs follows the intervals of jobs and their critical paths.
type jobs struct {
	starts, ends bitmap // ids
	failed       int64
	untimed      bool // a job without times was seen
	unlisted     bool // a job's stages were too many to be kept
	orphans      bool // a stage ran that no job lists
	open         []*job
	ended        []*job
	stageIDs     int // kept in all jobs

	busy  sum   // length of the closed intervals' union
	since int64 // start of the current interval, or the end of the last

	paths pathSum
}

// Bounds of what is kept of jobs.
const (
	maxOpenJobs  = 1 << 10
	maxEndedJobs = 32
	maxJobStages = 1 << 18 // stage ids in all kept jobs
)

func (e *jobStart) apply(a *app) error {
	j := &a.jobs
	if e.Props.BatchTime != nil {
		a.workload.streaming = true
	}
	if e.ID < 0 || e.ID >= maxIDs {
		return errAbsurd
	}
	if !j.starts.first(e.ID, maxIDs) {
		return nil // the log repeats itself
	}
	a.sql.differ(e.Props.Settings, &a.env)
	if e.Submitted == nil {
		j.untimed = true
		return nil
	}
	if len(j.open) >= maxOpenJobs {
		return fmt.Errorf("more than %d open jobs", maxOpenJobs)
	}
	start := a.see(*e.Submitted)
	if len(j.open) == 0 {
		a.gap(start)
		j.since = max(j.since, start)
	}
	started := &job{id: e.ID, sql: integer(e.Props.SQL).Or(-1), start: start}
	if j.stageIDs+len(e.StageIDs) <= maxJobStages {
		j.stageIDs += len(e.StageIDs)
		slices.Sort(e.StageIDs)
		started.stages = e.StageIDs
	} else {
		j.unlisted = true
	}
	j.open = append(j.open, started)
	return nil
}

func (e *jobEnd) apply(a *app) error {
	if e.ID < 0 || e.ID >= maxIDs {
		return errAbsurd
	}
	if !a.jobs.ends.first(e.ID, maxIDs) {
		return nil // the log repeats itself
	}
	failed := e.Result.Result == "JobFailed"
	if failed {
		a.jobs.failed++
		a.evidence.add(driverFailure(e.Result.Exception.Message), e.Result.Exception.Message)
		a.driverEnded(e.Result.Exception.Message)
	}
	a.outcome.job(failed, e.Result.Exception.Message)
	a.jobs.close(e.ID, a.see(e.Completed), a)
	return nil
}

// close ends a job. An end without a start has no interval.
func (j *jobs) close(id, end int64, a *app) {
	i := slices.IndexFunc(j.open, func(o *job) bool { return o.id == id })
	if i < 0 {
		return
	}
	o := j.open[i]
	o.end = end
	j.open = slices.Delete(j.open, i, i+1)
	if len(j.open) == 0 {
		if a.end > 0 {
			end = min(end, a.end) // a job that the end of the application ended
		}
		j.closeInterval(end)
	}
	j.ended = append(j.ended, o)
	if len(j.ended) > maxEndedJobs {
		j.settle(&a.stages)
	}
}

// closeInterval adds the current interval. Starts and ends come in the order
// of the listener bus, so an interval can start a little before the last end.
func (j *jobs) closeInterval(end int64) {
	if end > j.since {
		j.busy.add(end - j.since)
		j.since = end
	}
}

// settle forgets the job that ended longest ago.
func (j *jobs) settle(s *stages) {
	o := j.ended[0]
	j.ended = j.ended[1:]
	for _, st := range s.kept {
		if st.owner == o {
			o.note(st)
		}
	}
	j.stageIDs -= len(o.stages)
	j.paths.add(o.start, o.end, o.criticalPath(), j.oldest())
}

// oldest is the earliest start of the jobs that are not settled.
func (j *jobs) oldest() int64 {
	t := int64(maxTime)
	for _, list := range [][]*job{j.ended, j.open} {
		for _, o := range list {
			t = min(t, o.start)
		}
	}
	return t
}

// gap notes for the profile that no job ran until now.
func (a *app) gap(until int64) {
	if a.profiler != nil {
		a.profiler.gaps.add(max(a.start, a.jobs.since), until)
	}
}

// owner is the job that runs a stage which shows up now: the oldest one that
// lists it. Later jobs that list it skip it.
func (j *jobs) owner(stage int64) *job {
	for _, list := range [][]*job{j.open, j.ended} {
		for _, o := range list {
			if _, ok := slices.BinarySearch(o.stages, stage); ok {
				return o
			}
		}
	}
	return nil
}

// lost is how many starts and ends of jobs the log must have had and has not.
// Spark ends every job before it closes the log of an application that stops.
func (j *jobs) lost(finished bool) int64 {
	starts, ends := j.ends.without(&j.starts), int64(0)
	if j.orphans && !j.untimed && !j.unlisted {
		starts = max(starts, 1)
	}
	if finished {
		ends = j.starts.without(&j.ends)
	}
	return starts + ends
}

func (j *jobs) finish(a *app, end int64) {
	for len(j.ended) > 0 {
		j.settle(&a.stages)
	}
	if len(j.open) > 0 {
		j.closeInterval(end)
	}
	a.gap(end)
	r := &a.run
	lost := j.lost(r.Finished)
	r.MissingEvents += lost
	if j.starts.count > 0 || a.tasks.ends == 0 {
		r.Jobs = some(j.starts.count)
	}
	if r.Jobs.OK || j.ends.count > 0 {
		r.JobsFailed = some(j.failed)
	}
	if j.untimed || lost > 0 {
		return
	}
	r.CriticalPathMs = some(j.paths.most())
	r.JobMs = some(int64(j.busy))
	if d := r.Duration(); d.OK {
		ms := d.V.Milliseconds()
		r.JobMs = some(min(r.JobMs.V, ms))
		r.DriverOnlyMs = some(ms - r.JobMs.V)
	}
}
