package eventlog

import (
	"bytes"
)

// A scannedTask is a taskEnd that is read by hand.
type scannedTask struct {
	taskEnd
	metrics taskMetrics
	cpuNs   int64
	peak    int64
	seen    uint16 // keys
}

var (
	success         = []byte(`{"Reason":"Success"}`)
	accumulablesEnd = []byte(`]},"Task `)
)

var taskKeys = []string{"Stage ID", "Stage Attempt ID", "Task End Reason", "Task Info", "Task Executor Metrics", "Task Metrics"}

func (t *scannedTask) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Event":
		return s.event()
	case "Task Type":
		return s.skip()
	case "Stage ID":
		t.seen |= 128
		return s.integer(&t.Stage)
	case "Stage Attempt ID":
		t.seen |= 256
		return s.integer(&t.Attempt)
	case "Task End Reason":
		if bytes.HasPrefix(s.b[s.i:], success) {
			t.Reason.Reason = endSuccess
			s.i += len(success)
			return true
		}
		return s.object(&t.Reason)
	case "Task Info":
		return s.object((*scannedInfo)(t))
	case "Task Executor Metrics":
		return same(s, &s.zeros.executor, &t.Executor)
	case "Task Metrics":
		t.Metrics = &t.metrics
		return s.object((*scannedMetrics)(t))
	}
	return s.unknown(key, taskKeys)
}

var reasonKeys = []string{"Reason", "Class Name", "Description", "Full Stack Trace", "Message", "Loss Reason", "Exit Caused By App"}

func (r *endReason) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Reason":
		return s.word(&r.Reason)
	case "Class Name":
		return s.text(&r.Class)
	case "Description":
		return s.text(&r.Description)
	case "Full Stack Trace":
		return s.custom(&r.Trace)
	case "Message":
		return s.text(&r.Message)
	case "Loss Reason":
		return s.text(&r.Loss)
	case "Exit Caused By App":
		r.CausedByApp = new(bool)
		return s.boolean(r.CausedByApp)
	case "Stack Trace", "Metrics", "Accumulator Updates", "Kill Reason", "Executor ID", "Block Manager Address",
		"Shuffle ID", "Map ID", "Map Index", "Reduce ID", "Job ID", "Partition ID", "Attempt Number":
		return s.skip()
	}
	return s.unknown(key, reasonKeys)
}

// skipAccumulables jumps over the list that is most of a line, where it looks
// whole. Its objects are flat: where they are whole, the colons are one more
// than the commas.
func (s *scan) skipAccumulables() bool {
	n := bytes.Index(s.b[s.i:], accumulablesEnd)
	if n <= 0 || s.b[s.i] != '[' {
		return s.skip()
	}
	list := s.b[s.i+1 : s.i+n]
	if c := countIn(list); !c.balanced() || c.colons != c.commas+1 || bytes.Contains(list, []byte(eventPrefix)) {
		return s.skip()
	}
	s.i += n + 1
	return true
}

// wholeStart says whether the start of a task looks whole. No list in it has
// elements: where it is whole, every object has a colon more than commas.
func wholeStart(text []byte) bool {
	c := countIn(text)
	return c.balanced() && c.colons == c.commas+c.opened && bytes.HasSuffix(text, []byte("}}")) && !bytes.Contains(text, []byte("}{"))
}

// separators are how many a text has of the bytes that separate values. To count
// them is several times as fast as to read.
type separators struct{ quotes, opened, closed, commas, colons int }

func countIn(text []byte) separators {
	count := func(c byte) int { return bytes.Count(text, []byte{c}) }
	return separators{count('"'), count('{'), count('}'), count(','), count(':')}
}

func (c separators) balanced() bool { return c.quotes%2 == 0 && c.opened == c.closed }

type scannedInfo scannedTask

var infoKeys = []string{"Task ID", "Index", "Launch Time", "Executor ID", "Locality", "Speculative", "Getting Result Time", "Finish Time"}

// allInfo are the keys that could be passed over with the accumulables.
const allInfo = 1<<10 - 1

func (t *scannedInfo) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Task ID":
		t.seen |= 512
		return s.integer(&t.Info.ID)
	case "Index":
		t.seen |= 1
		return s.integer(&t.Info.Index)
	case "Launch Time":
		t.seen |= 2
		return s.integer(&t.Info.Launch)
	case "Executor ID":
		t.seen |= 4
		return s.word(&t.Info.ExecutorID)
	case "Locality":
		t.seen |= 8
		return s.word(&t.Info.Locality)
	case "Speculative":
		t.seen |= 16
		return s.boolean(&t.Info.Speculative)
	case "Getting Result Time":
		t.seen |= 32
		return s.integer(&t.Info.GettingResult)
	case "Finish Time":
		t.seen |= 64
		return s.integer(&t.Info.Finish)
	case "Accumulables":
		if t.seen != allInfo {
			return s.skip()
		}
		return s.skipAccumulables()
	case "Attempt", "Partition ID", "Host", "Failed", "Killed":
		return s.skip()
	}
	return s.unknown(key, infoKeys)
}

var executorKeys = []string{
	"JVMHeapMemory", "JVMOffHeapMemory", "OnHeapUnifiedMemory", "OffHeapUnifiedMemory", "DirectPoolMemory", "MappedPoolMemory",
	"ProcessTreeJVMRSSMemory", "ProcessTreePythonRSSMemory", "ProcessTreeOtherRSSMemory", "MinorGCCount", "MajorGCCount",
	"MinorGCTime", "MajorGCTime", "OnHeapExecutionMemory", "OffHeapExecutionMemory", "OnHeapStorageMemory", "OffHeapStorageMemory",
}

