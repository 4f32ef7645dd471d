package bot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// A Repo is a repository on the forge, as an installation of the App sees it.
type Repo struct {
	ID           int64 // the forge's; survives a rename
	Owner, Name  string
	Installation int64
}

func (r Repo) String() string { return r.Owner + "/" + r.Name }

// A Forge is where repositories live. It has two verbs over closed sets, so
// that a dry run, a recorder or a fault is another Forge and nothing else.
type Forge interface {
	// Observe reads what the Query asks for, in as few calls as there can be.
	Observe(ctx context.Context, r Repo, q Query) (State, error)
	// Do carries out one Effect, once: it is never tried again below this
	// interface after it may have happened. Errors are those of this package.
	Do(ctx context.Context, r Repo, e Effect) (Receipt, error)
}

// Trees loads a repository at one commit. The files are those that the commit's
// object ids name, each verified; what was not loaded (too large, a link, a
// submodule, a pointer to large storage) is listed nowhere in the tree, and to
// open it is another error than [fs.ErrNotExist].
type Trees interface {
	Tree(ctx context.Context, r Repo, commit string) (fs.FS, error)
}

// A Query says what of a repository to observe beyond its default branch and
// our own branches and pull requests, which always are.
type Query struct {
	Pull    int    // this pull request with our comments and checks on it; 0 for none
	Comment int64  // this comment of a person on it, as it is now; 0 for none
	Login   string // what this account may do; "" for nobody
	Known   []int  // pull requests of ours that a Memory knows: observed however old they are
}

// A State is a repository as it was observed at one moment.
type State struct {
	At         time.Time // nothing that it shows is older
	Repo       Repo      // as it is called now
	Public     bool
	Archived   bool
	Default    string // name of the default branch
	Head       string // its commit; "" while the repository is empty
	Branches   []Branch
	Pulls      []Pull // from our branches by us, newest first, in any state; old ones only when Known
	Pull       *Pull  // the one of the Query; nil when there is none
	Comments   []Comment
	Checks     []Check
	Comment    *Comment // the one of the Query; nil when it is gone
	Permission Permission
}

// Branch is one of ours ("sparktune/..."), with what we need to know it again.
type Branch struct {
	Name    string
	Head    string // commit
	Parent  string // first parent of Head
	Message string // of Head
	ByUs    bool   // Head was committed by the App itself
}

// Pull is a pull request.
type Pull struct {
	Number     int
	State      PullState
	Draft      bool
	Author     string
	ByUs       bool
	Title      string
	Body       string
	Base       string // branch
	BaseCommit string
	Branch     string   // head branch
	Head       string   // head commit
	Fork       bool     // the head is in another repository, or that one is gone
	Files      []string // changed paths, of the pull request of the Query only
	Conflicts  bool     // with its base, as far as the forge knows
	MergedAt   time.Time
	ClosedByUs bool
}

// PullState is where a pull request is in its life.
type PullState string

// The states of pull requests.
const (
	PullOpen   PullState = "open"
	PullClosed PullState = "closed" // and not merged
	PullMerged PullState = "merged"
)

// Comment is a comment on the conversation of a pull request.
type Comment struct {
	ID     int64
	Author string
	ByUs   bool
	Body   string
}

// Check is a check run of ours on the head of the observed pull request.
type Check struct {
	ID         int64
	ExternalID string
	Conclusion string // "" until it is concluded
}

// Permission is what an account may do in a repository. What is unknown is
// PermissionNone: it fails closed.
type Permission int

// Permissions, weakest first.
const (
	PermissionNone Permission = iota
	PermissionRead
	PermissionWrite
	PermissionAdmin
)

// An Effect is one change of the world, as a value. The set is closed: Push,
// OpenPull, Label, EditPull, ClosePull, AddComment, React, Conclude.
type Effect interface {
	// Key is the same for the same effect, whenever and by whom it is planned:
	// what was done under a Key is not done again.
	Key() string
}

