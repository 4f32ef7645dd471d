package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// profileOf is a run of stages one after the other on executors of one slot
// that come every 200 ms.
func profileOf(executors int, stages ...[]int64) *RunProfile {
	rp := &RunProfile{Version: RunProfileVersion}
	for i := range executors {
		rp.Executors = append(rp.Executors, ExecutorStep{At: int64(1000 + 200*i), Executors: 1, Cores: 1})
	}
	at := int64(2000)
	for i, tasks := range stages {
		st := StageProfile{ID: int64(i), Merged: 1, Job: int64(i), Submitted: at, Tasks: int64(len(tasks)), Succeeded: int64(len(tasks))}
		for _, t := range tasks {
			st.RunMs += t
			st.RunMaxMs = max(st.RunMaxMs, t)
			st.RunHist = st.RunHist.Merge(Histogram{{BucketOf(t), 1}})
		}
		at += max(st.RunMs/int64(executors), st.RunMaxMs)
		st.Completed = at
		rp.Stages = append(rp.Stages, st)
		at += 100
	}
	rp.SpanMs = at
	return rp
}

func simulation(t testing.TB, rp *RunProfile) *Simulation {
	t.Helper()
	s, why := NewSimulation(rp, Conf{"spark.default.parallelism": "7"})
	if s == nil {
		t.Fatal(why)
	}
	return s
}

func TestSimulateByHand(t *testing.T) {
	// Executors come at 1.0 and 1.2 s, the stage at 2.0 s: 4 tasks of 1 s on 2
	// slots last 2 s, on 1 slot 4 s, on 8 (the 5th comes at 1.8 s) 1 s; then
	// 100 ms pass in the driver.
	s := simulation(t, profileOf(2, []int64{1000, 1000, 1000, 1000}))
	for n, want := range map[int64]Prediction{
		1: {Executors: 1, DurationMs: 6100, ActiveMs: 4000, ExecutorMs: 5100},
		2: {Executors: 2, DurationMs: 4100, ActiveMs: 2000, ExecutorMs: 6000},
		8: {Executors: 8, DurationMs: 3100, ActiveMs: 1000, ExecutorMs: 8*2100 - 200*(1+2+3+4+5+6+7)},
	} {
		want.LowMs, want.HighMs = want.DurationMs, want.DurationMs
		// Within a bucket of the histogram times are spread, not known.
		if diff := cmp.Diff(want, s.At(n), cmpopts.EquateApprox(0.01, 0)); diff != "" {
			t.Errorf("%d executors (-want +got):\n%s", n, diff)
		}
	}
	if e := s.Error(); e > 0.01 {
		t.Errorf("error %v", e)
	}
}

// What the first task of each slot takes longer is the executor's, not the
// work's: with one executor there is one of them, with four there are four. The
// bounds doubt it.
func TestSimulateWarmUp(t *testing.T) {
	rp := profileOf(2, []int64{3000, 3000, 1000, 1000, 1000, 1000, 1000, 1000})
	s := simulation(t, rp)
	for n, want := range map[int64]float64{1: 2000 + 8*1000, 2: 2000 + 4*1000, 4: 2000 + 2*1000} {
		if got := s.At(n).ActiveMs; math.Abs(got-want) > 200 {
			t.Errorf("%d executors: active for %.0f ms, want %.0f", n, got, want)
		}
	}
	if p := s.At(1); math.Abs(p.HighMs-p.DurationMs-2000) > 200 || p.LowMs != p.DurationMs {
		t.Errorf("as work it would be 2 s longer: %+v", p)
	}
	// Eight tasks at a time: 24 s of work take 3 s at least, 20 s and the warm-up 4.5.
	many := simulation(t, profileOf(2, append([]int64{3000, 3000}, slices.Repeat([]int64{1000}, 18)...)))
	if p := many.At(8); p.LowMs > p.DurationMs-500 || p.LowMs < 2000+3000 || p.HighMs != p.DurationMs {
		t.Errorf("as work it would be half a second shorter at least: %+v", p)
	}
	if e := s.Error(); e > 0.01 {
		t.Errorf("error %v", e)
	}
	for what, change := range map[string]func(*StageProfile){
		"tasks that read more": func(st *StageProfile) { st.Input, st.SlowestBytes = 8000, 3000 },
		"tasks that differ as much": func(st *StageProfile) {
			st.RunHist = Histogram{{BucketOf(1000), 4}, {BucketOf(2500), 2}, {BucketOf(3000), 2}}
		},
		"more tasks than slots":  func(st *StageProfile) { st.RunHist = Histogram{{BucketOf(1000), 5}, {BucketOf(3000), 3}} },
		"as many tasks as slots": func(st *StageProfile) { st.RunHist = Histogram{{BucketOf(3000), 2}} },
	} {
		rp := profileOf(2, []int64{3000, 3000, 1000, 1000, 1000, 1000, 1000, 1000})
		change(&rp.Stages[0])
		if s := simulation(t, rp); s.stages[0].warmUp != 0 {
			t.Errorf("%s were taken for a warm-up of %.0f ms", what, s.stages[0].warmUp)
		}
	}
}

