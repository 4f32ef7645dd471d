package eventlog

import (
	"errors"

	"github.com/sparktune/sparktune/analysis"
)

// taskEnd is most of a log. Times are milliseconds, CPU time nanoseconds.
type taskEnd struct {
	Stage    int64           `json:"Stage ID"`
	Attempt  int64           `json:"Stage Attempt ID"`
	Reason   endReason       `json:"Task End Reason"`
	Info     taskInfo        `json:"Task Info"`
	Executor executorMetrics `json:"Task Executor Metrics"`
	Metrics  *taskMetrics    `json:"Task Metrics"` // absent on lost tasks
}

type taskInfo struct {
	ID            int64 `json:"Task ID"` // of the application; -1 is none
	Index         int64
	Launch        int64  `json:"Launch Time"`
	ExecutorID    string `json:"Executor ID"`
	Locality      string
	Speculative   bool
	GettingResult int64 `json:"Getting Result Time"`
	Finish        int64 `json:"Finish Time"`
}

type taskMetrics struct {
	DeserializeMs int64         `json:"Executor Deserialize Time"`
	RunMs         int64         `json:"Executor Run Time"`
	CPUNs         *int64        `json:"Executor CPU Time"`     // from Spark 2.1 on
	PeakMemory    *int64        `json:"Peak Execution Memory"` // from Spark 3.0 on
	ResultSize    int64         `json:"Result Size"`
	GCMs          int64         `json:"JVM GC Time"`
	SerializeMs   int64         `json:"Result Serialization Time"`
	MemorySpilled int64         `json:"Memory Bytes Spilled"`
	DiskSpilled   int64         `json:"Disk Bytes Spilled"`
	Read          shuffleRead   `json:"Shuffle Read Metrics"`
	Write         shuffleWrite  `json:"Shuffle Write Metrics"`
	Input         inputMetrics  `json:"Input Metrics"`
	Output        outputMetrics `json:"Output Metrics"`
}

type shuffleRead struct {
	FetchWaitMs int64 `json:"Fetch Wait Time"`
	Remote      int64 `json:"Remote Bytes Read"`
	Local       int64 `json:"Local Bytes Read"`
}

type shuffleWrite struct {
	Bytes int64 `json:"Shuffle Bytes Written"`
}

type inputMetrics struct {
	Bytes   int64 `json:"Bytes Read"`
	Records int64 `json:"Records Read"`
}

type outputMetrics struct {
	Bytes   int64 `json:"Bytes Written"`
	Records int64 `json:"Records Written"`
}

// taskTotals are the sums over the tasks of the application.
type taskTotals struct {
	ends, failed, killed, speculative int64
	heapOOM                           int64
	reasons, locality, causes         counts
	firstLaunch                       int64
	ids                               bitmap

	measured   bool // an end carried metrics
	cpuKnown   bool
	peakKnown  bool
	run        dist // of successful tasks
	room       int  // none: beyond a few, quantiles of all tasks are approximate
	tiny       int64
	runMs      sum
	cpuNs      sum
	deserMs    sum
	serMs      sum
	gcMs       sum
	delayMs    sum
	fetchMs    sum
	memSpill   sum
	diskSpill  sum
	inBytes    sum
	inRecords  sum
	outBytes   sum
	outRecords sum
	readBytes  sum
	remote     sum
	writeBytes sum
	maxInput   int64
	maxResult  int64
	maxPeak    int64
}

// tinyMs is below which a task is mostly overhead.
const tinyMs = 100

// Bounds of what a task can have measured: 30 years, an exbibyte.
const (
	maxMs    = 1_000_000_000_000
	maxNs    = maxMs * 1_000_000
	maxBytes = 1 << 60
)

var errAbsurd = errors.New("absurd measurement")