// Push makes a branch one commit on top of Parent.
type Push struct {
	Branch  string
	Parent  string // the commit that the Files are patched from
	Was     string // compare-and-swap: the branch's commit now; "" to create it
	Files   []File
	Message string
	Plan    string // what it carries out
}

// File is a changed file. Its mode stays what it is at the parent.
type File struct {
	Path    string
	Content []byte
}

// OpenPull opens a pull request from a branch of ours.
type OpenPull struct {
	Branch, Base string
	Title, Body  string
	Plan         string
}

// Label adds labels to a pull request of ours, once: a person may remove them.
type Label struct {
	Number int
	Labels []string
}

// EditPull replaces the title and the body of a pull request of ours.
type EditPull struct {
	Number      int
	Title, Body string
	Plan        string
}

// ClosePull closes a pull request of ours that has nothing to propose any
// more, after saying why, and removes its branch.
type ClosePull struct {
	Number int
	Branch string
	Why    string
}

// AddComment answers on the conversation of a pull request.
type AddComment struct {
	Pull int
	For  string // what it answers, e.g. a command; one answer each
	Body string
}

// React acknowledges a comment.
type React struct {
	Comment int64
	Content string // "eyes", "rocket", "confused"
}

// Conclude posts a check run that is concluded. It never stays open, so that a
// required check cannot block a pull request for ever.
type Conclude struct {
	Head       string
	ExternalID string // what it answers; one each
	Conclusion string // "success" or "neutral"
	Title      string
	Summary    string
	Notes      []Annotation
}

// Annotation is a remark on a line of a file at the head.
type Annotation struct {
	Path  string
	Line  int
	Level string // "notice" or "warning"
	Title string
	Text  string
}

// Key implements Effect.
func (e Push) Key() string {
	return fmt.Sprintf("push %s %s onto %s from %s", e.Branch, e.Plan, e.Parent, e.Was)
}

// Key implements Effect.
func (e OpenPull) Key() string { return fmt.Sprintf("open %s %s", e.Branch, e.Plan) }

// Key implements Effect.
func (e Label) Key() string { return fmt.Sprintf("label %d", e.Number) }

// Key implements Effect.
func (e EditPull) Key() string { return fmt.Sprintf("edit %d %s", e.Number, e.Plan) }

// Key implements Effect.
func (e ClosePull) Key() string { return fmt.Sprintf("close %d", e.Number) }

// Key implements Effect.
func (e AddComment) Key() string { return fmt.Sprintf("comment %d for %s", e.Pull, e.For) }

// Key implements Effect.
func (e React) Key() string { return fmt.Sprintf("react %d %s", e.Comment, e.Content) }

// Key implements Effect.
func (e Conclude) Key() string { return fmt.Sprintf("conclude %s %s", e.Head, e.ExternalID) }

// A Receipt is what the forge gave the new thing.
type Receipt struct {
	Commit string // of a Push
	ID     int64  // of a comment, a check run or a reaction; the number of a pull request
}

// What an Observe, a Tree or a Do can end in beside success. Errors of the
// forge wrap one of these, or are a bug.
var (
	// ErrStale: the world is not as the effect says (a branch moved, a ref or a
	// pull request exists, a commit is gone). Nothing happened; observe again.
	ErrStale = errors.New("the repository changed meanwhile")
	// ErrDenied: the App may not, or the thing is not there: suspended, removed,
	// archived, no permission. Trying again hardly helps, but it may have been a
	// refusal of the moment.
	ErrDenied = errors.New("not permitted")
)

// A RetryError says that trying again later can help.
type RetryError struct {
	After time.Duration // at least; 0 when the forge did not say
	// Unsure means that the effect may have happened: the answer was lost.
	Unsure bool
	Err    error
}

func (e *RetryError) Error() string { return e.Err.Error() }
func (e *RetryError) Unwrap() error { return e.Err }
