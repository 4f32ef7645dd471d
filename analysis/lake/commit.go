package lake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
	"github.com/mattn/go-sqlite3"
)

// An outcome says what became of a commit.
type outcome int

const (
	unknown   outcome = iota // nobody can say: it may be there, or come yet
	committed                // it is there, or was
	lost                     // it is not there and never will be
)

// answerTime is how long the table is asked for after a commit that failed: its
// state says what the error does not. A variable for the tests.
var answerTime = 10 * time.Second

// commit commits tx, which was made on base. When another process committed
// first, nothing is left of tx and the error is errAgain.
func (r *relation[R]) commit(ctx context.Context, base *table.Table, tx *table.Transaction) error {
	_, err := r.tryCommit(ctx, base, tx, true)
	return err
}

// tryCommit is commit that says more. It removes the files of a snapshot that
// is lost, its data files when data is true; those of one that is unknown stay,
// since the commit may come yet: where it does not, they are orphans.
func (r *relation[R]) tryCommit(ctx context.Context, base *table.Table, tx *table.Transaction, data bool) (outcome, error) {
	_, err := tx.Commit(ctx)
	if err == nil {
		return committed, nil
	}
	staged, stageErr := tx.StagedTable()
	now, loadErr := r.reload(ctx)
	if stageErr != nil || loadErr != nil {
		return unknown, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	overtaken := now.MetadataLocation() != base.MetadataLocation()
	snapshot := added(base, staged.Table)
	if snapshot == nil {
		return unknown, againIf(overtaken || isBusy(err), err) // no files, and harmless twice
	}
	switch outcomeOf(base, now, snapshot.SnapshotID, err) {
	case committed:
		return committed, nil
	case lost:
		discard(context.WithoutCancel(ctx), base, *snapshot, data)
		return lost, againIf(overtaken || isBusy(err), err)
	case unknown:
	}
	if head(now) != head(base) {
		return unknown, againIf(true, err) // done or lost, and no longer under way
	}
	return unknown, fmt.Errorf("%w: %w", errUnanswered, err)
}

// reload loads the table, also where ctx has ended while it committed.
func (r *relation[R]) reload(ctx context.Context) (t *table.Table, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	err = retry(ctx, func() error {
		t, err = r.load(ctx)
		return againIf(err != nil, err)
	})
	return t, err
}

// outcomeOf says what became of the snapshot id, whose commit on top of base
// ended with err, where now is the state after it.
//
// The catalogs report a lost race in different ways (iceberg-go's SQL catalog
// does not even wrap it), and an error may hide a commit that succeeded. So
// the state is asked before the error. Every snapshot is committed on condition
// that base is the newest one: where another took that place, it is lost,
// however late the catalog gets to it.
func outcomeOf(base, now *table.Table, id int64, err error) outcome {
	if now.SnapshotByID(id) != nil {
		return committed
	}
	before := head(base)
	if head(now) == before {
		if errors.Is(err, table.ErrCommitFailed) || isBusy(err) || isSQLite(err, sqlite3.ErrReadonly) {
			return lost // refused, so nothing is under way
		}
		return unknown
	}
	for at := head(now); at != before; {
		if at == id {
			return committed // others came after it, and it has expired
		}
		s := now.SnapshotByID(at)
		if s == nil {
			return unknown // has expired: what was before it can't be told
		}
		at = parent(s)
	}
	return lost
}

// noSnapshot stands for the newest snapshot of a table without any.
const noSnapshot = -1

// head is the newest snapshot's id.
func head(t *table.Table) int64 {
	if s := t.CurrentSnapshot(); s != nil {
		return s.SnapshotID
	}
	return noSnapshot
}

func parent(s *table.Snapshot) int64 {
	if s.ParentSnapshotID != nil {
		return *s.ParentSnapshotID
	}
	return noSnapshot
}

// added is the snapshot that staged has on top of base; nil when it changes
// the table's metadata only.
func added(base, staged *table.Table) *table.Snapshot {
	s := staged.CurrentSnapshot()
	if s == nil || base.SnapshotByID(s.SnapshotID) != nil {
		return nil
	}
	return s
}

// discard removes the files of a snapshot that was not committed, its data
// files when data is true. What can't be removed is an orphan, which does no
// harm but take room.
func discard(ctx context.Context, t *table.Table, s table.Snapshot, data bool) {
	fs, err := t.FS(ctx)
	if err != nil {
		return
	}
	w, ok := fs.(io.WriteFileIO)
	if !ok {
		return
	}
	manifests, err := s.Manifests(fs)
	if err != nil {
		return
	}
	for _, m := range manifests {
		if m.SnapshotID() != s.SnapshotID {
			continue
		}
		for e, err := range m.Entries(fs, true) {
			if err == nil && data && e.Status() == iceberg.EntryStatusADDED {
				_ = w.Remove(e.DataFile().FilePath())
			}
		}
		_ = w.Remove(m.FilePath())
	}
	_ = w.Remove(s.ManifestList)
}

// current loads the table to write into it, and adds the columns that an older
// version of this program did not know. Adding never rewrites data.
func (r *relation[R]) current(ctx context.Context) (*table.Table, error) {
	t, err := r.ensure(ctx)
	if err != nil {
		return nil, err
	}
	have, want := t.Schema().AsStruct(), newSchema(r.fields).AsStruct()
	if err := checkWritable(&have, &want); err != nil {
		return nil, fmt.Errorf("table %s: %w", r.name(), err)
	}
	missing := missingFields(&have, &want)
	if len(missing) == 0 {
		return t, nil
	}
	if err := r.addColumns(ctx, t, missing); err != nil {
		return nil, err
	}
	return r.table(ctx)
}

func (r *relation[R]) addColumns(ctx context.Context, t *table.Table, fs []newField) error {
	tx := t.NewTransaction()
	update := tx.UpdateSchema(true, false)
	for _, f := range fs {
		update.AddColumn(f.path, f.Type, f.Doc, false, nil)
	}
	if err := update.Commit(); err != nil {
		return fmt.Errorf("add columns: %w", err)
	}
	if err := tx.SetProperties(iceberg.Properties{versionKey: strconv.Itoa(r.version())}); err != nil {
		return fmt.Errorf("set %s: %w", versionKey, err)
	}
	return r.commit(ctx, t, tx)
}
