package analysis

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// RunProfileVersion is the version of the layout of [RunProfile]. It is stored
// with each row.
const RunProfileVersion = 1

// A RunProfile is what a simulation needs of one application attempt and its
// [Run] is too small for: its stages, when executors came and went, and when
// only the driver worked. It is one row of the table run_profiles, read only
// when a simulation asks for it.
//
// It is made of sums, counts and extremes, so that SQL over the same events
// gives the same row: [ProfileColumns] says how. All times in it are
// milliseconds since Start.
type RunProfile struct {
	Key
	Version int64
	Start   time.Time // of the application, UTC
	SpanMs  int64     // its length
	// How much of the log there was, as in the Run: a simulation abstains on
	// what is not complete.
	Finished bool
	Complete bool
	Events   int64
	// Stages are sorted by Submitted, then ID, then Attempt.
	Stages []StageProfile
	// Executors are the changes in their number, sorted by At, one per time.
	Executors []ExecutorStep
	// Gaps are the times without a job, sorted; OtherGapMs is the length of
	// those that are too short to be kept.
	Gaps       []Span
	OtherGapMs int64
	// Dropped counts stage attempts that had no room, whose work is missing from
	// Stages, and entries of which not all parents are known.
	Dropped int64
}

// A Span is an interval of time.
type Span struct{ From, To int64 }

// An ExecutorStep changes how many executors there are.
type ExecutorStep struct {
	At        int64
	Executors int64 // more, or fewer when negative
	Cores     int64
}

// A StageProfile is one stage attempt, or several that ran strictly one after
// the other and were merged because there were too many (Merged is then above
// 1): its times are theirs together, its sums and histograms add up, its ID is
// the last one's, and the parents of the stages after it say so.
type StageProfile struct {
	ID, Attempt int64
	Merged      int64 // stage attempts in this entry
	Parents     []int64
	Job         int64 // -1 is unknown
	SQL         int64 // execution id; -1 is none
	Profile     int64 // resource profile
	Submitted   int64
	Completed   int64
	Failed      bool

	Tasks       int64 // Number of Tasks
	Succeeded   int64 // ends
	Failures    int64 // ends that failed or were killed
	RunMs       int64 // of all ends with metrics, as the following
	CPUMs       int64
	GCMs        int64
	DeserMs     int64
	DelayMs     int64 // scheduler delay
	Input       int64 // bytes
	Output      int64
	ShuffleRead int64
	ShuffleW    int64
	Spilled     int64 // memory bytes

	RunMedianMs float64 // of successful tasks, as the following
	RunMaxMs    int64
	// SlowestBytes is what the longest task read: little beside a long time
	// means a slow host, much means skewed data.
	SlowestBytes  int64
	RunHist       Histogram // milliseconds
	InputHist     Histogram // bytes
	ShuffleRdHist Histogram
}

// A Histogram counts values in buckets that are the same in every row:
// [BucketOf] a value. Only buckets with values are there, in order.
type Histogram []Bin

// A Bin is how many values fell into a bucket.
type Bin struct {
	Bucket int32
	Count  int64
}

// A ProfileColumn documents one field of R, which is a [RunProfile] or an
// element of one of its lists. Names are a stored format.
type ProfileColumn[R any] struct {
	Name  string
	Unit  string // as in [Column]
	Event string
	Doc   string // meaning and formula
	// Field points to the column's field. Its type is one of *string, *bool,
	// *int64, *float64, *time.Time, *[]int64, *Histogram, *[]StageProfile,
	// *[]ExecutorStep and *[]Span.
	Field func(*R) any
}

