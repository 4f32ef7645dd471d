package bot

import (
	"context"
	"time"

	"github.com/sparktune/sparktune/analysis"
)

// Memory is what must be remembered between two looks at a repository. It
// never replaces an observation: the forge is right about what is, the Memory
// about what we meant.
type Memory interface {
	// Recall returns the newest Record of every scope of a repository, sorted
	// by scope.
	Recall(ctx context.Context, repo int64) ([]Record, error)
	// Remember stores the newest Record of its repository and scope.
	Remember(ctx context.Context, r Record) error
	// Begin notes the intent to do an effect. When it was noted before, the
	// earlier Entry comes back and begun is false.
	Begin(ctx context.Context, repo int64, key string, now time.Time) (e Entry, begun bool, err error)
	// End notes the effect's Receipt, or with nil that it did not happen, so
	// that it may begin again.
	End(ctx context.Context, repo int64, key string, r *Receipt) error
}

// A Record is what we remember of one scope: the last proposal, its end, and
// what people said to earlier ones.
type Record struct {
	Repo   int64
	Scope  string // what one pull request is about: the path of a DAG file
	Branch string
	Pull   int       // 0 until it is opened
	Head   string    // the commit that we pushed last
	State  PullState // of Pull
	Plan   string    // identity of Wants
	Wants  []Wanted  // of the last proposal
	// Promises are what the last proposal expects of its jobs.
	Promises []Promise
	// Closed are changes that a person refused by closing a pull request. They
	// stay closed until the evidence moves.
	Closed []Wanted
	// Merged are the pull requests of the scope that were merged, oldest first:
	// what a verdict on them needs.
	Merged []Merge
	// Snoozed is when a person wants to hear of the scope again; zero when
	// nobody said.
	Snoozed time.Time
	At      time.Time // of the last change of the Record
}

// Wanted is one change of a proposal: enough to tell later whether another
// proposal says the same.
type Wanted struct {
	Job, Key string
	From, To string
	Rule     string // that asked for it
	Outcome  string // applied, already or refused
}

// A Promise is what a proposal expects of one job.
type Promise struct {
	Job string
	// Was is what held before, for each changed key: as it was set, or Spark's
	// default. An empty one is nothing that can be put back.
	Was map[string]string
	// Duration and Cost are the expected factors of duration and of memory
	// reserved; 0 where nothing can be said.
	Duration, Cost float64
}

// A Merge is a merged pull request.
type Merge struct {
	Pull     int
	At       time.Time
	Wants    []Wanted
	Promises []Promise // none of a pull request that takes another back
	Verdicts []Verdict // at most one for each promise
}

// A Verdict is what the runs since a merge said of one job. It is given once.
type Verdict struct {
	Job string
	analysis.Judgement
	Told bool // on the merged pull request
}

// An Entry is an effect that was begun.
type Entry struct {
	At      time.Time
	Receipt *Receipt // nil until it is known to have happened
}
