package analysis

import (
	"math"
	"slices"
	"testing"
)

// What an executor gets of what it asks for, on each platform.
func TestContainers(t *testing.T) {
	for _, c := range []struct {
		name string
		run  Run
		conf Conf
		want string
	}{
		{"default overhead is at least 384 MiB", Run{Master: "yarn"}, Conf{keyMemory: "2g"}, "2432m"},
		{"and a tenth of the heap above that", Run{Master: "yarn"}, Conf{keyMemory: "20g"}, "22g"},
		{"YARN rounds up to its step", Run{Master: "yarn", ContainerStep: Some(int64(gib))}, Conf{keyMemory: "2g"}, "3g"},
		{"EMR adds 0.1875", Run{Master: "yarn", SparkVersion: "3.5.0-amzn-1"}, Conf{keyMemory: "16g"}, "19g"},
		{"by a factor of its own, which counts on it only", Run{Master: "yarn", SparkVersion: "3.3.0-amzn-1"}, Conf{keyMemory: "16g", keyEMRFactor: "0.25"}, "20g"},
		{"and not elsewhere", Run{Master: "yarn", SparkVersion: "3.3.0"}, Conf{keyMemory: "20g", keyEMRFactor: "0.25"}, "22g"},
		{"after the factor of all platforms", Run{Master: "yarn", SparkVersion: "3.3.0-amzn-1"}, Conf{keyMemory: "10g", keyEMRFactor: "0.25", keyFactor: "0.5"}, "15g"},
		{"which is new in Spark 3.3", Run{Master: "yarn", SparkVersion: "3.2.4"}, Conf{keyMemory: "20g", keyFactor: "0.5"}, "22g"},
		{"and a share", Run{Master: "yarn"}, Conf{keyMemory: "20g", keyFactor: "-1"}, "22g"},
		{"an overhead is cut to whole MiB", Run{Master: "yarn", ContainerStep: Some(int64(gib))}, Conf{keyMemory: "11171m"}, "12g"},
		{"and so is a heap", Run{Master: "yarn"}, Conf{keyMemory: "2097151k", keyOverhead: "1g"}, "3071m"},
		{"Kubernetes adds 0.40 to Python", Run{Master: "k8s://https://k", Application: "s3://jobs/etl.py"}, Conf{keyMemory: "10g"}, "14g"},
		{"in client mode it does not know", Run{Master: "k8s://https://k", Application: "etl.py", DeployMode: "client"}, Conf{keyMemory: "10g", keyPySpark: "1g"}, "11g"},
		{"in cluster mode Spark writes what it is", Run{Master: "k8s://https://k", Application: "etl.py", DeployMode: "client"}, Conf{keyMemory: "10g", keyPySpark: "1g", keyPodFactor: "0.4", keyPodLanguage: "python"}, "15g"},
		{"R has no such workers", Run{Master: "k8s://https://k", DeployMode: "client"}, Conf{keyMemory: "10g", keyPySpark: "1g", keyPodFactor: "0.4", keyPodLanguage: "r"}, "14g"},
		{"its factor counts before Spark 3.3 too", Run{Master: "k8s://https://k", SparkVersion: "3.1.1"}, Conf{keyMemory: "10g", keyPodFactor: "0.2", keyFactor: "0.5"}, "12g"},
		{"and has no effect on YARN", Run{Master: "yarn"}, Conf{keyMemory: "10g", keyPodFactor: "0.2"}, "11g"},
		{"and 0.10 to a jar", Run{Master: "k8s://https://k", Application: "etl.jar"}, Conf{keyMemory: "10g"}, "11g"},
		{"a set overhead wins", Run{Master: "k8s://https://k", Application: "etl.py"}, Conf{keyMemory: "10g", keyOverhead: "1g"}, "11g"},
		{"off-heap counts when it is on", Run{Master: "yarn"}, Conf{keyMemory: "2g", keyOverhead: "1g", "spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "1g"}, "4g"},
		{"YARN's since Spark 3.0", Run{Master: "yarn", SparkVersion: "2.4.8"}, Conf{keyMemory: "2g", keyOverhead: "1g", keyOffHeap: "true", keyOffHeapSize: "1g"}, "3g"},
		{"Kubernetes' since 3.1", Run{Master: "k8s://https://k", SparkVersion: "3.0.3"}, Conf{keyMemory: "2g", keyOverhead: "1g", keyOffHeap: "true", keyOffHeapSize: "1g"}, "3g"},
		{"and Python's own limit", Run{Master: "yarn"}, Conf{keyMemory: "2g", keyOverhead: "1g", "spark.executor.pyspark.memory": "1g"}, "4g"},
		{"which a jar has none of", Run{Master: "yarn", Application: "etl.jar"}, Conf{keyMemory: "2g", keyOverhead: "1g", keyPySpark: "1g"}, "3g"},
		{"Spark 4's own least overhead holds", Run{Master: "yarn"}, Conf{keyMemory: "2g", "spark.executor.minMemoryOverhead": "1g"}, "3g"},
		{"which Spark 3 does not know", Run{Master: "yarn", SparkVersion: "3.5.1"}, Conf{keyMemory: "2g", keyLeastOverhead: "1g"}, "2432m"},
		{"and a set overhead may be below it", Run{Master: "yarn"}, Conf{keyMemory: "2g", keyOverhead: "512m", "spark.executor.minMemoryOverhead": "1g"}, "2560m"},
		{"Serverless has whole GiB for 4 cores", Run{Master: "custom:emr-serverless"}, Conf{keyMemory: "14g", keyCores: "4"}, "16g"},
		{"steps of 4 GiB for 8", Run{Master: "custom:emr-serverless"}, Conf{keyMemory: "17g", keyCores: "8"}, "20g"},
		{"and a least size", Run{Master: "custom:emr-serverless"}, Conf{keyMemory: "1g", keyCores: "16"}, "32g"},
		{"Dataproc Serverless adds 0.40 to Python", Run{Master: "spark://gdpic-srvls-batch-1-m:7077", Application: "gs://jobs/etl.py"}, Conf{keyMemory: "10g", keyCores: "4"}, "14g"},
		{"0.10 to R and to a jar", Run{Master: "spark://gdpic-srvls-batch-1-m:7077", Application: "etl.R"}, Conf{keyMemory: "10g", keyCores: "4"}, "11g"},
		{"and has 1 GiB a core at least", Run{Master: "spark://gdpic-srvls-batch-1-m:7077"}, Conf{keyMemory: "2g", keyCores: "8"}, "8g"},
		{"what it has not is not made up", Run{Master: "custom:emr-serverless"}, Conf{keyMemory: "100g", keyCores: "4"}, "110g"},
	} {
		r := c.run
		r.Conf = c.conf
		p := &Profile{Runs: []*Run{&r}}
		if got := FormatMemory(p.container(c.conf)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// What is set to no size leaves a container unknown, where it has an effect.
func TestUnknownContainers(t *testing.T) {
	spark3 := Run{Master: "yarn", SparkVersion: "3.2.4"}
	for _, c := range []struct {
		run   Run
		conf  Conf
		known bool
	}{
		{Run{Master: "yarn"}, Conf{}, true},
		{Run{Master: "yarn"}, Conf{keyMemory: "4x"}, false},
		{Run{Master: "yarn"}, Conf{keyMemory: Redacted}, false},
		{Run{Master: "yarn"}, Conf{keyMemory: "-4g"}, false},
		{Run{Master: "yarn"}, Conf{keyMemory: "8191p"}, false},
		{Run{Master: "yarn"}, Conf{keyOverhead: Redacted}, false},
		{Run{Master: "yarn"}, Conf{keyPySpark: Redacted}, false},
		{Run{Master: "yarn", Application: "etl.jar"}, Conf{keyPySpark: Redacted}, true},
		{Run{Master: "yarn"}, Conf{keyOffHeap: Redacted}, false},
		{Run{Master: "yarn"}, Conf{keyOffHeap: "true", keyOffHeapSize: Redacted}, false},
		{Run{Master: "yarn"}, Conf{keyOffHeapSize: Redacted}, true},
		{Run{Master: "yarn"}, Conf{keyFactor: "a tenth"}, false},
		{spark3, Conf{keyFactor: "a tenth"}, true},
		{Run{Master: "yarn"}, Conf{keyFactor: "a tenth", keyOverhead: "1g"}, true},
		{Run{Master: "yarn"}, Conf{keyPodFactor: "a tenth"}, true},
		{Run{Master: "yarn"}, Conf{keyLeastOverhead: Redacted}, false},
		{spark3, Conf{keyLeastOverhead: Redacted}, true},
	} {
		if got := c.run.Container(c.conf); got.OK != c.known {
			t.Errorf("%v on Spark %q: %+v", c.conf, c.run.SparkVersion, got)
		}
	}
}

// Python's resident memory has room of its own where the container has some.
func TestOutsideHeap(t *testing.T) {
	r := Run{Master: "k8s://https://k", Application: "etl.py", DeployMode: "client", Conf: Conf{keyMemory: "4g", keyPySpark: "1g"}, PeakPythonRSS: Some(int64(3 * gib))}
	if got := leastOverhead(&r); got.V != 3*gib {
		t.Errorf("in client mode %s, want 3g", FormatMemory(got.V))
	}
	r.Conf[keyPodLanguage] = "python"
	if got := leastOverhead(&r); got.V != 2*gib {
		t.Errorf("in cluster mode %s, want 2g", FormatMemory(got.V))
	}
}

// Reading a property does not make it one that sparktune changes.
func TestWrittenProperties(t *testing.T) {
	var got []string
	for _, p := range Properties {
		if p.Write {
			got = append(got, p.Name)
		}
	}
	want := []string{
		keyDriver, keyMaxExecs, keyMinExecs, keyStageMetrics, keyCores, keyInstances, keyMemory, keyOverhead, keyPolling, keyProcessTree, keyPartitions,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Of Dataproc Serverless, memory above 8 GiB a core is paid for twice; of others
// and below that once.
func TestBilledMemory(t *testing.T) {
	for _, c := range []struct {
		on        Platform
		container int64
		cores     int64
		want      float64
	}{
		{DataprocServerless, 16 * gib, 4, 1},
		{DataprocServerless, 32 * gib, 4, 1},
		{DataprocServerless, 64 * gib, 4, 1.5}, // 32 once, 32 twice
		{EMRServerless, 64 * gib, 4, 1},
		{YARN, 64 * gib, 4, 1},
	} {
		if got := c.on.billed(c.container, c.cores); got != c.want {
			t.Errorf("%s, %s of %d cores: %g, want %g", c.on, FormatMemory(c.container), c.cores, got, c.want)
		}
	}
	e := &Effect{ContainerBefore: 64 * gib, ContainerAfter: 32 * gib, GBHoursBefore: 64, GBHoursAfter: 32, CoreHoursBefore: 4, CoreHoursAfter: 4}
	m := e.price(DataprocServerless, 4, 4, Policy{CoreHourPrice: 0.6, GBHourPrice: 0.1})
	if m == nil || math.Abs(m.Before-(2.4+9.6)) > 1e-9 || math.Abs(m.After-(2.4+3.2)) > 1e-9 {
		t.Errorf("paid %+v", m)
	}
}

// A month's savings are those of each job once, and only of known cadence.
func TestSumCountsEachJobOnce(t *testing.T) {
	e := &Effect{GBHoursBefore: 10, GBHoursAfter: 7, CoreHoursBefore: 4, CoreHoursAfter: 3, RunsPerMonth: 30, Money: &Money{Before: 2, After: 1.5}}
	once := &Effect{GBHoursBefore: 10, GBHoursAfter: 1}
	got := Sum([]Advice{{Job: "a", Effect: e}, {Job: "a", Effect: e}, {Job: "b", Effect: e}, {Job: "c", Effect: once}, {Job: "d"}})
	if want := (Total{Jobs: 2, GBHours: 180, CoreHours: 60, Money: 30}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The goals weigh the same curve differently.
func TestGoals(t *testing.T) {
	s := simulation(t, profileOf(10, slicesOf(200, 2000), slicesOf(3, 60_000)))
	o := outlook{at: (*Simulation).At, sims: []*Simulation{s}, today: []Prediction{s.At(10)}}
	balanced, cheap, fast := o.best(10, 1, 40, Balanced), o.best(10, 1, 40, Cost), o.best(10, 1, 40, Speed)
	if cheap.Cost > balanced.Cost || cheap.High > boldBound {
		t.Errorf("cost: %+v is dearer than balanced %+v, or too slow", cheap, balanced)
	}
	if fast.Duration > balanced.Duration || fast.MostCost > boldBound {
		t.Errorf("speed: %+v is slower than balanced %+v, or too dear", fast, balanced)
	}
	if balanced.High > balancedBound || balanced.MostCost > balancedBound {
		t.Errorf("balanced: %+v is slower or dearer", balanced)
	}
	if cheap.Executors >= fast.Executors {
		t.Errorf("cost takes %d executors, speed %d", cheap.Executors, fast.Executors)
	}
}

// What time is worth to the goal Balanced: a quarter of it in executor time.
func TestBalancedPaysForTime(t *testing.T) {
	for _, c := range []struct {
		f    Forecast
		want bool
	}{
		{Forecast{High: 0.58, MostCost: 1.09}, true},
		{Forecast{High: 0.58, MostCost: 1.12}, false},
		{Forecast{High: 0.9, MostCost: 1.05}, true},
		{Forecast{High: 0.9, MostCost: 1.06}, false},
		{Forecast{High: 1.05, MostCost: 0.5}, true},
		{Forecast{High: 1.06, MostCost: 0.5}, false},
	} {
		if got := Balanced.allows(c.f); got != c.want {
			t.Errorf("%.2f of the time for %.2f of the cost: %v", c.f.High, c.f.MostCost, got)
		}
	}
}

func slicesOf(n int, ms int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = ms
	}
	return out
}
