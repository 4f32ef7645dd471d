package analysis

import (
	"math"
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
		{"Kubernetes adds 0.40 to Python", Run{Master: "k8s://https://k", Application: "s3://jobs/etl.py"}, Conf{keyMemory: "10g"}, "14g"},
		{"and 0.10 to a jar", Run{Master: "k8s://https://k", Application: "etl.jar"}, Conf{keyMemory: "10g"}, "11g"},
		{"a set overhead wins", Run{Master: "k8s://https://k", Application: "etl.py"}, Conf{keyMemory: "10g", keyOverhead: "1g"}, "11g"},
		{"off-heap counts when it is on", Run{Master: "yarn"}, Conf{keyMemory: "2g", keyOverhead: "1g", "spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "1g"}, "4g"},
		{"and Python's own limit", Run{Master: "yarn"}, Conf{keyMemory: "2g", keyOverhead: "1g", "spark.executor.pyspark.memory": "1g"}, "4g"},
		{"which a jar has none of", Run{Master: "yarn", Application: "etl.jar"}, Conf{keyMemory: "2g", keyOverhead: "1g", keyPySpark: "1g"}, "3g"},
		{"Spark 4's own least overhead holds", Run{Master: "yarn"}, Conf{keyMemory: "2g", "spark.executor.minMemoryOverhead": "1g"}, "3g"},
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

func slicesOf(n int, ms int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = ms
	}
	return out
}
