package analysis

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// RunProfileVersion is the version of the layout of [RunProfile]. It is stored
// with each row.
const RunProfileVersion = 1

// A RunProfile is what a simulation needs of one application attempt and its
// [Run] is too small for: its stages, when executors came and went, and when
// only the driver worked. It is one row of the table run_profiles, read only
// when a simulation asks for it.
//
// It is made of sums, counts and extremes, so that SQL over the same events
// gives the same row. All times in it are milliseconds since Start.
type RunProfile struct {
	Key
	Version int
	Start   time.Time // of the application, UTC
	SpanMs  int64     // its length
	// Stages are sorted by Submitted, then ID, then Attempt.
	Stages []StageProfile
	// Executors are the changes in their number, sorted by At, one per time.
	Executors []ExecutorStep
	// Gaps are the times without a job, sorted; OtherGapMs is the length of
	// those that are too short to be kept.
	Gaps       []Span
	OtherGapMs int64
	// Dropped counts stage attempts that had no room; their work is missing
	// from Stages.
	Dropped int64
}

// A Span is an interval of time.
type Span struct{ From, To int64 }

// An ExecutorStep changes how many executors there are.
type ExecutorStep struct {
	At        int64
	Executors int64 // more, or fewer when negative
	Cores     int64
}

// A StageProfile is one stage attempt, or several that ran strictly one after
// the other and were merged because there were too many (Merged is then above
// 1): its times are theirs together, its sums and histograms add up, its ID is
// the last one's, and the parents of the stages after it say so.
type StageProfile struct {
	ID, Attempt int64
	Merged      int64 // stage attempts in this entry
	Parents     []int64
	Job         int64 // -1 is unknown
	SQL         int64 // execution id; -1 is none
	Profile     int64 // resource profile
	Submitted   int64
	Completed   int64
	Failed      bool

	Tasks       int64 // Number of Tasks
	Succeeded   int64 // ends
	Failures    int64 // ends that failed or were killed
	RunMs       int64 // of all ends with metrics, as the following
	CPUMs       int64
	GCMs        int64
	DeserMs     int64
	DelayMs     int64 // scheduler delay
	Input       int64 // bytes
	Output      int64
	ShuffleRead int64
	ShuffleW    int64
	Spilled     int64 // memory bytes

	RunMedianMs float64 // of successful tasks, as the following
	RunMaxMs    int64
	// SlowestBytes is what the longest task read: little beside a long time
	// means a slow host, much means skewed data.
	SlowestBytes  int64
	RunHist       Histogram // milliseconds
	InputHist     Histogram // bytes
	ShuffleRdHist Histogram
}

// A Histogram counts values in buckets that are the same in every row:
// [BucketOf] a value. Only buckets with values are there, in order.
type Histogram []Bin

// A Bin is how many values fell into a bucket.
type Bin struct {
	Bucket int32
	Count  int64
}

// bucketBits is how finely a power of two is divided: into 8 buckets, so that
// a bucket's middle is within 6.3 % of every value in it.
const bucketBits = 3

// BucketOf is the bucket of a value: 0 to 7 are their own buckets, above that
// each power of two has 8. In SQL, with n the length of bin(v):
// n < 4 ? v : 8 * (n - 3) + ((v >> (n - 4)) & 7). Negative values count as 0.
func BucketOf(v int64) int32 {
	if v < 1<<bucketBits {
		return int32(max(v, 0))
	}
	n := bits.Len64(uint64(v))
	return int32((n-bucketBits)<<bucketBits) + int32(v>>(n-bucketBits-1))&(1<<bucketBits-1)
}

// BucketBounds are the least and the largest value of a bucket.
func BucketBounds(bucket int32) (lo, hi int64) {
	if bucket < 1<<bucketBits {
		return int64(max(bucket, 0)), int64(max(bucket, 0))
	}
	shift := bucket>>bucketBits - 1
	lo = int64(1<<bucketBits|bucket&(1<<bucketBits-1)) << shift
	return lo, lo + 1<<shift - 1
}

// Count is how many values a histogram has.
func (h Histogram) Count() int64 {
	var n int64
	for _, b := range h {
		n += b.Count
	}
	return n
}

// Merge is the histogram of both sets of values.
func (h Histogram) Merge(o Histogram) Histogram {
	m := slices.Concat(h, o)
	slices.SortStableFunc(m, func(a, b Bin) int { return cmp.Compare(a.Bucket, b.Bucket) })
	sums := m[:0]
	for _, b := range m {
		if n := len(sums); n > 0 && sums[n-1].Bucket == b.Bucket {
			sums[n-1].Count += b.Count
		} else {
			sums = append(sums, b)
		}
	}
	return sums
}

// Compare orders stages by when they were submitted.
func (s *StageProfile) Compare(o *StageProfile) int {
	return cmp.Or(cmp.Compare(s.Submitted, o.Submitted), cmp.Compare(s.ID, o.ID), cmp.Compare(s.Attempt, o.Attempt))
}

// Append merges a stage that ran after s.
func (s *StageProfile) Append(next *StageProfile) {
	if next.RunMaxMs >= s.RunMaxMs {
		s.RunMaxMs, s.SlowestBytes = next.RunMaxMs, next.SlowestBytes
	}
	if n := s.Succeeded + next.Succeeded; n > 0 {
		// A merged median can only be a mean of medians.
		s.RunMedianMs = (s.RunMedianMs*float64(s.Succeeded) + next.RunMedianMs*float64(next.Succeeded)) / float64(n)
	}
	for _, p := range next.Parents {
		if p != s.ID && !slices.Contains(s.Parents, p) {
			s.Parents = append(s.Parents, p)
		}
	}
	s.ID, s.Attempt, s.Job, s.SQL, s.Profile = next.ID, next.Attempt, next.Job, next.SQL, next.Profile
	s.Merged += next.Merged
	s.Completed = max(s.Completed, next.Completed)
	s.Failed = s.Failed || next.Failed
	s.addSums(next)
	s.RunHist = s.RunHist.Merge(next.RunHist)
	s.InputHist = s.InputHist.Merge(next.InputHist)
	s.ShuffleRdHist = s.ShuffleRdHist.Merge(next.ShuffleRdHist)
}

func (s *StageProfile) addSums(o *StageProfile) {
	s.Tasks += o.Tasks
	s.Succeeded += o.Succeeded
	s.Failures += o.Failures
	s.RunMs += o.RunMs
	s.CPUMs += o.CPUMs
	s.GCMs += o.GCMs
	s.DeserMs += o.DeserMs
	s.DelayMs += o.DelayMs
	s.Input += o.Input
	s.Output += o.Output
	s.ShuffleRead += o.ShuffleRead
	s.ShuffleW += o.ShuffleW
	s.Spilled += o.Spilled
}
