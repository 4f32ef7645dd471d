package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"

	"github.com/sparktune/sparktune/analysis"
)

// A gateway is a catalog behind one that loses answers. Its zero value loses
// none. Tables that it loads commit through it.
type gateway struct {
	catalog.Catalog
	// lose takes the next commit and answers in the catalog's place.
	lose func(commit func() error) error
	// down is how many of the next loads fail, and gone how many of them find
	// no metadata.
	down, gone int
	// loaded is called once, after the next load.
	loaded func()
}

var errTimeout = errors.New("504 Gateway Timeout")

// behind puts a gateway before the catalog of l.
func behind(l *Lake) *gateway {
	g := &gateway{Catalog: l.catalog}
	l.catalog, l.runs.catalog, l.profiles.catalog = g, g, g
	return g
}

func (g *gateway) LoadTable(ctx context.Context, ident table.Identifier) (*table.Table, error) {
	if g.down > 0 {
		g.down--
		return nil, errTimeout
	}
	if g.gone > 0 {
		g.gone--
		return nil, fs.ErrNotExist
	}
	t, err := g.Catalog.LoadTable(ctx, ident)
	if err != nil {
		return nil, err
	}
	if loaded := g.loaded; loaded != nil {
		g.loaded = nil
		loaded()
	}
	files, err := t.FS(ctx)
	if err != nil {
		return nil, err
	}
	return table.New(ident, t.Metadata(), t.MetadataLocation(), func(context.Context) (io.IO, error) { return files, nil }, g), nil
}

func (g *gateway) CommitTable(ctx context.Context, ident table.Identifier, reqs []table.Requirement, updates []table.Update) (table.Metadata, string, error) {
	lose := g.lose
	if lose == nil {
		return g.Catalog.CommitTable(ctx, ident, reqs, updates)
	}
	g.lose = nil
	return nil, "", lose(func() error {
		_, _, err := g.Catalog.CommitTable(context.WithoutCancel(ctx), ident, reqs, updates)
		return err
	})
}

// answers are the ways in which an answer is lost. came says whether the commit
// takes place, and late whether it does so after the answer.
var answers = map[string]struct {
	came, late bool
	err        error
	lose       func(g *gateway, cancel func(), commit func() error) error
}{
	"never": {lose: func(_ *gateway, _ func(), _ func() error) error { return errTimeout }, err: errUnanswered},
	"lost":  {came: true, lose: func(_ *gateway, _ func(), commit func() error) error { return errors.Join(commit(), errTimeout) }},
	"down too": {came: true, lose: func(g *gateway, _ func(), commit func() error) error {
		g.down = 3
		return errors.Join(commit(), errTimeout)
	}},
	"down for long": {came: true, err: errUnanswered, lose: func(g *gateway, _ func(), commit func() error) error {
		g.down = 1 << 30
		return errors.Join(commit(), errTimeout)
	}},
	"canceled": {came: true, lose: func(_ *gateway, cancel func(), commit func() error) error {
		err := commit()
		cancel()
		return errors.Join(err, context.Canceled)
	}},
	"late": {came: true, late: true, err: errUnanswered},
	"refused as another attempt of it was first": {came: true, lose: func(_ *gateway, _ func(), commit func() error) error {
		return errors.Join(commit(), table.ErrCommitFailed)
	}},
}

