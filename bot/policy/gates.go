package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sparktune/sparktune/analysis"
)

// A Gate is one settable value of the policy.
type Gate struct {
	Name string // in the file
	Doc  string
	Min  float64 // in the gate's own unit: count, ratio, bytes, seconds
	Max  float64
	// field points to the gate's place: *int, *int64 (bytes or a count),
	// *float64, *time.Duration or *analysis.Goal (which has no bounds).
	field func(*analysis.Policy) any
	bytes bool
}

const (
	day = 24 * 3600
	mib = 1 << 20
	tib = 1 << 40
)

// goals are the values of the gate of that name.
var goals = []analysis.Goal{analysis.Balanced, analysis.Cost, analysis.Speed}

// Gates are all settable values, sorted by name. Bounds keep a typing error
// from turning a gate off: a shrink always needs two runs.
var Gates = []Gate{
	{Name: "core_hour_price", Doc: "Price of a core for an hour, where containers are billed; 0 is not said.", Min: 0, Max: 1e6, field: func(p *analysis.Policy) any { return &p.CoreHourPrice }},
	{Name: "dead_band", Doc: "Relative change below which a value is right as it is.", Min: 0.05, Max: 0.9, field: func(p *analysis.Policy) any { return &p.DeadBand }},
	{Name: "driver_cores", Doc: "Cores that a driver with little to schedule needs.", Min: 1, Max: 64, field: func(p *analysis.Policy) any { return &p.DriverCores }},
	{Name: "driver_executors", Doc: "Executors at a time up to which a driver has little to schedule.", Min: 0, Max: 100_000, field: func(p *analysis.Policy) any { return &p.DriverExecutors }},
	{Name: "driver_tasks", Doc: "Tasks of a run up to which a driver has little to schedule.", Min: 0, Max: 1e9, field: func(p *analysis.Policy) any { return &p.DriverTasks }},
	{Name: "gb_hour_price", Doc: "Price of a GiB of memory for an hour, where containers are billed; 0 is not said.", Min: 0, Max: 1e6, field: func(p *analysis.Policy) any { return &p.GBHourPrice }},
	{Name: "goal", Doc: "What a number of executors is chosen for: balanced (not slower, and dearer by at most 5 % or a quarter of the time that it saves; then the best product of both), cost, or speed.", field: func(p *analysis.Policy) any { return &p.Goal }},
	{Name: "large_broadcast", Doc: "Threshold of broadcast joins above which it is worth a word.", Min: mib, Max: 8 << 30, field: func(p *analysis.Policy) any { return &p.LargeBroadcast }, bytes: true},
	{Name: "large_task", Doc: "What the median task of a stage reads from which on its tasks are large.", Min: mib, Max: tib, field: func(p *analysis.Policy) any { return &p.LargeTask }, bytes: true},
	{Name: "lookback", Doc: "Runs that started earlier are not looked at.", Min: day, Max: 400 * day, field: func(p *analysis.Policy) any { return &p.Lookback }},
	{Name: "many_cores", Doc: "Cores of an executor above which its garbage collection is worth a word.", Min: 1, Max: 1000, field: func(p *analysis.Policy) any { return &p.ManyCores }},
	{Name: "many_partitions", Doc: "Shuffle partitions above which tiny tasks count; the default is Spark's own number.", Min: 1, Max: 1e6, field: func(p *analysis.Policy) any { return &p.ManyPartitions }},
	{Name: "many_tasks", Doc: "Tasks of a stage that reads files from which on small splits count.", Min: 1, Max: 1e6, field: func(p *analysis.Policy) any { return &p.ManyTasks }},
	{Name: "max_age", Doc: "With no run younger than this the metrics are stale.", Min: 3600, Max: 400 * day, field: func(p *analysis.Policy) any { return &p.MaxAge }},
	{Name: "max_cores", Doc: "Most executor cores that are ever written.", Min: 1, Max: 64, field: func(p *analysis.Policy) any { return &p.MaxCores }},
	{Name: "max_executors", Doc: "Most executors that are ever written.", Min: 1, Max: 100_000, field: func(p *analysis.Policy) any { return &p.MaxExecutors }},
	{Name: "max_gc_shrink", Doc: "Share of run time in garbage collection above which nothing is taken away.", Min: 0, Max: 0.2, field: func(p *analysis.Policy) any { return &p.MaxGCShrink }},
	{Name: "max_grow", Doc: "Largest factor by which memory grows in one proposal.", Min: 1.1, Max: 2, field: func(p *analysis.Policy) any { return &p.MaxGrow }},
	{Name: "max_heap", Doc: "Largest executor heap that is ever written.", Min: 512 * mib, Max: tib, field: func(p *analysis.Policy) any { return &p.MaxHeap }, bytes: true},
	{Name: "max_model_error", Doc: "Error of the simulation on the runs as they were, above which no number of executors is told from it.", Min: 0.01, Max: 0.5, field: func(p *analysis.Policy) any { return &p.MaxModelError }},
	{Name: "max_overhead", Doc: "Largest executor overhead that is ever written.", Min: 384 * mib, Max: tib, field: func(p *analysis.Policy) any { return &p.MaxOverhead }, bytes: true},
	{Name: "max_partition_step", Doc: "Largest factor by which shuffle partitions change in one proposal.", Min: 2, Max: 4, field: func(p *analysis.Policy) any { return &p.MaxPartitionStep }},
	{Name: "max_partitions", Doc: "Most shuffle partitions that are ever written.", Min: 1, Max: 200_000, field: func(p *analysis.Policy) any { return &p.MaxPartitions }},
	{Name: "max_probe", Doc: "Largest share of a heap that a probe takes away, where only trying tells its need; 0 turns probes off.", Min: 0, Max: 0.25, field: func(p *analysis.Policy) any { return &p.MaxProbe }},
	{Name: "max_shrink", Doc: "Largest share of a heap that is taken away in one proposal, and again of what is left while 1.5 times the need stays; memory_step at least, half of the heap at most.", Min: 0.05, Max: 0.5, field: func(p *analysis.Policy) any { return &p.MaxShrink }},
	{Name: "max_spill_shrink", Doc: "Spilled share of the data above which nothing is taken away.", Min: 0, Max: 0.1, field: func(p *analysis.Policy) any { return &p.MaxSpillShrink }},
	{Name: "memory_step", Doc: "Heaps and overheads are rounded up to a multiple of it.", Min: mib, Max: 16 << 30, field: func(p *analysis.Policy) any { return &p.MemoryStep }, bytes: true},
	{Name: "min_cadence", Doc: "Runs have to cover at least this time for what they come to in a month.", Min: 60, Max: 400 * day, field: func(p *analysis.Policy) any { return &p.MinCadence }},
	{Name: "min_coverage", Doc: "Least share of run time with heap samples for a peak to count.", Min: 0.5, Max: 1, field: func(p *analysis.Policy) any { return &p.MinCoverage }},
	{Name: "min_duration", Doc: "Median duration below which spill and waste are not worth a change.", Min: 0, Max: 30 * day, field: func(p *analysis.Policy) any { return &p.MinDuration }},
	{Name: "min_gc", Doc: "Share of run time in garbage collection that is worth more heap.", Min: 0.05, Max: 0.9, field: func(p *analysis.Policy) any { return &p.MinGC }},
	{Name: "min_heap", Doc: "Smallest executor heap that is ever written.", Min: 512 * mib, Max: tib, field: func(p *analysis.Policy) any { return &p.MinHeap }, bytes: true},
	{Name: "min_history", Doc: "A shrink needs runs over at least this time, so that month end is inside.", Min: 0, Max: 400 * day, field: func(p *analysis.Policy) any { return &p.MinHistory }},
	{Name: "min_measuring", Doc: "GiB x hours that a job reserves in a month from which on an unmeasured heap is worth measuring.", Min: 0, Max: 1e9, field: func(p *analysis.Policy) any { return &p.MinMeasuring }},
	{Name: "min_rdd_shuffle", Doc: "Shuffle that an application without SQL writes from which on its serializer is worth a word.", Min: mib, Max: tib, field: func(p *analysis.Policy) any { return &p.MinRDDShuffle }, bytes: true},
	{Name: "min_runs", Doc: "Fewest runs of one configuration before anything is advised.", Min: 1, Max: 1000, field: func(p *analysis.Policy) any { return &p.MinRuns }},
	{Name: "min_runs_shrink", Doc: "Fewest complete, successful runs before anything is taken away.", Min: 2, Max: 1000, field: func(p *analysis.Policy) any { return &p.MinRunsShrink }},
	{Name: "min_skew", Doc: "Longest task of a stage from which on its skew is worth a word.", Min: 0, Max: day, field: func(p *analysis.Policy) any { return &p.MinSkew }},
	{Name: "min_spill", Doc: "Memory spilled by the worst stage that is worth a change.", Min: mib, Max: tib, field: func(p *analysis.Policy) any { return &p.MinSpill }, bytes: true},
	{Name: "min_spill_ratio", Doc: "Least ratio of a stage's spill to its data.", Min: 0.01, Max: 10, field: func(p *analysis.Policy) any { return &p.MinSpillRatio }},
	{Name: "min_spill_share", Doc: "Least share of the run time of a stage whose spill is looked at.", Min: 0.01, Max: 1, field: func(p *analysis.Policy) any { return &p.MinSpillShare }},
	{Name: "node_cores", Doc: "Cores of a node, for the dominant share of it that a job reserves.", Min: 0, Max: 1e4, field: func(p *analysis.Policy) any { return &p.NodeCores }},
	{Name: "node_memory", Doc: "Memory of a node; no executor's container may be larger, and 0b is not said.", Min: 0, Max: 16 * tib, field: func(p *analysis.Policy) any { return &p.NodeMemory }, bytes: true},
	{Name: "node_price", Doc: "Price of a node for an hour; 0 is not said.", Min: 0, Max: 1e6, field: func(p *analysis.Policy) any { return &p.NodePrice }},
	{Name: "one_core_executors", Doc: "Executors of one core each from which on they are worth a word.", Min: 2, Max: 100_000, field: func(p *analysis.Policy) any { return &p.OneCoreExecutors }},
	{Name: "overhead_step", Doc: "Least growth of the overhead after a container kill.", Min: 64 * mib, Max: 16 << 30, field: func(p *analysis.Policy) any { return &p.OverheadStep }, bytes: true},
	{Name: "small_partition", Doc: "Shuffle that a task reads at most when tiny ones are merged.", Min: mib, Max: tib, field: func(p *analysis.Policy) any { return &p.SmallPartition }, bytes: true},
	{Name: "small_split", Doc: "Input of the median task of a stage below which its splits are small.", Min: mib, Max: tib, field: func(p *analysis.Policy) any { return &p.SmallSplit }, bytes: true},
	{Name: "wanted_cores", Doc: "Cores of an executor that are named; with more, a full heap gets fewer cores before it grows.", Min: 1, Max: 64, field: func(p *analysis.Policy) any { return &p.WantedCores }},
	{Name: "wanted_partition", Doc: "What a task should read in place of a large one.", Min: mib, Max: tib, field: func(p *analysis.Policy) any { return &p.WantedPartition }, bytes: true},
	{Name: "wanted_split", Doc: "Input split that is named in place of small ones.", Min: mib, Max: tib, field: func(p *analysis.Policy) any { return &p.WantedSplit }, bytes: true},
}