// A stage waits for its parents; what else is released takes the free slots.
func TestSimulateGraph(t *testing.T) {
	rp := profileOf(2, []int64{1000, 1000}, []int64{3000}, []int64{500})
	rp.Stages[1].Submitted, rp.Stages[1].Completed = 2000, 6000 // beside stage 0
	rp.Stages[2] = StageProfile{ID: 2, Parents: []int64{0, 1}, Submitted: 6000, Completed: 6500, Tasks: 1, Succeeded: 1, RunMs: 500, RunMaxMs: 500, RunHist: Histogram{{BucketOf(500), 1}}}
	rp.SpanMs = 6500
	s := simulation(t, rp)
	// 2 slots: 0 and 1 begin at 2 s, 1's only task at 3 s, 2 at 6 s.
	if got := s.At(2).DurationMs; math.Abs(got-6500) > 20 {
		t.Errorf("2 executors: %v", got)
	}
	if got := s.At(3).DurationMs; math.Abs(got-5500) > 20 {
		t.Errorf("3 executors: %v", got)
	}
}

// Under dynamic allocation executors come and go as in the run, but no more of
// them at a time than the bound.
func TestSimulateCapped(t *testing.T) {
	rp := profileOf(3, []int64{2000, 2000, 2000, 2000, 2000, 2000})
	rp.Executors = append(rp.Executors, ExecutorStep{At: 20_000, Executors: -2, Cores: -2}, ExecutorStep{At: 21_000, Executors: 1, Cores: 1})
	s := simulation(t, rp)
	if got, want := s.Capped(4).DurationMs, s.Real().DurationMs; got != want {
		t.Errorf("a bound above the peak: %v, replayed %v", got, want)
	}
	if got, want := s.Capped(1).DurationMs, s.At(1).DurationMs; math.Abs(got-want) > 1 {
		t.Errorf("one executor: %v, want %v", got, want)
	}
}

// What can't be simulated says why.
func TestSimulateAbstains(t *testing.T) {
	rp := profileOf(2, []int64{1000, 1000})
	rp.Stages[0].Failures = 1
	if _, why := NewSimulation(rp, nil); why != "too many of its tasks failed: their work was not measured" {
		t.Error(why)
	}
	if _, why := NewSimulation(&RunProfile{}, nil); why != "it ran no task" {
		t.Error(why)
	}
}

// Tasks cut by the number of cores are cut anew: the interval says so. (The last
// of 8 executors comes 400 ms after the stage.)
func TestSimulateFollowing(t *testing.T) {
	rp := profileOf(4, []int64{1000, 1000, 1000, 1000})
	s, _ := NewSimulation(rp, nil)
	if s.Following != 1 {
		t.Fatalf("following %v", s.Following)
	}
	p := s.At(2)
	if p.LowMs >= p.HighMs-1 && p.HighMs != p.DurationMs {
		t.Errorf("no interval: %+v", p)
	}
	if p := s.At(8); math.Abs(p.LowMs-3000) > 20 || math.Abs(p.HighMs-3100) > 20 {
		t.Errorf("8 executors: %+v", p)
	}
}

