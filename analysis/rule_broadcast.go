package analysis

import "fmt"

var broadcast = Rule{
	Name:  "broadcast",
	Title: "threshold of broadcast joins",
	Doc: `spark.sql.autoBroadcastJoinThreshold is above the policy's large_broadcast (each
executor and the driver hold every broadcast table, several times its size on
disk), or off (-1), so that small tables are shuffled with large ones.

Either may be there for a reason that no metric shows, and the wrong one makes
the driver run out of memory: advice. Source: NVIDIA's AutoTuner (100 MB).`,
	Needs:  []string{"conf"},
	Keys:   []string{keyBroadcast},
	Advice: true,
	concerns: func(p *Profile, _ Policy) string {
		if !p.Conf().set(keyBroadcast) {
			return "the threshold is the default"
		}
		return ""
	},
	eval: evalBroadcast,
}

// defaultBroadcast is Spark's own threshold.
const defaultBroadcast = "10m"

func evalBroadcast(p *Profile, pol Policy) Finding {
	v := p.Conf().Bytes(keyBroadcast)
	sql := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.SQLExecutions })
	ev := []Evidence{{"conf", "the threshold", float64(v.V), "bytes"}}
	switch {
	case !v.OK || sql.OK && sql.V == 0:
		return silent("no SQL ran, or the threshold is no size")
	case v.V > pol.LargeBroadcast:
		return advises(fmt.Sprintf("tables of up to %s are broadcast to every executor", FormatMemory(v.V)), ev, Change{Key: keyBroadcast, To: FormatMemory(pol.LargeBroadcast), Confidence: Low})
	case v.V < 0:
		return advises("no table is broadcast, however small", []Evidence{}, Change{Key: keyBroadcast, To: defaultBroadcast, Confidence: Low})
	}
	return silent("the threshold is neither off nor large", ev...)
}
