package analysis

import (
	"fmt"
	"strings"
)

var inputSplits = Rule{
	Name:  "input_splits",
	Title: "size of input splits",
	Doc: `The stage that reads most input has a median task of less than the policy's
small_split in more than many_tasks (many small files or too small splits: their
opening costs more than their reading), or its tasks read more than large_task each
while slots are free.

Larger or smaller splits (spark.sql.files.maxPartitionBytes) change the number of
files that are written, so it is advice; small files are cured where they are
written. Read from the run profiles. Source: NVIDIA's AutoTuner (128 to 256 MB),
DataFlint (files below 3 MiB).`,
	Needs:  []string{"input_bytes"},
	Keys:   []string{keySplit},
	Advice: true,
	eval:   evalInputSplits,
}

func evalInputSplits(p *Profile, pol Policy) Finding {
	if len(p.Details) == 0 {
		return unmeasured("no run profile is in the lake, so the sizes of splits are not known")
	}
	st := p.worstStage(func(s *StageProfile) int64 { return s.Input })
	if st == nil {
		return silent("no stage reads files")
	}
	median := st.InputHist.median()
	ev := []Evidence{
		{"run_profiles", "input of the median task of the largest stage", float64(median), "bytes"},
		{"run_profiles", "its tasks", float64(st.Tasks), "count"},
	}
	switch all := p.Conf().Int(keyInstances).V * slots(p); {
	case median < pol.SmallSplit && st.Tasks > pol.ManyTasks:
		return advises("many small splits: larger ones, or fewer and larger files, cost less to open", ev,
			Change{Key: keySplit, To: strings.ToLower(FormatMemory(max(pol.WantedSplit, 2*p.Conf().Bytes(keySplit).V))), Confidence: Low})
	case median > pol.LargeTask && st.Tasks < all && p.Conf().Bytes(keySplit).V <= pol.WantedPartition:
		return silent("the splits are larger than the setting: files that cannot be split, such as gzip, which no setting cuts", ev...)
	case median > pol.LargeTask && st.Tasks < all:
		return advises(fmt.Sprintf("%d large splits leave some of %d slots without a task", st.Tasks, all), ev,
			Change{Key: keySplit, To: FormatMemory(pol.WantedPartition), Confidence: Low})
	}
	return silent("the splits are neither tiny nor huge", ev...)
}