// All times x a bucket ratio, all predictions x it: the model has no constant.
func TestSimulateScales(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var stages [][]int64
	for range 6 {
		stages = append(stages, randomTasks(r, 50))
	}
	one, two := profileOf(5, stages...), profileOf(5, stages...)
	double(two)
	a, b := simulation(t, one), simulation(t, two)
	for n := range int64(12) {
		x, y := a.At(n+1), b.At(n+1)
		if ratio := y.DurationMs / x.DurationMs; math.Abs(ratio-2) > 0.001 {
			t.Errorf("%d executors: %v x", n+1, ratio)
		}
	}
}

// double moves every time by a factor of 2, which is 8 buckets.
func double(rp *RunProfile) {
	rp.SpanMs *= 2
	for i := range rp.Executors {
		rp.Executors[i].At *= 2
	}
	for i := range rp.Stages {
		st := &rp.Stages[i]
		st.Submitted, st.Completed, st.RunMs, st.RunMaxMs = 2*st.Submitted, 2*st.Completed, 2*st.RunMs, 2*st.RunMaxMs
		for k := range st.RunHist {
			st.RunHist[k].Bucket += 1 << bucketBits
		}
	}
}

// Times as stages have them: most alike, a few long ones.
func randomTasks(r *rand.Rand, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(400 * math.Exp(r.NormFloat64()*0.6))
	}
	return out
}

// What the histogram costs beside an exact replay of the same tasks.
func TestHistogramLoss(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	worst := 0.0
	for range 30 {
		tasks := randomTasks(r, 200+r.IntN(2000))
		for _, n := range []int64{4, 16, 50} {
			s := simulation(t, profileOf(4, tasks))
			exact := *s
			times := make([]float64, len(tasks))
			for i, v := range tasks {
				times[i] = float64(v)
			}
			slices.Sort(times)
			exact.stages = []simStage{{tasks: mixed(times), lag: s.stages[0].lag}}
			loss := math.Abs(s.At(n).DurationMs/exact.At(n).DurationMs - 1)
			worst = max(worst, loss)
		}
	}
	t.Logf("largest difference %.2f %%", 100*worst)
	if worst > 0.02 {
		t.Errorf("the histogram costs %.1f %% of the duration", 100*worst)
	}
}

// More executors never take longer by more than the order of tasks explains,
// and never less than the critical path.
func TestSimulateBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 50 {
		tasks := randomTasks(r, 1+r.IntN(300))
		s := simulation(t, profileOf(3, tasks))
		longest, sum := float64(slices.Max(tasks)), 0.0
		for _, v := range tasks {
			sum += float64(v)
		}
		for n := int64(1); n < 40; n *= 2 {
			got := s.At(n).ActiveMs
			if lower := max(longest, sum/float64(n)); got < lower*0.999 {
				t.Errorf("case %d, %d executors: %v below %v", i, n, got, lower)
			}
			// Graham's bound of list scheduling, with the executors' start.
			if upper := sum/float64(n) + longest + 200*float64(n); got > upper {
				t.Errorf("case %d, %d executors: %v above %v", i, n, got, upper)
			}
		}
	}
}

// One application of 100,000 tasks at 12 numbers of executors, from its profile.
//
//	go test ./analysis -run '^$' -bench Simulate -cpu 1
func BenchmarkSimulate100k(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 5))
	var stages [][]int64
	for range 50 {
		stages = append(stages, randomTasks(r, 2000))
	}
	rp := profileOf(50, stages...)
	for b.Loop() {
		s, why := NewSimulation(rp, nil)
		if s == nil {
			b.Fatal(why)
		}
		for i := range int64(12) {
			s.At(10 + 15*i)
		}
	}
}