func (m *executorMetrics) field(s *scan, key []byte) bool {
	switch string(key) {
	case "JVMHeapMemory":
		return s.integer(&m.Heap)
	case "JVMOffHeapMemory":
		return s.integer(&m.JVMOther)
	case "OnHeapUnifiedMemory":
		return s.integer(&m.OnHeap)
	case "OffHeapUnifiedMemory":
		return s.integer(&m.OffHeap)
	case "DirectPoolMemory":
		return s.integer(&m.Direct)
	case "MappedPoolMemory":
		return s.integer(&m.Mapped)
	case "ProcessTreeJVMRSSMemory":
		return s.integer(&m.JVMRSS)
	case "ProcessTreePythonRSSMemory":
		return s.integer(&m.PythonRSS)
	case "ProcessTreeOtherRSSMemory":
		return s.integer(&m.OtherRSS)
	case "MinorGCCount":
		return s.integer(&m.MinorGC)
	case "MajorGCCount":
		return s.integer(&m.MajorGC)
	case "MinorGCTime":
		return s.integer(&m.MinorGCMs)
	case "MajorGCTime":
		return s.integer(&m.MajorGCMs)
	case "OnHeapExecutionMemory":
		return s.integer(&m.OnHeapExecution)
	case "OffHeapExecutionMemory":
		return s.integer(&m.OffHeapExecution)
	case "OnHeapStorageMemory":
		return s.integer(&m.OnHeapStorage)
	case "OffHeapStorageMemory":
		return s.integer(&m.OffHeapStorage)
	case "ProcessTreeJVMVMemory", "ProcessTreePythonVMemory", "ProcessTreeOtherVMemory",
		"TotalGCTime", "ConcurrentGCCount", "ConcurrentGCTime":
		return s.skip()
	}
	return s.unknown(key, executorKeys)
}

type scannedMetrics scannedTask

var metricsKeys = []string{
	"Executor Deserialize Time", "Executor Run Time", "Executor CPU Time", "Peak Execution Memory", "Result Size", "JVM GC Time",
	"Result Serialization Time", "Memory Bytes Spilled", "Disk Bytes Spilled",
	"Shuffle Read Metrics", "Shuffle Write Metrics", "Input Metrics", "Output Metrics",
}

func (t *scannedMetrics) field(s *scan, key []byte) bool {
	m := &t.metrics
	switch string(key) {
	case "Executor Deserialize Time":
		return s.integer(&m.DeserializeMs)
	case "Executor Run Time":
		return s.integer(&m.RunMs)
	case "Executor CPU Time":
		m.CPUNs = &t.cpuNs
		return s.integer(&t.cpuNs)
	case "Peak Execution Memory":
		m.PeakMemory = &t.peak
		return s.integer(&t.peak)
	case "Result Size":
		return s.integer(&m.ResultSize)
	case "JVM GC Time":
		return s.integer(&m.GCMs)
	case "Result Serialization Time":
		return s.integer(&m.SerializeMs)
	case "Memory Bytes Spilled":
		return s.integer(&m.MemorySpilled)
	case "Disk Bytes Spilled":
		return s.integer(&m.DiskSpilled)
	case "Shuffle Read Metrics":
		return same(s, &s.zeros.read, &m.Read)
	case "Shuffle Write Metrics":
		return same(s, &s.zeros.write, &m.Write)
	case "Input Metrics":
		return same(s, &s.zeros.input, &m.Input)
	case "Output Metrics":
		return same(s, &s.zeros.output, &m.Output)
	case "Executor Deserialize CPU Time", "Peak On Heap Execution Memory", "Peak Off Heap Execution Memory", "Updated Blocks":
		return s.skip()
	}
	return s.unknown(key, metricsKeys)
}

var readKeys = []string{"Fetch Wait Time", "Remote Bytes Read", "Local Bytes Read"}

func (m *shuffleRead) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Fetch Wait Time":
		return s.integer(&m.FetchWaitMs)
	case "Remote Bytes Read":
		return s.integer(&m.Remote)
	case "Local Bytes Read":
		return s.integer(&m.Local)
	case "Remote Blocks Fetched", "Local Blocks Fetched", "Remote Bytes Read To Disk", "Total Records Read", "Remote Requests Duration", "Push Based Shuffle":
		return s.skip()
	}
	return s.unknown(key, readKeys)
}

var writeKeys = []string{"Shuffle Bytes Written"}

func (m *shuffleWrite) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Shuffle Bytes Written":
		return s.integer(&m.Bytes)
	case "Shuffle Write Time", "Shuffle Records Written":
		return s.skip()
	}
	return s.unknown(key, writeKeys)
}

var inputKeys = []string{"Bytes Read", "Records Read"}

func (m *inputMetrics) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Bytes Read":
		return s.integer(&m.Bytes)
	case "Records Read":
		return s.integer(&m.Records)
	}
	return s.unknown(key, inputKeys)
}

var outputKeys = []string{"Bytes Written", "Records Written"}

func (m *outputMetrics) field(s *scan, key []byte) bool {
	switch string(key) {
	case "Bytes Written":
		return s.integer(&m.Bytes)
	case "Records Written":
		return s.integer(&m.Records)
	}
	return s.unknown(key, outputKeys)
}
