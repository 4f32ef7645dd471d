package bot

import (
	"context"
	"time"
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

// A Record is what we remember of one scope: the last proposal and its end.
type Record struct {
	Repo   int64
	Scope  string // what one pull request is about: the path of a DAG file
	Branch string
	Pull   int    // 0 until it is opened
	Head   string // the commit that we pushed last
	State  PullState
	Plan   string // identity of the edits and findings, see [Proposal]
	Wants  []Wanted
	Words  string // hash of title and body as posted
	// Snoozed is when a person wants to hear of the scope again; zero when
	// nobody said.
	Snoozed time.Time
	At      time.Time // of the last change
}

// Wanted is one change of a proposal, with the figure that carries it: enough
// to tell later whether another proposal says the same.
type Wanted struct {
	Job, Key string
	From, To string
	Rules    []string // that asked for it, sorted
}

// An Entry is an effect that was begun.
type Entry struct {
	At      time.Time
	Receipt *Receipt // nil until it is known to have happened
}
