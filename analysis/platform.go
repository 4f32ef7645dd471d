package analysis

import "strings"

// A Platform is what gives executors their containers: how it rounds them, what
// it adds to a heap, and what it bills.
type Platform string

// The platforms that are told apart.
const (
	YARN          Platform = "yarn"
	EMR           Platform = "emr" // YARN of Amazon EMR: its own default overhead
	EMRServerless Platform = "emr_serverless"
	// DataprocServerless is told by the names of its hosts.
	DataprocServerless Platform = "dataproc_serverless"
	Kubernetes         Platform = "kubernetes"
	Standalone         Platform = "standalone"
	Local              Platform = "local" // driver and executor are one process
	OtherPlatform      Platform = ""
)

// Platform is where a run's executors were, by its master and version.
func (r *Run) Platform() Platform {
	amazon := strings.Contains(r.SparkVersion, "amzn")
	switch {
	case strings.Contains(r.Master, "emr-serverless"):
		return EMRServerless
	case strings.Contains(r.Master, "gdpic-srvls-"):
		return DataprocServerless
	case strings.HasPrefix(r.Master, "k8s://"):
		return Kubernetes
	case strings.HasPrefix(r.Master, "yarn") && amazon:
		return EMR
	case strings.HasPrefix(r.Master, "yarn"):
		return YARN
	case strings.HasPrefix(r.Master, "spark://"):
		return Standalone
	case r.Master == "local", strings.HasPrefix(r.Master, "local["):
		return Local
	}
	return OtherPlatform
}

// billsContainers says whether what an executor reserves is what is paid for.
// On a fixed cluster freed memory saves nothing until nodes leave.
func (f Platform) billsContainers() bool {
	return f == EMRServerless || f == Kubernetes || f == DataprocServerless
}

// cheapMemory is the memory of a core up to which Dataproc Serverless counts a
// gigabyte once; what is above counts twice. In its units a core is 0.6 and a
// gigabyte 0.1.
const cheapMemory = 8 * gib

// billed is what a container's memory counts as, over what it is.
func (f Platform) billed(container, cores int64) float64 {
	if dear := container - cheapMemory*cores; f == DataprocServerless && dear > 0 {
		return 1 + float64(dear)/float64(container)
	}
	return 1
}

// A Language is what an application is written in, as far as it has an effect on
// memory outside the heap.
type Language int

// The languages of Spark's own runners, and all of the JVM.
const (
	JVM Language = iota
	Python
	R
)

// LanguageOf tells it by the application's file.
func LanguageOf(application string) Language {
	switch {
	case strings.HasSuffix(application, ".py"):
		return Python
	case strings.HasSuffix(application, ".R"):
		return R
	}
	return JVM
}

// Overhead is the memory of an executor's container beside its heap, where
// nothing sets it, in bytes: factor x heap, or the least one. A factor that is
// missing is the platform's own. A standalone worker adds none.
func (f Platform) Overhead(heap int64, factor Opt[float64], least Opt[int64], of Language) int64 {
	if f == Standalone {
		return 0
	}
	return max(least.Or(minOverhead), int64(factor.Or(f.overheadFactor(of))*float64(heap)))
}

// overheadFactor is the platform's default share of the heap. Kubernetes adds
// 0.40 to jobs that are not of the JVM, Dataproc Serverless to those of Python.
func (f Platform) overheadFactor(of Language) float64 {
	switch {
	case f == EMR:
		return 0.1875
	case f == Kubernetes && of != JVM, f == DataprocServerless && of == Python:
		return 0.40
	}
	return 0.10
}

// workerSizes are those of EMR Serverless: cores, and from, to and step of the
// memory in GiB.
var workerSizes = []struct{ cores, from, to, step int64 }{{1, 2, 8, 1}, {2, 4, 16, 1}, {4, 8, 30, 1}, {8, 16, 60, 4}, {16, 32, 120, 8}}

// rounded is what a container of n bytes with a number of cores gets. YARN
// rounds up to its allocation step, EMR Serverless to its worker sizes, Dataproc
// Serverless to 1 GiB a core; a size that does not exist stays, and the platform
// refuses it.
func (r *Run) rounded(n, cores int64) int64 {
	switch r.Platform() {
	case YARN, EMR:
		return roundUp(n, r.ContainerStep.V)
	case EMRServerless:
		for _, w := range workerSizes {
			if w.cores == cores {
				return min(max(roundUp(n, w.step*gib), w.from*gib), max(n, w.to*gib))
			}
		}
	case DataprocServerless:
		return max(n, cores*gib)
	case Kubernetes, Standalone, Local, OtherPlatform:
	}
	return n
}

// overhead is the non-heap memory of an executor's container in bytes.
func (p *Profile) overhead(c Conf) int64 { return p.overheadOf(keyMemory, c) }

// overheadOf is the non-heap memory of the container of a heap's property in
// bytes, as ResourceProfile computes it: set, or as [Platform.Overhead].
func (p *Profile) overheadOf(heap string, c Conf) int64 {
	if v := c.Bytes(heap + "Overhead"); v.OK {
		return v.V
	}
	r := p.Newest()
	least := c.Bytes(strings.TrimSuffix(heap, "memory") + "minMemoryOverhead")
	return r.Platform().Overhead(c.Bytes(heap).V, c.Float(heap+"OverheadFactor"), least, LanguageOf(r.Application))
}

// container is the memory of an executor's container with configuration c, in
// bytes, as the platform rounds it.
func (p *Profile) container(c Conf) int64 {
	n := c.Bytes(keyMemory).V + p.overhead(c) + c.offHeap() + p.Newest().pySpark(c)
	return p.Newest().rounded(n, p.coresOf(c))
}

// offHeap is the execution memory of an executor outside its heap, in bytes.
func (c Conf) offHeap() int64 {
	if !c.Bool("spark.memory.offHeap.enabled").V {
		return 0
	}
	return c.Bytes("spark.memory.offHeap.size").V
}

// pySpark is the memory of an executor's Python workers that its container has
// beside the rest, in bytes: an application of the JVM has none.
func (r *Run) pySpark(c Conf) int64 {
	if strings.HasSuffix(r.Application, ".jar") {
		return 0
	}
	return c.Bytes(keyPySpark).V
}

// driverContainer is the memory that the driver's container asks for with
// configuration c, in bytes.
func (p *Profile) driverContainer(c Conf) int64 {
	return c.Bytes(keyDriver).V + p.overheadOf(keyDriver, c)
}

// coresOf are the cores of an executor with configuration c.
func (p *Profile) coresOf(c Conf) int64 { return min(max(1, c.Int(keyCores).Or(slots(p))), maxSlots) }