func findGate(name string) (Gate, bool) {
	i := slices.IndexFunc(Gates, func(g Gate) bool { return g.Name == name })
	if i < 0 {
		return Gate{}, false
	}
	return Gates[i], true
}

func gateNames() []string {
	var names []string
	for _, g := range Gates {
		names = append(names, g.Name)
	}
	return names
}

var errRange = errors.New("out of range")

// set parses text into the gate's field of p.
func (g Gate) set(p *analysis.Policy, text string) error {
	var value float64
	var store func()
	switch f := g.field(p).(type) {
	case *time.Duration:
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		value, store = d.Seconds(), func() { *f = d }
	case *float64:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		value, store = v, func() { *f = v }
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		value, store = float64(n), func() { *f = n }
	case *analysis.Goal:
		if !slices.Contains(goals, analysis.Goal(text)) {
			return errRange
		}
		*f = analysis.Goal(text)
		return nil
	case *int64:
		n := g.parseInt64(text)
		if !n.OK {
			return errRange
		}
		value, store = float64(n.V), func() { *f = n.V }
	default:
		panic("policy: gate " + g.Name + " has no parser") // unreachable except bug in Gates
	}
	if !(value >= g.Min && value <= g.Max) { // NaN is out of every range
		return errRange
	}
	store()
	return nil
}

