package eventlog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// resourceProfileAdded says what is asked for one executor, in mebibytes.
type resourceProfileAdded struct {
	ID       int64 `json:"Resource Profile Id"`
	Executor struct {
		Cores    amount  `json:"cores"`
		Memory   amount  `json:"memory"`
		Overhead *amount `json:"memoryOverhead"`
		OffHeap  amount  `json:"offHeap"`
		PySpark  amount  `json:"pyspark.memory"`
	} `json:"Executor Resource Requests"`
	Task struct {
		CPUs struct{ Amount float64 } `json:"cpus"`
	} `json:"Task Resource Requests"`
}

type amount struct{ Amount int64 }

func (m amount) bytes() int64 { return times(m.Amount, mib) }

const mib = 1 << 20

// maxProfiles bounds the resource profiles that are kept; applications have
// one or two.
const maxProfiles = 64

type profiles map[int64]*resourceProfileAdded

func (e *resourceProfileAdded) apply(a *app) error {
	if len(a.profiles) >= maxProfiles {
		return fmt.Errorf("more than %d resource profiles", maxProfiles)
	}
	if a.profiles == nil {
		a.profiles = make(profiles)
	}
	a.profiles[e.ID] = e
	return nil
}

// container is the memory asked for an executor of a profile; missing in local
// mode, where there is none, and when nothing says.
func (a *app) container(profile int64) analysis.Opt[int64] {
	if a.env.local() || !a.env.known && a.profiles[profile] == nil {
		return analysis.Opt[int64]{}
	}
	conf := a.env.config()
	heap := conf.Bytes("spark.executor.memory").Or(0)
	pyspark := conf.Bytes("spark.executor.pyspark.memory").Or(0)
	overhead := conf.Bytes("spark.executor.memoryOverhead")
	offHeap := int64(0)
	if conf.Bool("spark.memory.offHeap.enabled").Or(false) {
		offHeap = conf.Bytes("spark.memory.offHeap.size").Or(0)
	}
	if p := a.profiles[profile]; p != nil {
		heap = cmpPositive(p.Executor.Memory.bytes(), heap)
		offHeap = cmpPositive(p.Executor.OffHeap.bytes(), offHeap)
		pyspark = cmpPositive(p.Executor.PySpark.bytes(), pyspark)
		if p.Executor.Overhead != nil {
			overhead = some(p.Executor.Overhead.bytes())
		}
	}
	if a.env.language() != analysis.Python {
		pyspark = 0
	}
	var total sum
	for _, part := range []int64{heap, overhead.Or(a.defaultOverhead(heap)), offHeap, pyspark} {
		total.add(part)
	}
	return positive(int64(total))
}

// cpus are those asked for an executor of the default profile.
func (a *app) cpus() analysis.Opt[float64] {
	if a.env.local() {
		return analysis.Opt[float64]{}
	}
	conf := a.env.config()
	if a.env.kubernetes() {
		if n, ok := quantity(conf["spark.kubernetes.executor.request.cores"]); ok {
			return analysis.Some(n)
		}
	}
	cores := conf.Int("spark.executor.cores")
	if p := a.profiles[0]; p != nil && p.Executor.Cores.Amount > 0 {
		cores = some(p.Executor.Cores.Amount)
	}
	if !cores.OK || cores.V <= 0 || cores.V > maxCores {
		return analysis.Opt[float64]{}
	}
	return analysis.Some(float64(cores.V))
}

// quantity reads a number of CPUs as Kubernetes spells it: 2, 0.5 or 500m.
func quantity(s string) (float64, bool) {
	digits, milli := strings.CutSuffix(strings.TrimSpace(s), "m")
	n, err := strconv.ParseFloat(digits, 64)
	if milli {
		n /= 1000
	}
	return n, err == nil && n > 0 && n <= maxCores
}

func cmpPositive(v, def int64) int64 {
	if v > 0 {
		return v
	}
	return def
}

func (a *app) defaultOverhead(heap int64) int64 {
	conf := a.env.config()
	factor := conf.Float("spark.executor.memoryOverheadFactor")
	if factor.V <= 0 || factor.V >= 100 {
		factor.OK = false
	}
	return a.run.Platform().Overhead(heap, factor, conf.Bytes("spark.executor.minMemoryOverhead"), a.env.language())
}
