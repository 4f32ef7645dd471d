package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"

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

// raise takes over what is larger.
func (m *executorMetrics) raise(o *executorMetrics) {
	m.Heap = max(m.Heap, o.Heap)
	m.JVMOther = max(m.JVMOther, o.JVMOther)
	m.OnHeap = max(m.OnHeap, o.OnHeap)
	m.OffHeap = max(m.OffHeap, o.OffHeap)
	m.Direct = max(m.Direct, o.Direct)
	m.Mapped = max(m.Mapped, o.Mapped)
	m.JVMRSS = max(m.JVMRSS, o.JVMRSS)
	m.PythonRSS = max(m.PythonRSS, o.PythonRSS)
	m.OtherRSS = max(m.OtherRSS, o.OtherRSS)
	m.MinorGC = max(m.MinorGC, o.MinorGC)
	m.MajorGC = max(m.MajorGC, o.MajorGC)
	m.MinorGCMs = max(m.MinorGCMs, o.MinorGCMs)
	m.MajorGCMs = max(m.MajorGCMs, o.MajorGCMs)
	m.OnHeapExecution = max(m.OnHeapExecution, o.OnHeapExecution)
	m.OffHeapExecution = max(m.OffHeapExecution, o.OffHeapExecution)
	m.OnHeapStorage = max(m.OnHeapStorage, o.OnHeapStorage)
	m.OffHeapStorage = max(m.OffHeapStorage, o.OffHeapStorage)
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
		a.driver.raise(&e.Metrics)
		if e.Metrics.Heap > 0 {
			a.driver.stages++
		}
		if !a.env.local() {
			return nil
		}
	}
	a.peaks.raise(&e.Metrics)
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

// metricsUpdates is a list with one entry for each stage that runs. The largest
// of each value is all that counts, and three bytes of text can be an entry.
type metricsUpdates struct{ Largest executorMetrics }

// UnmarshalJSON reads an entry at a time.
func (u *metricsUpdates) UnmarshalJSON(b []byte) error {
	*u = metricsUpdates{}
	return eachElement(b, func(m *metricsUpdate) { u.Largest.raise(&m.Metrics) })
}

type metricsUpdate struct {
	Metrics executorMetrics `json:"Executor Metrics"`
}

func (e *executorMetricsUpdate) apply(a *app) error {
	if e.ID == driverID {
		a.driver.raise(&e.Updates.Largest)
	}
	return nil
}

// eachElement decodes the elements of an array one after the other, and holds
// none.
func eachElement[T any](b []byte, take func(*T)) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if tok, err := dec.Token(); err != nil || tok == nil {
		return err // null
	} else if tok != json.Delim('[') {
		return errNoList
	}
	for dec.More() {
		var v T
		if err := dec.Decode(&v); err != nil {
			return err
		}
		take(&v)
	}
	_, err := dec.Token()
	return err
}

var errNoList = errors.New("no list")

// peaks are the largest values of any executor, and how much run time they
// cover.
type peaks struct {
	executorMetrics
	stages        int64 // that the driver was sampled for
	runMs         sum
	heapMs, rssMs sum
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
	p.raise(&e.Executor)
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
	r.PeakHeap, r.PeakJVMOffHeap = positive(p.Heap), positive(p.JVMOther)
	r.PeakOnHeapUnified, r.PeakOffHeapUnified = positive(p.OnHeap), positive(p.OffHeap)
	r.PeakOnHeapExec, r.PeakOnHeapStorage = positive(p.OnHeapExecution), positive(p.OnHeapStorage)
	r.PeakOffHeapExec, r.PeakOffHeapStorage = positive(p.OffHeapExecution), positive(p.OffHeapStorage)
	r.PeakDirectPool, r.PeakMappedPool = positive(p.Direct), positive(p.Mapped)
	r.PeakJVMRSS, r.PeakPythonRSS, r.PeakOtherRSS = positive(p.JVMRSS), positive(p.PythonRSS), positive(p.OtherRSS)
	if p.Heap > 0 {
		// Where the heap was sampled, no collection is a measurement.
		r.MinorGCCount, r.MajorGCCount = some(p.MinorGC), some(p.MajorGC)
		r.MinorGCMs, r.MajorGCMs = some(p.MinorGCMs), some(p.MajorGCMs)
	}
	if p.runMs > 0 {
		r.HeapCoverage, r.RSSCoverage = ratio(int64(p.heapMs), int64(p.runMs)), ratio(int64(p.rssMs), int64(p.runMs))
	}
}