func (g Gate) parseInt64(text string) analysis.Opt[int64] {
	if g.bytes {
		return analysis.ParseBytes(text, 0) // a number without a unit is refused
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return analysis.Opt[int64]{V: n, OK: err == nil}
}

// wants describes a valid value for an error message.
func (g Gate) wants() string {
	var p analysis.Policy
	switch g.field(&p).(type) {
	case *time.Duration:
		return fmt.Sprintf("a duration such as 35d, 12h or 90s, from %s to %s", seconds(g.Min), seconds(g.Max))
	case *float64:
		return fmt.Sprintf("a number from %v to %v", g.Min, g.Max)
	case *analysis.Goal:
		return fmt.Sprintf("one of %s, %s, %s", goals[0], goals[1], goals[2])
	}
	if g.bytes {
		return fmt.Sprintf("a size with its unit such as 512m or 4g, from %s to %s", analysis.FormatMemory(int64(g.Min)), analysis.FormatMemory(int64(g.Max)))
	}
	return fmt.Sprintf("a whole number from %.0f to %.0f", g.Min, g.Max)
}

func seconds(s float64) string { return spellDuration(time.Duration(s * float64(time.Second))) }

// spellDuration writes whole days as such; parseDuration reads it back.
func spellDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	return d.String()
}

