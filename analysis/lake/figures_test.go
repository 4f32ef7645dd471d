package lake

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sparktune/sparktune/analysis"
)

// The big table: this many jobs, each run once a day for a year.
const (
	bigJobs = 2740
	bigDays = 365
)

var bigStart = time.Date(2025, 1, 1, 3, 0, 0, 0, time.UTC)

// BenchmarkMillionRows reads 30 days of 50 jobs, all columns, out of 1,000,100
// rows, within one month and over two, and lets pyiceberg and Spark do the
// same on the same table. Making the table takes minutes; LAKE_FIGURES names a
// folder to keep it in.
//
//	LAKE_FIGURES=/tmp/figures go test -run '^$' -bench MillionRows -timeout 1h ./analysis/lake
func BenchmarkMillionRows(b *testing.B) {
	dir := os.Getenv("LAKE_FIGURES")
	if dir == "" {
		dir = b.TempDir()
	}
	l := reopen(b, dir)
	for month := dataFiles(b, l); month < 12; month++ {
		put(b, l, bigMonth(time.Month(1+month))...)
	}
	windows := map[string]time.Time{
		"one month":  time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC),
		"two months": time.Date(2025, 6, 15, 0, 0, 0, 0, time.UTC),
	}
	for name, from := range windows {
		q := Query{From: from, To: from.AddDate(0, 0, 30)}
		for j := range 50 {
			q.Jobs = append(q.Jobs, bigJob(j*53))
		}
		b.Run(name+"/sparktune", func(b *testing.B) {
			before := cpu(b)
			for b.Loop() {
				if got := len(runs(b, l, q)); got != 50*30 {
					b.Fatalf("got %d runs, want 1500", got)
				}
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
		})
		b.Run(name+"/pyiceberg", func(b *testing.B) {
			python := filepath.Join(environment(b, "pyiceberg"), "bin", "python")
			others(b, q, exec.CommandContext(b.Context(), python, "testdata/pyiceberg_figures.py", dir))
		})
		b.Run(name+"/spark", func(b *testing.B) {
			python := filepath.Join(environment(b, "spark"), "bin", "python")
			others(b, q, exec.CommandContext(b.Context(), python, "testdata/spark_figures.py", dir, jars(b, "iceberg", ",")))
		})
	}
}

// cpu is the processor time of this process in nanoseconds. On a machine that
// others use it says more than the clock.
func cpu(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// others runs a script that reads the rows of q some times, in a process that
// is warm, and prints their number and the best times in nanoseconds.
func others(b *testing.B, q Query, cmd *exec.Cmd) {
	cmd.Args = append(cmd.Args, strconv.FormatInt(q.From.Unix(), 10), strconv.FormatInt(q.To.Unix(), 10))
	for _, j := range q.Jobs {
		cmd.Args = append(cmd.Args, j.DAGID)
	}
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var rows int
	var ns, cpuNs float64
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if _, err := fmt.Sscan(lines[len(lines)-1], &rows, &ns, &cpuNs); err != nil || rows != 50*30 {
		b.Fatalf("got %d rows, %v in %s", rows, err, out)
	}
	for b.Loop() {
		// The work was done in the other process.
	}
	b.ReportMetric(ns, "ns/op")
	b.ReportMetric(cpuNs, "cpu-ns/op")
}

func bigJob(n int) Job {
	return Job{DAGID: fmt.Sprintf("dag-%04d", n), TaskID: "transform.load"}
}

func bigMonth(m time.Month) []analysis.Run {
	var rows []analysis.Run
	for day := bigStart.AddDate(0, int(m-1), 0); day.Month() == m; day = day.AddDate(0, 0, 1) {
		for j := range bigJobs {
			rows = append(rows, bigRun(j, day))
		}
	}
	return rows
}

// bigRun fills every column with numbers as a real run has them: of all
// magnitudes, and most texts shared by many runs.
func bigRun(j int, day time.Time) analysis.Run {
	rnd := rand.New(rand.NewPCG(uint64(j), uint64(day.Unix())))
	number := func() int64 { return int64(math.Exp(rnd.Float64() * 24)) }
	var r analysis.Run
	for _, c := range analysis.Columns {
		switch v := c.Field(&r).(type) {
		case *string:
			*v = fmt.Sprintf("%s %d", c.Name, j%40)
		case *bool:
			*v = rnd.IntN(2) > 0
		case *int64:
			*v = number()
		case *analysis.Opt[bool]:
			*v = analysis.Some(rnd.IntN(2) > 0)
		case *analysis.Opt[int64]:
			*v = analysis.Some(number())
		case *analysis.Opt[float64]:
			*v = analysis.Some(rnd.Float64())
		case *map[string]int64:
			*v = map[string]int64{"Success": number(), "FetchFailed": number()}
		case *[]string:
			*v = []string{"java.lang.OutOfMemoryError: Java heap space"}
		}
	}
	job := bigJob(j)
	r.Conf = make(analysis.Conf)
	for i, p := range analysis.Properties {
		if (i+j)%4 == 0 { // a job sets a dozen of them
			r.Conf[p.Name] = "4"
		}
	}
	r.AppID = fmt.Sprintf("application_%d_%04d", day.Unix(), j)
	r.Cluster, r.Attempt, r.DAGID, r.TaskID = "", "1", job.DAGID, job.TaskID
	r.AppName = job.DAGID + "." + job.TaskID
	r.Start = day.Add(time.Duration(j) * time.Second)
	r.End = r.Start.Add(time.Duration(1+number()%7200) * time.Second)
	return r
}
