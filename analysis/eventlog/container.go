package eventlog

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// resourceProfileAdded says what is asked for one executor, in mebibytes.
type resourceProfileAdded struct {
	ID       int64 `json:"Resource Profile Id"`
	Executor struct {
		Cores    amount  `json:"cores"`
		Memory   *amount `json:"memory"`
		Overhead *amount `json:"memoryOverhead"`
		OffHeap  *amount `json:"offHeap"`
		PySpark  *amount `json:"pyspark.memory"`
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
// mode, where there is none, and when the log does not tell all of it.
func (a *app) container(profile int64) analysis.Opt[int64] {
	if a.env.local() || !a.env.known || profile != 0 && a.profiles[profile] == nil {
		return analysis.Opt[int64]{}
	}
	c := a.run.Container(a.asked())
	if !c.OK {
		return analysis.Opt[int64]{}
	}
	if profile != 0 {
		a.profiles[profile].over(&c.V, a.env.config())
	}
	if a.env.language() != analysis.Python {
		c.V.PySpark = 0
	}
	var total sum
	for _, part := range []int64{c.V.Heap, c.V.Overhead, c.V.OffHeap, c.V.PySpark} {
		total.add(part)
	}
	return positive(int64(total))
}

// asked is the configuration that sizes executors of the default profile. What
// was redacted is set to no value, unless the profile tells it.
func (a *app) asked() analysis.Conf {
	c := make(analysis.Conf)
	maps.Copy(c, a.env.config())
	for _, name := range a.env.redacted {
		c[name] = analysis.Redacted
	}
	p := a.profiles[0]
	if p == nil {
		return c
	}
	for name, size := range map[string]*amount{
		"spark.executor.memory":         p.Executor.Memory,
		"spark.executor.memoryOverhead": p.Executor.Overhead,
		"spark.executor.pyspark.memory": p.Executor.PySpark,
	} {
		if size != nil {
			c[name] = fmt.Sprintf("%dm", size.Amount)
		}
	}
	return c
}

// over puts what a profile of the application's own asks for in place of the
// default's. What it does not ask for stays: also an overhead that is a share of
// the default heap.
func (e *resourceProfileAdded) over(c *analysis.Container, conf analysis.Conf) {
	offHeap := e.Executor.OffHeap
	if !conf.Bool("spark.memory.offHeap.enabled").V {
		offHeap = nil
	}
	for part, size := range map[*int64]*amount{
		&c.Heap: e.Executor.Memory, &c.Overhead: e.Executor.Overhead, &c.OffHeap: offHeap, &c.PySpark: e.Executor.PySpark,
	} {
		if size != nil {
			*part = size.bytes()
		}
	}
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
