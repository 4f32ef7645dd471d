package lake

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
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

// TestMakeBigTable makes it in the folder LAKE_FIGURES, where it is not there.
// It goes on where it was ended.
func TestMakeBigTable(t *testing.T) {
	l := bigTable(t)
	for month := dataFiles(t, l); month < 12; month++ {
		put(t, l, bigMonth(time.Month(1+month))...)
	}
}

// TestReadBigTable reads the runs of LAKE_QUERY and prints what lab/lake wants to
// know of it, as the scripts in testdata for the other engines do.
func TestReadBigTable(t *testing.T) {
	l := bigTable(t)
	var asked struct {
		Times    int
		From, To int64
		DAGs     []string
	}
	if err := json.Unmarshal([]byte(os.Getenv("LAKE_QUERY")), &asked); err != nil {
		t.Fatal(err)
	}
	q := Query{From: time.Unix(asked.From, 0), To: time.Unix(asked.To, 0)}
	for _, dag := range asked.DAGs {
		q.Jobs = append(q.Jobs, Job{DAGID: dag})
	}
	var said struct {
		Rows int       `json:"rows"`
		Wall []float64 `json:"wall"`
		CPU  []float64 `json:"cpu"`
	}
	for range asked.Times {
		start, used := time.Now(), cpu(t)
		said.Rows = len(runs(t, l, q))
		said.Wall = append(said.Wall, time.Since(start).Seconds())
		said.CPU = append(said.CPU, float64(cpu(t)-used)/1e9)
	}
	fmt.Println(marshal(t, said))
}

func bigTable(t *testing.T) *Lake {
	dir := os.Getenv("LAKE_FIGURES")
	if dir == "" {
		t.Skip("started by lab/lake only")
	}
	return reopen(t, dir)
}

// cpu is the processor time of this process in nanoseconds. On a machine that
// others use it says more than the clock.
func cpu(t testing.TB) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
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
