package eventlog

import (
	"encoding/json"

	"github.com/sparktune/sparktune/analysis"
)

// executorMetrics are sampled peaks of one process: bytes, and counts since
// its start. 0 and -1 bytes mean that no sample fell into the task.
type executorMetrics struct {
	Heap      int64 `json:"JVMHeapMemory"`
	JVMOther  int64 `json:"JVMOffHeapMemory"`
	OnHeap    int64 `json:"OnHeapUnifiedMemory"`
	OffHeap   int64 `json:"OffHeapUnifiedMemory"`
	Direct    int64 `json:"DirectPoolMemory"`
	Mapped    int64 `json:"MappedPoolMemory"`
	JVMRSS    int64 `json:"ProcessTreeJVMRSSMemory"`
	PythonRSS int64 `json:"ProcessTreePythonRSSMemory"`
	OtherRSS  int64 `json:"ProcessTreeOtherRSSMemory"`
	MinorGC   int64 `json:"MinorGCCount"`
	MajorGC   int64 `json:"MajorGCCount"`
	MinorGCMs int64 `json:"MinorGCTime"`
	MajorGCMs int64 `json:"MajorGCTime"`

	OnHeapExecution  int64 `json:"OnHeapExecutionMemory"`
	OffHeapExecution int64 `json:"OffHeapExecutionMemory"`
	OnHeapStorage    int64 `json:"OnHeapStorageMemory"`
	OffHeapStorage   int64 `json:"OffHeapStorageMemory"`
}

// used is the memory of the whole process, as far as it was sampled.
func (m *executorMetrics) used() int64 {
	var s sum
	if m.JVMRSS > 0 {
		s.add(m.JVMRSS)
		s.add(m.PythonRSS)
		s.add(m.OtherRSS)
	} else if m.Heap > 0 {
		s.add(m.Heap)
		s.add(m.OffHeap)
	}
	return int64(s)
}

// stageExecutorMetrics come just before a stage completes, one per executor,
// when spark.eventLog.logStageExecutorMetrics is on.
type stageExecutorMetrics struct {
	ID      string          `json:"Executor ID"`
	Stage   int64           `json:"Stage ID"`
	Attempt int64           `json:"Stage Attempt ID"`
	Metrics executorMetrics `json:"Executor Metrics"`
}

func (e *stageExecutorMetrics) apply(a *app) error {
	if e.ID == driverID {
		a.driver.add(&e.Metrics)
		if e.Metrics.Heap > 0 {
			a.driver.stages++
		}
		if !a.env.local() {
			return nil
		}
	}
	a.peaks.add(&e.Metrics)
	if x := a.executors.byID[e.ID]; x != nil {
		x.memory = max(x.memory, e.Metrics.used())
	}
	a.stages.pay(a.stages.get(e.Stage, e.Attempt, a), e.ID, &e.Metrics, &a.peaks)
	return nil
}

// executorMetricsUpdate is only logged for the driver.
type executorMetricsUpdate struct {
	ID      string         `json:"Executor ID"`
	Updates metricsUpdates `json:"Executor Metrics Updated"`
}

// metricsUpdates has one entry for each stage that runs.
type metricsUpdates []metricsUpdate

const maxUpdates = 1 << 10

// UnmarshalJSON refuses a list over the bound.
func (u *metricsUpdates) UnmarshalJSON(b []byte) error {
	if len(b) > maxIDList {
		return errAbsurd
	}
	err := json.Unmarshal(b, (*[]metricsUpdate)(u))
	if len(*u) > maxUpdates {
		return errAbsurd
	}
	return err
}

type metricsUpdate struct {
	Metrics executorMetrics `json:"Executor Metrics"`
}

func (e *executorMetricsUpdate) apply(a *app) error {
	for i := range e.Updates {
		if e.ID == driverID {
			a.driver.add(&e.Updates[i].Metrics)
		}
	}
	return nil
}

// peaks are the largest values of any executor, and how much run time they
// cover.
type peaks struct {
	heap, onHeap, offHeap       int64
	jvmOther                    int64 // of the JVM itself, beside the heap
	direct, mapped              int64
	jvmRSS, pythonRSS, otherRSS int64
	minorGC, majorGC            int64
	minorGCMs, majorGCMs        int64
	execution, storage          int64 // on the heap
	offExecution, offStorage    int64
	stages                      int64 // that the driver was sampled for
	runMs                       sum
	heapMs, rssMs               sum
}

