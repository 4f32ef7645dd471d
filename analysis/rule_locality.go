package analysis

import "fmt"

var localityWait = Rule{
	Name:  "locality_wait",
	Title: "waiting for data-local slots",
	Doc: `spark.locality.wait is above its default of 3 s while more than a fifth of the
tasks ran away from their data all the same: slots stayed empty for a locality
that did not come. On object stores no task has a place, and nothing waits.

Advice: where reads over the network are dear, the wait may be worth it.`,
	Needs:  []string{"locality", "tasks"},
	Keys:   []string{keyLocality},
	Advice: true,
	concerns: func(p *Profile, _ Policy) string {
		if p.Conf().Millis(keyLocality).V <= defaultLocalityWait {
			return "the wait is not above the default"
		}
		return ""
	},
	eval: evalLocality,
}

const defaultLocalityWait = 3000

func evalLocality(p *Profile, _ Policy) Finding {
	away := medianOf(p.Runs, func(r *Run) Opt[float64] {
		local := r.Locality["PROCESS_LOCAL"] + r.Locality["NODE_LOCAL"]
		far := r.Locality["RACK_LOCAL"] + r.Locality["ANY"]
		return Opt[float64]{V: float64(far) / float64(max(1, far+local)), OK: local > 0}
	})
	ev := []Evidence{{"locality", "share of tasks away from their data, median", away.V, "ratio"}}
	if !away.OK || away.V <= 0.2 {
		return silent("most tasks run beside their data", ev...)
	}
	return advises(fmt.Sprintf("slots wait %s for data-local tasks, and many run elsewhere all the same", p.Conf()[keyLocality]), ev, Change{Key: keyLocality, To: "3s", Confidence: Low})
}