// ProfileColumns are the columns of the table run_profiles, in its order.
var ProfileColumns = []ProfileColumn[RunProfile]{
	{"cluster", "text", "EnvironmentUpdate, caller", "As in the run; part of the key.", func(p *RunProfile) any { return &p.Cluster }},
	{"app_id", "text", "ApplicationStart", "As in the run; part of the key.", func(p *RunProfile) any { return &p.AppID }},
	{"attempt", "text", "ApplicationStart", "As in the run; part of the key.", func(p *RunProfile) any { return &p.Attempt }},
	{"version", "count", "writer", "Version of the layout: the meaning of a column under one version never changes.", func(p *RunProfile) any { return &p.Version }},
	{"start_ts", "time", "ApplicationStart", "Start of the application, UTC. All other times are milliseconds since then.", func(p *RunProfile) any { return &p.Start }},
	{"span_ms", "ms", "ApplicationEnd", "end_ts - start_ts of the run.", func(p *RunProfile) any { return &p.SpanMs }},
	{"finished", "flag", "ApplicationEnd", "As in the run.", func(p *RunProfile) any { return &p.Finished }},
	{"complete", "flag", "all", "Finished, and nothing of the log was lost: not truncated, not compacted, no malformed_lines, no missing_tasks, no missing_events.", func(p *RunProfile) any { return &p.Complete }},
	{"events", "count", "all", "As in the run. Of two rows of one attempt the finished one stays, then the complete one, of unfinished ones that with the later start_ts + span_ms, then the one with more events.", func(p *RunProfile) any { return &p.Events }},
	{"stages", "list", "StageSubmitted, StageCompleted, TaskEnd", "Stage attempts that ran, sorted by submitted_ms, stage_id, attempt.", func(p *RunProfile) any { return &p.Stages }},
	{"executors", "list", "ExecutorAdded, ExecutorRemoved", "Changes in the number of executors, one per time, sorted; those that change nothing are left out. Executors that stay until the end have no entry for their removal.", func(p *RunProfile) any { return &p.Executors }},
	{"gaps", "list", "JobStart, JobEnd", "Times without a job (only the driver worked), sorted. The application minus the union of its jobs.", func(p *RunProfile) any { return &p.Gaps }},
	{"other_gap_ms", "ms", "JobStart, JobEnd", "Length of the gaps that are too short to be kept; 0 below 1,024 gaps.", func(p *RunProfile) any { return &p.OtherGapMs }},
	{"dropped_stages", "count", "StageCompleted", "Stage attempts that had no room, those with the least work, and those whose parents had none; 0 when stages is whole.", func(p *RunProfile) any { return &p.Dropped }},
}

