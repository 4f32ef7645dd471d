package analysis

import "fmt"

var skew = Rule{
	Name:  "skew",
	Title: "one task much longer than the others",
	Doc: `In at least half of the runs a stage's longest task ran at least 5 times as long
as its median one, at least as long as the policy's gate, at least half of the
stage's time, and the stage took at least a tenth of the application.

Neither memory nor partitions nor executors split one large key, so nothing is
written, and rules that would add them look away. With its data skewed (the
longest task also read most) the cure is adaptive execution's skew join, a salted
key or an earlier aggregation; with data alike it was a slow host. Ratios without
a floor say nothing: stages of 243 ms reach 243 x. Source: TuneIn (max over
median, 0.75 of the stage), CubeFS Compass (a share of the application).`,
	Needs:  []string{"skew_ratio", "skew_max_ms", "skew_stage_share"},
	Keys:   []string{keySkewJoin},
	Advice: true,
	eval:   evalSkew,
}

func evalSkew(p *Profile, pol Policy) Finding {
	bad := pick(p.Runs, func(r *Run) bool { return isSkewed(r, pol) })
	if 2*len(bad) < len(p.Runs) || len(bad) == 0 {
		return silent(fmt.Sprintf("a skew worth a word in %d of %s", len(bad), plural(len(p.Runs), "run")))
	}
	ratio := medianOf(bad, func(r *Run) Opt[float64] { return r.SkewRatio })
	bytes := medianOf(bad, func(r *Run) Opt[float64] { return r.SkewBytesRatio })
	ev := []Evidence{
		{"skew_ratio", "longest over median task of the stage, median of the runs", ratio.V, "times"},
		{"skew_max_ms", "the longest task, median of the runs", float64(medianOf(bad, func(r *Run) Opt[int64] { return r.SkewMaxMs }).V), "ms"},
		{"skew_bytes_ratio", "bytes that it read over the median task's", bytes.V, "times"},
	}
	reason := fmt.Sprintf("one task dominates its stage in %d of %s", len(bad), plural(len(p.Runs), "run"))
	if bytes.OK && bytes.V < 2 {
		return advises(reason+", though it read no more than the others: a slow host, or work that its data do not show", ev)
	}
	if p.Conf().Bool(keySkewJoin).V && p.adaptive() {
		return advises(reason+": a key is too large; salt it, or aggregate before", ev)
	}
	return advises(reason+": a key is too large; adaptive execution can split it in joins", ev, Change{Key: keySkewJoin, To: "true", Confidence: Medium})
}

// minSkewRatio and the shares are what makes a skew worth a word, beside the
// policy's floor.
const (
	minSkewRatio = 5
	minSkewWall  = 0.5 // of the stage's time
	minSkewShare = 0.1 // of the application's, of the stage
)

func isSkewed(r *Run, pol Policy) bool {
	wall := r.SkewStageShare.V * float64(r.Duration().V.Milliseconds())
	return r.SkewRatio.V >= minSkewRatio && r.SkewMaxMs.V >= pol.MinSkew.Milliseconds() &&
		r.SkewStageShare.V >= minSkewShare && float64(r.SkewMaxMs.V) >= minSkewWall*wall
}
