package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/ghapp/ghtest"
)

// A flow is one of the three, from a world in which it has something to do.
type flow struct {
	name string
	dag  string // that the world has
	// prepare makes the world and returns what is run, again and again.
	prepare func(w *world) func(ctx context.Context) error
}

var flows = []flow{
	{"weekly, new", features, func(w *world) func(context.Context) error { return w.weekly }},
	{"weekly, update", features, func(w *world) func(context.Context) error {
		w.week()
		w.judge("max_grow: 1.5")
		return w.weekly
	}},
	{"weekly, kept", orders, func(w *world) func(context.Context) error {
		w.merge(lessHeap, 6, smaller)
		return w.weekly
	}},
	{"weekly, worse", orders, func(w *world) func(context.Context) error {
		w.merge(lessHeap, 1, killed)
		return w.weekly
	}},
	{"command", features, func(w *world) func(context.Context) error {
		_, command := w.ask("alice", "/sparktune report")
		return func(ctx context.Context) error {
			_, err := w.bot.Answer(ctx, w.ref(), command)
			return err
		}
	}},
	{"review", features, func(w *world) func(context.Context) error {
		pull := w.change(features, "        },\n    )", "        },\n        executor_memory=\"700m\",\n    )")
		return func(ctx context.Context) error {
			_, err := w.bot.Review(ctx, w.ref(), pull, "")
			return err
		}
	}},
}

// lag is how long lists do not show what was written.
const lag = 90 * time.Second

// Whatever goes wrong at whichever call, and whether it happened or not: the
// flow, run again as the server runs it, ends where it would have ended.
func TestFaultsConverge(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of worlds")
	}
	var table strings.Builder
	tab := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	triples := 0
	for _, f := range flows {
		calls, want := f.undisturbed(t)
		for i, call := range calls {
			row := []string{f.name, fmt.Sprint(i), call.Route}
			for _, fault := range ghtest.Faults(nil) {
				triples++
				runs, got := f.disturbed(t, i, fault.String())
				switch diff := cmp.Diff(want, got); {
				case diff == "":
					row = append(row, fmt.Sprintf("%s:%d", fault, runs))
				case isFact(call, fault) && !strings.Contains(got, "comment by sparktune"):
					row = append(row, fmt.Sprintf("%s:no", fault))
				default:
					t.Errorf("%s, call %d (%s), %s (-want +got):\n%s", f.name, i, call.Route, fault, diff)
				}
			}
			fmt.Fprintln(tab, strings.Join(row, "\t"))
		}
	}
	tab.Flush()
	t.Logf("%d triples; the number is how often the flow was run until it ended, \"no\" that the answer is a fact and the flow fails closed\n%s", triples, &table)
}

// isFact says whether the answer is no fault but says something: that the
// comment is gone, or that the account is none of this repository's. Then
// nothing is answered, and rightly so.
func isFact(c ghtest.Call, f ghtest.Fault) bool {
	return f.String() == ghtest.NotFound.String() &&
		(strings.HasSuffix(c.Route, "/issues/comments/{comment_id}") || strings.HasSuffix(c.Route, "/permission"))
}

// undisturbed are the calls of a flow without faults, and where it ends.
func (f flow) undisturbed(t *testing.T) ([]ghtest.Call, string) {
	t.Helper()
	w := newWorldWith(t, f.dag)
	run := f.prepare(w)
	w.boot() // as after a fault: no token and no file is known
	w.hub.ResetCalls()
	if err := run(t.Context()); err != nil {
		t.Fatalf("%s: %v", f.name, err)
	}
	calls := w.hub.Calls()
	return calls, w.describe()
}

// disturbed runs a flow with one fault until it ends, as the server does: an
// error that says when is tried again then, another one later (a refusal a few
// times only), and after the end of the process by another.
func (f flow) disturbed(t *testing.T, at int, fault string) (runs int, state string) {
	t.Helper()
	w := newWorldWith(t, f.dag)
	run := f.prepare(w)
	w.boot()
	w.hub.Lag(lag)
	w.hub.ResetCalls()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	faults := ghtest.Faults(kill)
	w.hub.FaultAt(at, faults[slices.IndexFunc(faults, func(x ghtest.Fault) bool { return x.String() == fault })])
	refusals := 0
	for runs = 1; runs < 12; runs++ {
		err := run(ctx)
		if errors.Is(err, bot.ErrDenied) {
			refusals++
		}
		if err == nil || refusals == 4 {
			break
		}
		if ctx.Err() != nil {
			w.boot()
			ctx = t.Context()
		}
		wait := time.Minute
		if retry, ok := errors.AsType[*bot.RetryError](err); ok {
			wait = max(wait, retry.After)
		}
		w.hub.Advance(wait)
	}
	w.hub.Advance(lag + time.Second)
	return runs, w.describe()
}

// describe is all of the state that people see. Commits are named by what is in
// them: their ids hold the time.
func (w *world) describe() string {
	var b strings.Builder
	for _, name := range w.repo.Branches() {
		c := w.repo.Commit(name)
		fmt.Fprintf(&b, "branch %s: %q by %s\n", name, c.Message, c.Author)
		if strings.HasPrefix(name, "sparktune/") {
			fmt.Fprintf(&b, "%s\n", w.repo.Files(name)[w.dag].Data)
		}
	}
	for _, p := range w.repo.Pulls() {
		fmt.Fprintf(&b, "pull request %d: %s, %s, from %s by %s, labels %v\n%s\n", p.Number, p.State, p.Title, p.Branch, p.Author, p.Labels, p.Body)
		for _, c := range p.Comments {
			fmt.Fprintf(&b, "comment by %s, %v: %s\n", c.Author, c.Reactions, c.Body)
		}
	}
	for _, c := range w.repo.Checks() {
		fmt.Fprintf(&b, "check %s, %s: %s\n%s\n%v\n", c.Status, c.Conclusion, c.Title, c.Summary, c.Annotations)
	}
	return b.String()
}