// StageColumns are the fields of an element of stages.
var StageColumns = []ProfileColumn[StageProfile]{
	{"stage_id", "count", "StageCompleted", "Stage ID; of merged entries the last one's.", func(s *StageProfile) any { return &s.ID }},
	{"attempt", "count", "StageCompleted", "Stage Attempt ID.", func(s *StageProfile) any { return &s.Attempt }},
	{"merged", "count", "StageCompleted", "How many stage attempts the entry stands for. 1, except beyond 2,048 stages, where neighbours that ran strictly one after the other become one entry; its sums and histograms add up.", func(s *StageProfile) any { return &s.Merged }},
	{"parent_ids", "count", "StageCompleted", "Parent IDs that are the stage_id of an entry of this row, sorted: skipped stages are not there.", func(s *StageProfile) any { return &s.Parents }},
	{"job_id", "count", "JobStart", "First job whose Stage IDs have the stage; -1 is unknown.", func(s *StageProfile) any { return &s.Job }},
	{"sql_id", "count", "JobStart", "spark.sql.execution.id in the Properties of that job; -1 is none.", func(s *StageProfile) any { return &s.SQL }},
	{"resource_profile_id", "count", "StageCompleted", "Resource Profile Id; 0 is the default one.", func(s *StageProfile) any { return &s.Profile }},
	{"submitted_ms", "ms", "StageCompleted", "Submission Time; the first Launch Time when it is absent.", func(s *StageProfile) any { return &s.Submitted }},
	{"completed_ms", "ms", "StageCompleted", "Completion Time; the last Finish Time when Submission Time is absent.", func(s *StageProfile) any { return &s.Completed }},
	{"failed", "flag", "StageCompleted", "It has a Failure Reason.", func(s *StageProfile) any { return &s.Failed }},
	{"tasks", "count", "StageCompleted", "Number of Tasks.", func(s *StageProfile) any { return &s.Tasks }},
	{"succeeded", "count", "TaskEnd", "count(*) where Reason is Success.", func(s *StageProfile) any { return &s.Succeeded }},
	{"failures", "count", "TaskEnd", "count(*) where Reason is neither Success nor Resubmitted: retries and losses.", func(s *StageProfile) any { return &s.Failures }},
	{"run_ms", "ms", "TaskEnd", "sum(Executor Run Time) of all ends with metrics, as the following sums.", func(s *StageProfile) any { return &s.RunMs }},
	{"cpu_ms", "ms", "TaskEnd", "sum(Executor CPU Time) div 1000000.", func(s *StageProfile) any { return &s.CPUMs }},
	{"gc_ms", "ms", "TaskEnd", "sum(JVM GC Time).", func(s *StageProfile) any { return &s.GCMs }},
	{"deserialize_ms", "ms", "TaskEnd", "sum(Executor Deserialize Time).", func(s *StageProfile) any { return &s.DeserMs }},
	{"scheduler_delay_ms", "ms", "TaskEnd", "sum(greatest(0, finish - launch - run - deserialize - serialize - getting result)).", func(s *StageProfile) any { return &s.DelayMs }},
	{"input_bytes", "bytes", "TaskEnd", "sum(Input Metrics.Bytes Read).", func(s *StageProfile) any { return &s.Input }},
	{"output_bytes", "bytes", "TaskEnd", "sum(Output Metrics.Bytes Written).", func(s *StageProfile) any { return &s.Output }},
	{"shuffle_read_bytes", "bytes", "TaskEnd", "sum(Remote Bytes Read + Local Bytes Read).", func(s *StageProfile) any { return &s.ShuffleRead }},
	{"shuffle_write_bytes", "bytes", "TaskEnd", "sum(Shuffle Bytes Written).", func(s *StageProfile) any { return &s.ShuffleW }},
	{"memory_spilled_bytes", "bytes", "TaskEnd", "sum(Memory Bytes Spilled).", func(s *StageProfile) any { return &s.Spilled }},
	{"run_median_ms", "ms", "TaskEnd", "percentile(Executor Run Time, 0.5) of successful tasks, as the following; exact up to 65,536 tasks (fewer where stages with half a million tasks run at a time), else within 0.8 %. Of merged entries the mean, weighed with succeeded.", func(s *StageProfile) any { return &s.RunMedianMs }},
	{"run_max_ms", "ms", "TaskEnd", "max(Executor Run Time).", func(s *StageProfile) any { return &s.RunMaxMs }},
	{"slowest_bytes", "bytes", "TaskEnd", "max_by(input and shuffle bytes read, Executor Run Time): little beside a long time means a slow host, much means skewed data. The first task to end wins a tie.", func(s *StageProfile) any { return &s.SlowestBytes }},
	{"run_hist", "count", "TaskEnd", "Bucket to number of tasks, of Executor Run Time in ms. The bucket of v, with n = length(bin(v)): n < 4 ? v : 8 * (n - 3) + ((v >> (n - 4)) & 7).", func(s *StageProfile) any { return &s.RunHist }},
	{"input_hist", "count", "TaskEnd", "The same of Input Metrics.Bytes Read.", func(s *StageProfile) any { return &s.InputHist }},
	{"shuffle_read_hist", "count", "TaskEnd", "The same of Remote Bytes Read + Local Bytes Read.", func(s *StageProfile) any { return &s.ShuffleRdHist }},
}

// StepColumns are the fields of an element of executors.
var StepColumns = []ProfileColumn[ExecutorStep]{
	{"at_ms", "ms", "ExecutorAdded, ExecutorRemoved", "Timestamp; beyond 4,096 times rounded up to a grid.", func(e *ExecutorStep) any { return &e.At }},
	{"executors", "count", "ExecutorAdded, ExecutorRemoved", "Added minus removed at that time.", func(e *ExecutorStep) any { return &e.Executors }},
	{"cores", "count", "ExecutorAdded, ExecutorRemoved", "Their Total Cores.", func(e *ExecutorStep) any { return &e.Cores }},
}

// SpanColumns are the fields of an element of gaps.
var SpanColumns = []ProfileColumn[Span]{
	{"from_ms", "ms", "JobEnd", "End of the last job that ran.", func(s *Span) any { return &s.From }},
	{"to_ms", "ms", "JobStart", "Start of the next one.", func(s *Span) any { return &s.To }},
}