// Text is the gate's value in p, spelled as the file takes it.
func (g Gate) Text(p analysis.Policy) string {
	switch f := g.field(&p).(type) {
	case *time.Duration:
		return spellDuration(*f)
	case *int64:
		if g.bytes {
			return analysis.FormatMemory(*f)
		}
		return strconv.FormatInt(*f, 10)
	case *int:
		return strconv.Itoa(*f)
	case *float64:
		return strconv.FormatFloat(*f, 'g', -1, 64)
	case *analysis.Goal:
		return string(*f)
	}
	panic("policy: gate " + g.Name + " has no text") // unreachable except bug in Gates
}

// Schema is the JSON Schema of a policy file, for editors. It says what the
// loader accepts up to the ranges of durations and sizes, which JSON Schema
// cannot compare; the loader has the last word.
func Schema() []byte {
	gates := make(map[string]any)
	for _, g := range Gates {
		gates[g.Name] = g.schema()
	}
	b, err := json.MarshalIndent(map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "sparktune policy (" + File + ")",
		"type":                 "object",
		"required":             []string{"version"},
		"additionalProperties": false,
		"properties": map[string]any{
			"version": map[string]any{"const": Version},
			"gates":   map[string]any{"type": "object", "additionalProperties": false, "properties": gates},

			"operators":      operatorsSchema(),
			"pull_requests":  fieldsSchema("About the pull requests of sparktune.", pullFields),
			ignoreField.name: ignoreSchema(),
		},
	}, "", "  ")
	if err != nil {
		panic(err) // unreachable: maps of plain values
	}
	return append(b, '\n')
}

func (g Gate) schema() map[string]any {
	def := analysis.DefaultPolicy()
	s := map[string]any{"description": fmt.Sprintf("%s Default %s.", g.Doc, g.Text(def))}
	switch g.field(&def).(type) {
	case *time.Duration:
		s["type"], s["pattern"] = "string", `^([0-9]+d|0|([0-9]+(\.[0-9]+)?(ms|s|m|h))+)$`
	case *float64:
		s["type"], s["minimum"], s["maximum"] = "number", g.Min, g.Max
	case *analysis.Goal:
		s["enum"] = goals
	default:
		s["type"], s["minimum"], s["maximum"] = "integer", g.Min, g.Max
		if g.bytes {
			s = map[string]any{"description": s["description"], "type": "string", "pattern": `^[0-9]+(?i:b|kb?|mb?|gb?|tb?|pb?)$`}
		}
	}
	return s
}