// TestLostAnswers loses the answer to a commit in every way, of all that
// commits: whatever the table has afterwards can be read.
func TestLostAnswers(t *testing.T) {
	defer func(d time.Duration) { answerTime = d }(answerTime)
	answerTime = time.Second
	before := []analysis.Run{at("1", noon, "d", "t"), at("2", noon, "d", "t")}
	works := map[string]struct {
		do   func(context.Context, *Lake) error
		adds int // rows
	}{
		"Put": {func(ctx context.Context, l *Lake) error {
			_, err := l.Put(ctx, []analysis.Run{at("3", noon, "d", "t")})
			return err
		}, 1},
		"Compact": {func(ctx context.Context, l *Lake) error { _, err := l.Compact(ctx); return err }, 0},
	}
	for work, w := range works {
		for name, answer := range answers {
			t.Run(work+" "+name, func(t *testing.T) {
				l := openTemp(t)
				for _, r := range before {
					put(t, l, r)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var later func() error
				g := behind(l)
				g.lose = func(commit func() error) error {
					if answer.late {
						later = commit
						return errTimeout
					}
					return answer.lose(g, cancel, commit)
				}
				if err := w.do(ctx, l); !errors.Is(err, answer.err) && !errors.Is(err, context.Canceled) {
					t.Errorf("got error %v, want %v", err, answer.err)
				}
				if later != nil {
					if err := later(); err != nil {
						t.Fatal(err)
					}
				}
				want := len(before)
				if answer.came {
					want += w.adds
				}
				again := reopen(t, l.dir)
				if got := runs(t, again, Query{}); len(got) != want {
					t.Errorf("got %d runs, want %d", len(got), want)
				}
				if r := verify(t, again); !r.Healthy() || answer.came && hasData(r.Orphans) {
					t.Errorf("Verify: got %+v", r)
				}
				if err := w.do(t.Context(), again); err != nil {
					t.Error(err)
				}
				if r := verify(t, again); !r.Healthy() || int(r.Rows) != len(before)+w.adds {
					t.Errorf("Verify after the same again: got %+v", r)
				}
			})
		}
	}
}

func hasData(files []string) bool { return strings.Contains(strings.Join(files, " "), ".parquet") }

// TestOvertakenCommit removes what lost, though the answer says nothing.
func TestOvertakenCommit(t *testing.T) {
	l := openTemp(t)
	put(t, l, at("1", noon, "d", "t"))
	other := reopen(t, l.dir)
	behind(l).lose = func(commit func() error) error {
		put(t, other, at("2", noon, "d", "t"))
		if err := commit(); err == nil {
			t.Error("committed on top of a state that is no more")
		}
		return errTimeout
	}
	put(t, l, at("3", noon, "d", "t"))
	if r := verify(t, l); r.Rows != 3 || hasData(r.Orphans) {
		t.Errorf("Verify: got %+v, want 3 rows and no orphans", r)
	}
}

// TestExpiredMeanwhile has others commit and expire before the state is asked, so
// that it can't be told what became of a commit: it is done again, and nothing of
// it is removed.
func TestExpiredMeanwhile(t *testing.T) {
	row := at("mine", noon, "d", "t")
	works := map[string]struct {
		do   func(*Lake) error
		rows int64 // that it adds
	}{
		"Put":     {func(l *Lake) error { _, err := l.Put(t.Context(), []analysis.Run{row}); return err }, 1},
		"Compact": {func(l *Lake) error { _, err := l.Compact(t.Context()); return err }, 0},
	}
	for name, work := range works {
		for keep := 1; keep <= 2; keep++ {
			for _, came := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %d kept, committed %t", name, keep, came), func(t *testing.T) {
					l := openTemp(t)
					put(t, l, at("1", noon, "d", "t"))
					put(t, l, at("2", noon, "d", "t"))
					other := reopen(t, l.dir)
					others := func() {
						put(t, other, at("3", noon, "d", "t"))
						put(t, other, at("4", noon, "d", "t"))
						if _, err := other.Expire(t.Context(), 0, keep); err != nil {
							t.Error(err)
						}
					}
					behind(l).lose = func(commit func() error) error {
						if !came {
							others()
						}
						if err := commit(); (err == nil) != came {
							t.Errorf("commit: got error %v", err)
						}
						if came {
							others()
						}
						return errTimeout
					}
					if err := work.do(l); err != nil {
						t.Error(err)
					}
					if r := verify(t, other); !r.Healthy() || r.Rows != 4+work.rows {
						t.Errorf("Verify: got %+v, want %d rows", r, 4+work.rows)
					}
				})
			}
		}
	}
}