// bucketBits is how finely a power of two is divided: into 8 buckets, so that
// a bucket's middle is within 6.3 % of every value in it.
const bucketBits = 3

// BucketOf is the bucket of a value: 0 to 7 are their own buckets, above that
// each power of two has 8. In SQL, with n the length of bin(v):
// n < 4 ? v : 8 * (n - 3) + ((v >> (n - 4)) & 7). Negative values count as 0.
func BucketOf(v int64) int32 {
	if v < 1<<bucketBits {
		return int32(max(v, 0))
	}
	n := bits.Len64(uint64(v))
	return int32((n-bucketBits)<<bucketBits) + int32(v>>(n-bucketBits-1))&(1<<bucketBits-1)
}

// BucketBounds are the least and the largest value of a bucket.
func BucketBounds(bucket int32) (lo, hi int64) {
	if bucket < 1<<bucketBits {
		return int64(max(bucket, 0)), int64(max(bucket, 0))
	}
	shift := bucket>>bucketBits - 1
	lo = int64(1<<bucketBits|bucket&(1<<bucketBits-1)) << shift
	return lo, lo + 1<<shift - 1
}

// Count is how many values a histogram has.
func (h Histogram) Count() int64 {
	var n int64
	for _, b := range h {
		n += b.Count
	}
	return n
}

// Merge is the histogram of both sets of values.
func (h Histogram) Merge(o Histogram) Histogram {
	m := slices.Concat(h, o)
	slices.SortStableFunc(m, func(a, b Bin) int { return cmp.Compare(a.Bucket, b.Bucket) })
	sums := m[:0]
	for _, b := range m {
		if n := len(sums); n > 0 && sums[n-1].Bucket == b.Bucket {
			sums[n-1].Count += b.Count
		} else {
			sums = append(sums, b)
		}
	}
	return sums
}

// Compare orders stages by when they were submitted.
func (s *StageProfile) Compare(o *StageProfile) int {
	return cmp.Or(cmp.Compare(s.Submitted, o.Submitted), cmp.Compare(s.ID, o.ID), cmp.Compare(s.Attempt, o.Attempt))
}

// Append merges a stage that ran after s.
func (s *StageProfile) Append(next *StageProfile) {
	if next.RunMaxMs >= s.RunMaxMs {
		s.RunMaxMs, s.SlowestBytes = next.RunMaxMs, next.SlowestBytes
	}
	if n := s.Succeeded + next.Succeeded; n > 0 {
		// A merged median can only be a mean of medians.
		s.RunMedianMs = (s.RunMedianMs*float64(s.Succeeded) + next.RunMedianMs*float64(next.Succeeded)) / float64(n)
	}
	for _, p := range next.Parents {
		if p != s.ID && !slices.Contains(s.Parents, p) {
			s.Parents = append(s.Parents, p)
		}
	}
	s.ID, s.Attempt, s.Job, s.SQL, s.Profile = next.ID, next.Attempt, next.Job, next.SQL, next.Profile
	s.Merged += next.Merged
	s.Completed = max(s.Completed, next.Completed)
	s.Failed = s.Failed || next.Failed
	s.addSums(next)
	s.RunHist = s.RunHist.Merge(next.RunHist)
	s.InputHist = s.InputHist.Merge(next.InputHist)
	s.ShuffleRdHist = s.ShuffleRdHist.Merge(next.ShuffleRdHist)
}

func (s *StageProfile) addSums(o *StageProfile) {
	s.Tasks += o.Tasks
	s.Succeeded += o.Succeeded
	s.Failures += o.Failures
	s.RunMs += o.RunMs
	s.CPUMs += o.CPUMs
	s.GCMs += o.GCMs
	s.DeserMs += o.DeserMs
	s.DelayMs += o.DelayMs
	s.Input += o.Input
	s.Output += o.Output
	s.ShuffleRead += o.ShuffleRead
	s.ShuffleW += o.ShuffleW
	s.Spilled += o.Spilled
}
