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

// overhead is the memory of a container beside its heap, where nothing sets it,
// in bytes: factor x heap in whole mebibytes, as Spark cuts it, or the least one.
// A factor that is missing is the platform's own. A standalone worker adds none.
func (f Platform) overhead(heap int64, factor Opt[float64], least int64, of Language) int64 {
	if f == Standalone {
		return 0
	}
	return max(least, int64(factor.Or(f.overheadFactor(of))*float64(heap/mib))*mib)
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

// A Container is the memory that is asked for one executor, in bytes, each part
// of whole mebibytes.
type Container struct{ Heap, Overhead, OffHeap, PySpark int64 }

// Bytes is all of it.
func (c Container) Bytes() int64 { return c.Heap + c.Overhead + c.OffHeap + c.PySpark }

// Container is what Spark asks for an executor of r with configuration c, as its
// ResourceProfile and, before Spark 3.1, the platforms compute it. It is missing
// where a part is set to what is no size; its value then has the others.
func (r *Run) Container(c Conf) Opt[Container] {
	heap, overhead := c.part(keyMemory), r.overhead(c)
	offHeap, pySpark := r.offHeap(c), r.pySpark(c)
	return Opt[Container]{
		V:  Container{heap.V, overhead.V, offHeap.V, pySpark.V},
		OK: heap.OK && overhead.OK && offHeap.OK && pySpark.OK,
	}
}

// maxPart bounds a part of a container: an exbibyte, so that sums stay sums.
const maxPart = 1 << 60

// part is a size of whole mebibytes: 0 when neither it nor a default is set,
// missing when what is set is no size.
func (c Conf) part(key string) Opt[int64] {
	v := c.Bytes(key)
	if v.V < 0 || v.V > maxPart || !v.OK && c.set(key) {
		return Opt[int64]{}
	}
	return Some(v.V / mib * mib)
}

// overhead is the memory of an executor's container beside what has a setting of
// its own: set, or a share of the heap.
func (r *Run) overhead(c Conf) Opt[int64] {
	if c.set(keyOverhead) {
		return c.part(keyOverhead)
	}
	least := Some[int64](minOverhead)
	if r.since(4, 0) {
		least = c.part(keyLeastOverhead)
	}
	key := r.factorKey(c)
	factor := c.share(key)
	return Opt[int64]{
		V:  r.Platform().overhead(c.part(keyMemory).V, factor, least.V, r.sizedAs(c)),
		OK: least.OK && (factor.OK || !c.set(key)),
	}
}

// factorKey is the property that says which share of the heap the overhead is;
// "" when none has an effect.
func (r *Run) factorKey(c Conf) string {
	general := r.since(3, 3)
	switch on := r.Platform(); {
	case general && c.set(keyFactor):
		return keyFactor
	case on == Kubernetes:
		return keyPodFactor
	case on == EMR:
		return keyEMRFactor
	}
	return ""
}

// share is a share of the heap that Spark takes; missing when it is none.
func (c Conf) share(key string) Opt[float64] {
	if f := c.Float(key); f.V > 0 && f.V < 100 {
		return f
	}
	return Opt[float64]{}
}

// sizedAs is the language by which the platform sizes an executor. Kubernetes
// knows it in cluster mode only. There the log calls the driver a client too, but
// has the factor that Spark gave it for its language.
func (r *Run) sizedAs(c Conf) Language {
	if r.Platform() == Kubernetes && r.DeployMode == "client" {
		return JVM
	}
	return r.language(c)
}

// language is what the application is written in, as far as it is known.
func (r *Run) language(c Conf) Language {
	switch c[keyPodLanguage] {
	case "python":
		return Python
	case "r":
		return R
	}
	return LanguageOf(r.Application)
}

// since says whether the run's Spark is of major.minor or later. One that is not
// known is of today.
func (r *Run) since(major, minor int) bool {
	return r.SparkVersion == "" || !older(r.SparkVersion, major, minor)
}

// offHeap is the memory outside the heap that an executor's container has room
// for: since Spark 3.0, on Kubernetes since 3.1.
func (r *Run) offHeap(c Conf) Opt[int64] {
	if !r.since(3, 0) || r.Platform() == Kubernetes && !r.since(3, 1) {
		return Some[int64](0)
	}
	return c.offHeap()
}

// offHeap is the execution memory of an executor outside its heap, in bytes;
// missing when it is no size.
func (c Conf) offHeap() Opt[int64] {
	if on := c.Bool(keyOffHeap); !on.V {
		return Opt[int64]{OK: on.OK}
	}
	return c.part(keyOffHeapSize)
}

// pySpark is the memory of an executor's Python workers that its container has
// beside the rest, in bytes. Kubernetes adds it where Spark said that the
// application is Python's, which it does in cluster mode.
func (r *Run) pySpark(c Conf) Opt[int64] {
	if r.ofJVM() || r.Platform() == Kubernetes && !r.podsOfPython(c) {
		return Some[int64](0)
	}
	return c.part(keyPySpark)
}

// podsOfPython says whether Kubernetes gives the application the memory of Python
// workers; where nothing tells, it does.
func (r *Run) podsOfPython(c Conf) bool {
	if !c.set(keyPodLanguage) {
		return r.DeployMode != "client"
	}
	return c[keyPodLanguage] == "python"
}

// ofJVM says whether there are no Python workers for sure.
func (r *Run) ofJVM() bool { return strings.HasSuffix(r.Application, ".jar") }

// overhead is the non-heap memory of an executor's container in bytes.
func (p *Profile) overhead(c Conf) int64 { return p.Newest().Container(c).V.Overhead }

// container is the memory of an executor's container with configuration c, in
// bytes, as the platform rounds it.
func (p *Profile) container(c Conf) int64 {
	r := p.Newest()
	return r.rounded(r.Container(c).V.Bytes(), p.coresOf(c))
}

// driverContainer is the memory that the driver's container asks for with
// configuration c, in bytes. Kubernetes has one in cluster mode, where it knows
// the language.
func (p *Profile) driverContainer(c Conf) int64 {
	r, heap := p.Newest(), c.Bytes(keyDriver).V
	if v := c.Bytes(keyDriver + "Overhead"); v.OK {
		return heap + v.V
	}
	factor := c.share(keyDriver + "OverheadFactor")
	if !factor.OK && r.Platform() == Kubernetes {
		factor = c.share(keyPodFactor)
	}
	return heap + r.Platform().overhead(heap, factor, minOverhead, r.language(c))
}

// coresOf are the cores of an executor with configuration c.
func (p *Profile) coresOf(c Conf) int64 { return min(max(1, c.Int(keyCores).Or(slots(p))), maxSlots) }
