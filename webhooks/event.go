package webhooks

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// An Event is what a delivery says.
type Event struct {
	Installation int64     // 0 when the payload does not say: a repository's own hook
	Repo         Repo      // zero when it is about no one repository
	Sender       string    // who did it
	At           time.Time // when it happened; zero when the payload does not say
	Payload      Payload
}

// A Repo is a repository as the payload names it.
type Repo struct {
	ID          int64
	Owner, Name string
}

// A Payload is what happened. The set is closed: Push, PullRequest, Command,
// CheckRerequested, MergeGroup, InstallationChanged, RepositoryChanged, Ignored.
type Payload interface{ payload() }

// Push moved, made or deleted a branch or a tag.
type Push struct {
	Ref           string // in full: refs/heads/main
	Before, After string // commits; zeros when the ref was made or deleted
}

// PullRequest is a pull request that is new, changed or gone.
type PullRequest struct {
	Number  int
	Action  string // opened, synchronize, reopened, ready_for_review, edited, closed
	Head    string // commit
	Branch  string
	Base    string // branch
	Foreign bool   // the head is in another repository, or that one is gone
	Draft   bool
	Merged  bool
}

// Command is a comment of a person on a pull request that begins with
// /sparktune. The payload has no commit: ask for the pull request.
type Command struct {
	Pull    int
	Comment int64
	Author  string
	Body    string // of the whole comment
	Verb    string // in lower case; "help" when there is none
	Args    string // the rest of the line
}

// CheckRerequested asks for the checks of a commit again: for one of them, or
// for all.
type CheckRerequested struct {
	Head  string // commit
	Pulls []int  // empty for heads of forks
}

// MergeGroup asks for the checks of commits that wait in a merge queue.
type MergeGroup struct {
	Head string // commit
	Base string // ref
}

// InstallationChanged says that we were given or lost repositories.
type InstallationChanged struct {
	Action  string // created, deleted, suspend, unsuspend, added, removed, new_permissions_accepted
	Account string
	Added   []Repo
	Removed []Repo
}

// RepositoryChanged says that a repository is called otherwise, is gone, or is
// seen by others.
type RepositoryChanged struct {
	Action string // renamed, transferred, archived, unarchived, deleted, privatized, publicized
	Was    string // the name before renamed
}

// Ignored is an event of no interest.
type Ignored struct{ Why string }

func (Push) payload()                {}
func (PullRequest) payload()         {}
func (Command) payload()             {}
func (CheckRerequested) payload()    {}
func (MergeGroup) payload()          {}
func (InstallationChanged) payload() {}
func (RepositoryChanged) payload()   {}
func (Ignored) payload()             {}

// wire is what we read of all payloads together; what is not there stays zero.
type wire struct {
	Action       string `json:"action"`
	Installation struct {
		ID      int64 `json:"id"`
		Account struct {
			Login string `json:"login"`
		} `json:"account"`
	} `json:"installation"`
	Repository *wireRepo `json:"repository"`
	Sender     wireUser  `json:"sender"`

	Ref    string `json:"ref"`
	Before string `json:"before"`
	After  string `json:"after"`

	PullRequest *wirePull `json:"pull_request"`
	Issue       *struct {
		Number      int              `json:"number"`
		PullRequest *json.RawMessage `json:"pull_request"` // present for pull requests only
	} `json:"issue"`
	Comment *struct {
		ID      int64     `json:"id"`
		Body    string    `json:"body"`
		User    wireUser  `json:"user"`
		Updated time.Time `json:"updated_at"`
	} `json:"comment"`
	CheckRun   *wireCheck `json:"check_run"`
	CheckSuite *wireCheck `json:"check_suite"`
	MergeGroup *struct {
		Head string `json:"head_sha"`
		Base string `json:"base_ref"`
	} `json:"merge_group"`
	Repositories []wireRepo `json:"repositories"` // of installation
	Added        []wireRepo `json:"repositories_added"`
	Removed      []wireRepo `json:"repositories_removed"`
	Changes      struct {
		Repository struct {
			Name struct {
				From string `json:"from"`
			} `json:"name"`
		} `json:"repository"`
	} `json:"changes"`
}

type wireRepo struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
}

func (r *wireRepo) repo() Repo {
	if r == nil {
		return Repo{}
	}
	owner, name, _ := strings.Cut(r.FullName, "/")
	return Repo{r.ID, owner, name}
}

type wireUser struct {
	Login string `json:"login"`
	Type  string `json:"type"`
}

type wirePull struct {
	Number  int       `json:"number"`
	Draft   bool      `json:"draft"`
	Merged  bool      `json:"merged"`
	Updated time.Time `json:"updated_at"`
	Head    wireEnd   `json:"head"`
	Base    wireEnd   `json:"base"`
}

// wireCheck is a check run or the suite of them.
type wireCheck struct {
	Head  string `json:"head_sha"`
	Pulls []struct {
		Number int `json:"number"`
	} `json:"pull_requests"`
}

type wireEnd struct {
	Ref  string    `json:"ref"`
	SHA  string    `json:"sha"`
	Repo *wireRepo `json:"repo"` // null when the repository is gone
}

