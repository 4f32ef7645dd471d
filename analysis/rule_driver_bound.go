package analysis

import "fmt"

var driverBound = Rule{
	Name:  "driver_bound",
	Title: "only the driver works",
	Doc: `During at least half of the duration no Spark job ran, in at least half of the
runs: the application waits for its own driver (listing files, collecting,
Python between queries, another system), while its executors are paid for.

No number or size of executors changes that; the code does, or executors that
come and go with the work (dynamic allocation). Growth of executors is not
advised for such a job. Source: Sparklens (driver share).`,
	Needs:  []string{"driver_only_ms", "startup_ms"},
	Advice: true,
	eval:   evalDriverBound,
}

const minDriverShare = 0.5

func evalDriverBound(p *Profile, pol Policy) Finding {
	share := medianOf(p.Runs, driverShare)
	ev := []Evidence{{"driver_only_ms", "share of the duration without a job after start-up, median", share.V, "ratio"}}
	bad := count(p.Runs, func(r *Run) bool { return driverShare(r).V >= minDriverShare })
	if why := p.tooShort(pol); why != "" {
		return silent(why, ev...)
	}
	if bad == 0 || 2*bad < len(p.Runs) {
		return silent(fmt.Sprintf("only the driver worked for most of the time in %d of %s", bad, plural(len(p.Runs), "run")), ev...)
	}
	return advises(fmt.Sprintf("only the driver worked for most of the time in %d of %s: no executor changes that", bad, plural(len(p.Runs), "run")), ev)
}

// driverShare is the share of a run without a job, start-up left out: waiting
// for the first executors is not the driver's work.
func driverShare(r *Run) Opt[float64] {
	d := r.Duration()
	if !d.OK || !r.DriverOnlyMs.OK || d.V <= 0 {
		return Opt[float64]{}
	}
	start := min(r.StartupMs.V, r.DriverOnlyMs.V)
	return Some(float64(r.DriverOnlyMs.V-start) / float64(max(1, d.V.Milliseconds()-start)))
}
