package analysis

import "fmt"

var broadcast = Rule{
	Name:  "broadcast",
	Title: "threshold of broadcast joins",
	Doc: `spark.sql.autoBroadcastJoinThreshold is above 100 MiB (each executor and the
driver hold every broadcast table, several times its size on disk), or off
(-1), so that small tables are shuffled with large ones.

Either may be there for a reason that no metric shows, and the wrong one makes
the driver run out of memory: advice. Source: NVIDIA's AutoTuner (100 MB).`,
	Needs:  []string{"conf"},
	Keys:   []string{keyBroadcast},
	Advice: true,
	concerns: func(p *Profile) string {
		if !p.Conf().set(keyBroadcast) {
			return "the threshold is the default"
		}
		return ""
	},
	eval: evalBroadcast,
}

const largeBroadcast = 100 * mib

func evalBroadcast(p *Profile, _ Policy) Finding {
	v := p.Conf().Bytes(keyBroadcast)
	sql := maxOf(p.Runs, func(r *Run) Opt[int64] { return r.SQLExecutions })
	ev := []Evidence{{"conf", "the threshold", float64(v.V), "bytes"}}
	switch {
	case !v.OK || sql.OK && sql.V == 0:
		return silent("no SQL ran, or the threshold is no size")
	case v.V > largeBroadcast:
		return advises(fmt.Sprintf("tables of up to %s are broadcast to every executor", FormatMemory(v.V)), ev, Change{Key: keyBroadcast, To: "100m", Confidence: Low})
	case v.V < 0:
		return advises("no table is broadcast, however small", []Evidence{}, Change{Key: keyBroadcast, To: "10m", Confidence: Low})
	}
	return silent("the threshold is neither off nor large", ev...)
}