// Parse reads a delivery. An event that we do not know is Ignored; an error is
// a body that is no payload.
func Parse(d Delivery) (Event, error) {
	var w wire
	read, known := readers[d.Event]
	if !known {
		if !json.Valid(d.Body) {
			return Event{}, fmt.Errorf("not JSON")
		}
		return Event{Payload: Ignored{"unknown event"}}, nil
	}
	if err := json.Unmarshal(d.Body, &w); err != nil {
		return Event{}, err
	}
	e := Event{Installation: w.Installation.ID, Repo: w.Repository.repo(), Sender: w.Sender.Login}
	var err error
	if e.Payload, e.At, err = read(&w); err != nil {
		return Event{}, fmt.Errorf("%s: %w", d.Event, err)
	}
	if _, ignored := e.Payload.(Ignored); !ignored && needsRepo(e.Payload) && (e.Repo.ID == 0 || e.Repo.Owner == "" || e.Repo.Name == "") {
		return Event{}, fmt.Errorf("%s: no repository", d.Event)
	}
	return e, nil
}

func needsRepo(p Payload) bool {
	_, installation := p.(InstallationChanged)
	return !installation
}

// readers has the events that we know.
var readers = map[string]func(*wire) (Payload, time.Time, error){
	"push":                      readPush,
	"pull_request":              readPullRequest,
	"issue_comment":             readComment,
	"check_run":                 func(w *wire) (Payload, time.Time, error) { return readCheck(w.CheckRun, w.Action) },
	"check_suite":               func(w *wire) (Payload, time.Time, error) { return readCheck(w.CheckSuite, w.Action) },
	"merge_group":               readMergeGroup,
	"installation":              readInstallation,
	"installation_repositories": readInstallation,
	"repository":                readRepository,
}

func ignored(format string, args ...any) (Payload, time.Time, error) {
	return Ignored{fmt.Sprintf(format, args...)}, time.Time{}, nil
}

func missing(what string) (Payload, time.Time, error) {
	return nil, time.Time{}, fmt.Errorf("no %s", what)
}

// readPush tells no time: a commit's is what its author says.
func readPush(w *wire) (Payload, time.Time, error) {
	if w.Ref == "" || w.After == "" {
		return missing("ref")
	}
	return Push{w.Ref, w.Before, w.After}, time.Time{}, nil
}

func readPullRequest(w *wire) (Payload, time.Time, error) {
	p := w.PullRequest
	if p == nil || p.Number <= 0 {
		return missing("pull request")
	}
	switch w.Action {
	case "opened", "synchronize", "reopened", "ready_for_review", "closed":
	case "edited":
		if isBot(w.Sender) {
			return ignored("edited by a bot") // our own edits come back to us
		}
	default:
		return ignored("pull request %s", word(w.Action))
	}
	return PullRequest{
		Number: p.Number, Action: w.Action, Head: p.Head.SHA, Branch: p.Head.Ref, Base: p.Base.Ref,
		Foreign: p.Head.Repo == nil || p.Base.Repo == nil || p.Head.Repo.ID != p.Base.Repo.ID,
		Draft:   p.Draft, Merged: p.Merged,
	}, p.Updated, nil
}

// readComment takes a new comment only: an edited one might change a command
// after somebody has read it.
func readComment(w *wire) (Payload, time.Time, error) {
	if w.Issue == nil || w.Comment == nil || w.Issue.Number <= 0 || w.Comment.ID <= 0 {
		return missing("comment")
	}
	switch {
	case w.Action != "created":
		return ignored("comment %s", word(w.Action))
	case w.Issue.PullRequest == nil:
		return ignored("comment on an issue")
	case isBot(w.Sender) || isBot(w.Comment.User):
		return ignored("comment of a bot")
	}
	verb, args, ok := command(w.Comment.Body)
	if !ok {
		return ignored("no command")
	}
	return Command{
		Pull: w.Issue.Number, Comment: w.Comment.ID, Author: w.Comment.User.Login,
		Body: w.Comment.Body, Verb: verb, Args: args,
	}, w.Comment.Updated, nil
}

func readCheck(c *wireCheck, action string) (Payload, time.Time, error) {
	if c == nil || c.Head == "" {
		return missing("check")
	}
	if action != "rerequested" {
		return ignored("check %s", word(action))
	}
	out := CheckRerequested{Head: c.Head}
	for _, p := range c.Pulls {
		out.Pulls = append(out.Pulls, p.Number)
	}
	return out, time.Time{}, nil
}

func readMergeGroup(w *wire) (Payload, time.Time, error) {
	g := w.MergeGroup
	if g == nil || g.Head == "" {
		return missing("merge group")
	}
	if w.Action != "checks_requested" {
		return ignored("merge group %s", word(w.Action))
	}
	return MergeGroup{g.Head, g.Base}, time.Time{}, nil
}

func readInstallation(w *wire) (Payload, time.Time, error) {
	if w.Installation.ID <= 0 {
		return missing("installation")
	}
	out := InstallationChanged{Action: w.Action, Account: w.Installation.Account.Login, Added: repos(w.Added), Removed: repos(w.Removed)}
	switch w.Action {
	case "added", "removed", "new_permissions_accepted":
	case "created", "unsuspend":
		out.Added = repos(w.Repositories)
	case "deleted", "suspend":
		out.Removed = repos(w.Repositories)
	default:
		return ignored("installation %s", word(w.Action))
	}
	return out, time.Time{}, nil
}

func repos(in []wireRepo) []Repo {
	var out []Repo
	for _, r := range in {
		out = append(out, r.repo())
	}
	return out
}

func readRepository(w *wire) (Payload, time.Time, error) {
	switch w.Action {
	case "renamed", "transferred", "archived", "unarchived", "deleted", "privatized", "publicized":
		return RepositoryChanged{Action: w.Action, Was: w.Changes.Repository.Name.From}, time.Time{}, nil
	}
	return ignored("repository %s", word(w.Action))
}

// isBot says whether an account is no person. What is unknown is none either.
func isBot(u wireUser) bool { return u.Type != "User" }

// word is a foreign action as it may stand in a log.
func word(s string) string { return fmt.Sprintf("%.40q", s) }
