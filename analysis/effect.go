package analysis

import (
	"maps"
	"time"
)

// An Effect is what the changes are expected to do to the memory that is
// reserved, per run, on runs as they were. Durations are not predicted here:
// a promise needs a model, and none of these changes has one yet.
type Effect struct {
	ContainerBefore int64   `json:"container_before_bytes"` // of one executor
	ContainerAfter  int64   `json:"container_after_bytes"`
	GBHoursBefore   float64 `json:"gb_hours_before"` // median per run, GiB x hours over all executors
	GBHoursAfter    float64 `json:"gb_hours_after"`
	GBHoursLow      float64 `json:"gb_hours_low"` // smallest and largest run, before
	GBHoursHigh     float64 `json:"gb_hours_high"`
	// RunsPerMonth is the observed cadence; 0 when the runs cover less than a
	// week, from which no cadence can be told.
	RunsPerMonth float64 `json:"runs_per_month"`
	FailedRuns   int     `json:"failed_runs"` // of the cohort: what growth is weighed against
}

// effectOf weighs the reserved memory before and after. It is nil where the
// lifetimes of executors were not measured.
func effectOf(p *Profile, changes []Change) *Effect {
	gbh := func(r *Run) Opt[float64] { return gbHours(r) }
	before := medianOf(p.Runs, gbh)
	if !before.OK {
		return nil
	}
	after := Conf{}
	maps.Copy(after, p.Conf())
	for _, c := range changes {
		after[c.Key] = c.To
	}
	e := &Effect{
		ContainerBefore: container(p.Conf()),
		ContainerAfter:  container(after),
		GBHoursBefore:   before.V,
		GBHoursLow:      minOf(p.Runs, gbh).V,
		GBHoursHigh:     maxOf(p.Runs, gbh).V,
		RunsPerMonth:    cadence(p),
		FailedRuns:      p.FailedRuns(),
	}
	perExecutor := float64(e.ContainerAfter) / float64(max(1, e.ContainerBefore))
	e.GBHoursAfter = e.GBHoursBefore * (moreExecutors(p.Conf(), after) * perExecutor)
	return e
}

// moreExecutors is the factor by which the number of executors changes: with
// the slots of the application kept, halved cores are twice the executors,
// whoever asks for them.
func moreExecutors(before, after Conf) float64 {
	if x, y := before.Int(keyCores), after.Int(keyCores); x.OK && y.V > 0 && x.V != y.V {
		return float64(x.V) / float64(y.V)
	}
	if x, y := before.Int(keyInstances), after.Int(keyInstances); x.V > 0 && y.OK {
		return float64(y.V) / float64(x.V)
	}
	return 1
}

func gbHours(r *Run) Opt[float64] {
	if !r.MemoryByteMs.OK {
		return Opt[float64]{}
	}
	return Some(r.MemoryByteMs.V / gib / float64(time.Hour.Milliseconds()))
}

// cadence is the runs per 30 days, 0 when unknown.
func cadence(p *Profile) float64 {
	const week = 7 * 24 * time.Hour
	if p.Span() < week || len(p.Runs) < 2 {
		return 0
	}
	return float64(len(p.Runs)-1) * 30 * 24 * float64(time.Hour) / float64(p.Span())
}