func (e *taskEnd) apply(a *app) error {
	if e.Metrics != nil && !e.Metrics.possible() || max(e.Info.Launch, e.Info.Finish) > maxTime {
		return errAbsurd
	}
	t := &a.tasks
	if e.Reason.Reason == endResubmitted { // repeats the id of an end that counts
		t.reasons.add(e.Reason.Reason)
		return nil
	}
	if !t.ids.first(e.Info.ID, maxTaskIDs) {
		a.concurrency.lost = true // the log repeats itself
		return nil
	}
	t.reasons.add(e.Reason.Reason)
	t.ends++
	t.locality.add(e.Info.Locality)
	if e.Info.Speculative {
		t.speculative++
	}
	if launch := a.see(e.Info.Launch); launch > 0 && (t.firstLaunch == 0 || launch < t.firstLaunch) {
		t.firstLaunch = launch
	}
	a.see(e.Info.Finish)

	st := a.stages.get(e.Stage, e.Attempt, a)
	a.concurrency.end(st)
	if st.tally != nil {
		st.tally.add(e, &a.stages.room)
	}
	x := a.executors.byID[e.Info.ExecutorID]
	if x != nil {
		x.used = true
		x.memory = max(x.memory, e.Executor.used())
	}
	e.classify(a, st, x)
	if e.Metrics != nil {
		e.measure(a, st)
	}
	return nil
}

// classify counts how the task ended.
func (e *taskEnd) classify(a *app, st *stage, x *executor) {
	switch e.Reason.Reason {
	case endSuccess:
		a.stages.succeed(st, e.Info.Index)
		return
	case endKilled, endCommitDenied:
		a.tasks.killed++
		return
	case endExecutorLost:
		if e.Reason.CausedByApp == nil || *e.Reason.CausedByApp {
			a.stages.lose(st, e.Info.Index)
		}
	}
	a.tasks.failed++
	offHeap := a.env.config().Bool("spark.memory.offHeap.enabled").V
	cause, text := e.Reason.told(offHeap)
	a.tasks.causes.add(cause)
	a.evidence.add(cause, text)
	heapOOM := e.Reason.heapOOM(offHeap)
	if heapOOM {
		a.tasks.heapOOM++
	}
	if x != nil {
		x.heapOOM = x.heapOOM || heapOOM
		x.otherOOM = x.otherOOM || e.Reason.otherOOM()
	}
}

// measure adds the task's metrics up.
func (e *taskEnd) measure(a *app, st *stage) {
	m, t := e.Metrics, &a.tasks
	t.add(m)
	t.delayMs.add(e.delay())
	st.add(m)
	if e.Reason.Reason == endSuccess {
		t.run.add(m.RunMs, &t.room)
		if m.RunMs < tinyMs {
			t.tiny++
		}
		room := &a.stages.room
		st.run.add(m.RunMs, room)
		st.bytes.add(m.bytesRead(), room)
		st.spill.add(m.MemorySpilled, room)
	}
	a.sample(e, st)
}

func (m *taskMetrics) possible() bool {
	return max(m.RunMs, m.DeserializeMs, m.SerializeMs, m.GCMs, m.Read.FetchWaitMs) <= maxMs &&
		(m.CPUNs == nil || *m.CPUNs <= maxNs) &&
		(m.PeakMemory == nil || *m.PeakMemory <= maxBytes) &&
		max(m.MemorySpilled, m.DiskSpilled, m.ResultSize, m.Write.Bytes) <= maxBytes &&
		max(m.Input.Bytes, m.Input.Records, m.Output.Bytes, m.Output.Records, m.Read.Remote, m.Read.Local) <= maxBytes
}

func (m *taskMetrics) bytesRead() int64 {
	var s sum
	s.add(m.Input.Bytes)
	s.add(m.Read.Remote)
	s.add(m.Read.Local)
	return int64(s)
}

// delay is the part of a task's wall time that is no work of its own.
func (e *taskEnd) delay() int64 {
	if e.Info.Launch <= 0 || e.Info.Finish <= e.Info.Launch || e.Info.Finish > maxTime {
		return 0
	}
	var work sum
	work.add(e.Metrics.RunMs)
	work.add(e.Metrics.DeserializeMs)
	work.add(e.Metrics.SerializeMs)
	if e.Info.GettingResult > 0 {
		work.add(e.Info.Finish - e.Info.GettingResult)
	}
	return e.Info.Finish - e.Info.Launch - int64(work)
}

