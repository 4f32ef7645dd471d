package analysis

import (
	"fmt"
	"strconv"
)

var shufflePartitions = Rule{
	Name:  "shuffle_partitions",
	Title: "shuffle partitions and their size",
	Doc: `The stage that reads most shuffle has as many tasks as
spark.sql.shuffle.partitions, and its median task reads at least the policy's
large_task: each is a large piece of work, and one that fails is repeated as a
whole. So many are named that each reads wanted_partition. Or the setting is below
the number of slots, so that some never have a task after a shuffle.

Where it spills, the spill rule writes a number; without a spill it is a matter
of taste, so this is advice. Too many partitions are tiny_tasks. Read from the
run profiles. Source: AWS (128 MB a partition), Databricks.`,
	Needs:  []string{"shuffle_read_bytes"},
	Keys:   []string{keyPartitions},
	Advice: true,
	eval:   evalShufflePartitions,
}

func evalShufflePartitions(p *Profile, pol Policy) Finding {
	cur := p.Conf().Int(keyPartitions).V
	if len(p.Details) == 0 {
		return unmeasured("no run profile is in the lake, so the sizes of partitions are not known")
	}
	st := p.worstStage(func(s *StageProfile) int64 { return s.ShuffleRead })
	if st == nil || st.Tasks != cur {
		return silent("no large stage has as many tasks as the setting")
	}
	median := st.ShuffleRdHist.median()
	ev := []Evidence{{"run_profiles", "shuffle read by the median task of the largest stage", float64(median), "bytes"}}
	switch all := p.Conf().Int(keyInstances).V * slots(p); {
	case median >= pol.LargeTask:
		to := min(roundPartitions(cur*median/pol.WantedPartition), pol.MaxPartitions)
		return advises(fmt.Sprintf("%d shuffle partitions make large tasks", cur), ev, Change{Key: keyPartitions, To: strconv.FormatInt(to, 10), Confidence: Low})
	case cur < all && !p.Conf().Bool(keyDynamic).V:
		return advises(fmt.Sprintf("%d shuffle partitions leave some of %d slots without a task", cur, all), ev, Change{Key: keyPartitions, To: strconv.FormatInt(all, 10), Confidence: Low})
	}
	return silent("the partitions are neither too large nor too few", ev...)
}

// worstStage is the stage of the newest detailed run of which size is largest,
// nil when none has any.
func (p *Profile) worstStage(size func(*StageProfile) int64) *StageProfile {
	if len(p.Details) == 0 {
		return nil
	}
	var worst *StageProfile
	newest := p.Details[0]
	for _, d := range p.Details {
		if d.Start.After(newest.Start) {
			newest = d
		}
	}
	for i := range newest.Stages {
		if s := &newest.Stages[i]; s.Merged == 1 && size(s) > 0 && (worst == nil || size(s) > size(worst)) {
			worst = s
		}
	}
	return worst
}

// median is the middle of the bucket that holds the lower median value.
func (h Histogram) median() int64 {
	rest := (h.Count() + 1) / 2
	for _, b := range h {
		if rest -= b.Count; rest <= 0 {
			lo, hi := BucketBounds(b.Bucket)
			return lo + (hi-lo)/2
		}
	}
	return 0
}