func (p *peaks) add(m *executorMetrics) {
	p.heap = max(p.heap, m.Heap)
	p.jvmOther = max(p.jvmOther, m.JVMOther)
	p.onHeap = max(p.onHeap, m.OnHeap)
	p.offHeap = max(p.offHeap, m.OffHeap)
	p.direct = max(p.direct, m.Direct)
	p.mapped = max(p.mapped, m.Mapped)
	p.jvmRSS = max(p.jvmRSS, m.JVMRSS)
	p.pythonRSS = max(p.pythonRSS, m.PythonRSS)
	p.otherRSS = max(p.otherRSS, m.OtherRSS)
	p.minorGC = max(p.minorGC, m.MinorGC)
	p.majorGC = max(p.majorGC, m.MajorGC)
	p.minorGCMs = max(p.minorGCMs, m.MinorGCMs)
	p.majorGCMs = max(p.majorGCMs, m.MajorGCMs)
	p.execution = max(p.execution, m.OnHeapExecution)
	p.storage = max(p.storage, m.OnHeapStorage)
	p.offExecution = max(p.offExecution, m.OffHeapExecution)
	p.offStorage = max(p.offStorage, m.OffHeapStorage)
}

// A debt is the run time of tasks without a sample of their own, which a
// sample of their stage and executor covers when it comes.
type debt struct {
	heapMs, rssMs     sum
	heapPaid, rssPaid bool
}

// Bounds of the executors whose tasks wait for samples, of a stage and of all.
const (
	maxDebts    = 1 << 12
	maxAllDebts = 1 << 15
)

// sample takes in a task's own samples and what they cover.
func (a *app) sample(e *taskEnd, st *stage) {
	p, run := &a.peaks, e.Metrics.RunMs
	p.runMs.add(run)
	p.add(&e.Executor)
	heap, rss := e.Executor.Heap > 0, e.Executor.JVMRSS > 0
	if heap && rss {
		p.heapMs.add(run)
		p.rssMs.add(run)
		return
	}
	d, ok := st.debts[e.Info.ExecutorID]
	if heap || d.heapPaid {
		p.heapMs.add(run)
	} else {
		d.heapMs.add(run)
	}
	if rss || d.rssPaid {
		p.rssMs.add(run)
	} else {
		d.rssMs.add(run)
	}
	if ok || a.staged() && a.stages.mayOwe(st, e.Info.ExecutorID) {
		a.stages.owe(st, e.Info.ExecutorID, d)
	}
}

// staged says whether samples per stage may come.
func (a *app) staged() bool {
	return !a.env.known || a.env.config().Bool("spark.eventLog.logStageExecutorMetrics").Or(false)
}

func (s *stages) mayOwe(st *stage, executor string) bool {
	return s.debts < maxAllDebts && len(st.debts) < maxDebts && len(executor) <= maxID
}

func (s *stages) owe(st *stage, executor string, d debt) {
	if st.debts == nil {
		st.debts = make(map[string]debt)
	}
	before := len(st.debts)
	st.debts[executor] = d
	s.debts += len(st.debts) - before
}

func (s *stages) pay(st *stage, executor string, m *executorMetrics, p *peaks) {
	d, ok := st.debts[executor]
	if !ok && !s.mayOwe(st, executor) {
		return
	}
	if m.Heap > 0 {
		p.heapMs.add(int64(d.heapMs))
		d.heapMs, d.heapPaid = 0, true
	}
	if m.JVMRSS > 0 {
		p.rssMs.add(int64(d.rssMs))
		d.rssMs, d.rssPaid = 0, true
	}
	s.owe(st, executor, d)
}

func (p *peaks) fill(r *analysis.Run) {
	r.PeakHeap, r.PeakJVMOffHeap = positive(p.heap), positive(p.jvmOther)
	r.PeakOnHeapUnified, r.PeakOffHeapUnified = positive(p.onHeap), positive(p.offHeap)
	r.PeakOnHeapExec, r.PeakOnHeapStorage = positive(p.execution), positive(p.storage)
	r.PeakOffHeapExec, r.PeakOffHeapStorage = positive(p.offExecution), positive(p.offStorage)
	r.PeakDirectPool, r.PeakMappedPool = positive(p.direct), positive(p.mapped)
	r.PeakJVMRSS, r.PeakPythonRSS, r.PeakOtherRSS = positive(p.jvmRSS), positive(p.pythonRSS), positive(p.otherRSS)
	if p.heap > 0 {
		// Where the heap was sampled, no collection is a measurement.
		r.MinorGCCount, r.MajorGCCount = some(max(p.minorGC, 0)), some(max(p.majorGC, 0))
		r.MinorGCMs, r.MajorGCMs = some(max(p.minorGCMs, 0)), some(max(p.majorGCMs, 0))
	}
	if p.runMs > 0 {
		r.HeapCoverage, r.RSSCoverage = ratio(int64(p.heapMs), int64(p.runMs)), ratio(int64(p.rssMs), int64(p.runMs))
	}
}