func (t *taskTotals) add(m *taskMetrics) {
	t.measured = true
	if m.CPUNs != nil {
		t.cpuKnown = true
		t.cpuNs.add(*m.CPUNs)
	}
	t.runMs.add(m.RunMs)
	t.deserMs.add(m.DeserializeMs)
	t.serMs.add(m.SerializeMs)
	t.gcMs.add(m.GCMs)
	t.fetchMs.add(m.Read.FetchWaitMs)
	t.memSpill.add(m.MemorySpilled)
	t.diskSpill.add(m.DiskSpilled)
	t.inBytes.add(m.Input.Bytes)
	t.inRecords.add(m.Input.Records)
	t.outBytes.add(m.Output.Bytes)
	t.outRecords.add(m.Output.Records)
	t.readBytes.add(m.Read.Remote)
	t.remote.add(m.Read.Remote)
	t.readBytes.add(m.Read.Local)
	t.writeBytes.add(m.Write.Bytes)
	t.maxInput = max(t.maxInput, m.Input.Bytes)
	t.maxResult = max(t.maxResult, m.ResultSize)
	if m.PeakMemory != nil {
		t.peakKnown = true
		t.maxPeak = max(t.maxPeak, *m.PeakMemory)
	}
}

func (s *stage) add(m *taskMetrics) {
	s.runMs.add(m.RunMs)
	s.spilled.add(m.MemorySpilled)
	s.input.add(m.Input.Bytes)
	s.output.add(m.Output.Bytes)
	s.read.add(m.Read.Remote)
	s.read.add(m.Read.Local)
	s.write.add(m.Write.Bytes)
}

func (t *taskTotals) fill(r *analysis.Run) {
	r.Tasks, r.TasksFailed, r.TasksKilled = some(t.ends), some(t.failed), some(t.killed)
	r.TasksSpeculative, r.HeapOOMTasks = some(t.speculative), some(t.heapOOM)
	r.TaskEndReasons, r.TaskFailureCauses, r.Locality = t.reasons, t.causes, t.locality
	if t.firstLaunch > 0 && !r.Start.IsZero() {
		r.StartupMs = some(max(t.firstLaunch-r.Start.UnixMilli(), 0))
	}
	if t.measured {
		t.fillMetrics(r)
	}
}

func (t *taskTotals) fillMetrics(r *analysis.Run) {
	if t.run.n > 0 {
		r.TaskRunP50Ms, r.TaskRunP95Ms = some(t.run.quantile(50, 100)), some(t.run.quantile(95, 100))
		r.TaskRunP99Ms, r.TaskRunMaxMs = some(t.run.quantile(99, 100)), some(t.run.max)
	}
	r.TinyTasks = some(t.tiny)
	r.RunMs, r.DeserMs, r.ResultSerMs = some(int64(t.runMs)), some(int64(t.deserMs)), some(int64(t.serMs))
	if t.cpuKnown {
		r.CPUMs = some(int64(t.cpuNs) / 1e6)
	}
	r.GCMs, r.SchedDelayMs, r.FetchWaitMs = some(int64(t.gcMs)), some(int64(t.delayMs)), some(int64(t.fetchMs))
	r.MemorySpilled, r.DiskSpilled = some(int64(t.memSpill)), some(int64(t.diskSpill))
	r.InputBytes, r.InputRecords = some(int64(t.inBytes)), some(int64(t.inRecords))
	r.OutputBytes, r.OutputRecords = some(int64(t.outBytes)), some(int64(t.outRecords))
	r.ShuffleRead, r.ShuffleWrite = some(int64(t.readBytes)), some(int64(t.writeBytes))
	r.ShuffleRemote = some(int64(t.remote))
	r.MaxTaskInput, r.MaxResultBytes = some(t.maxInput), some(t.maxResult)
	if t.peakKnown {
		r.PeakExecMemory = some(t.maxPeak)
	}
}
