package lake

import (
	"context"
	"fmt"
	"strconv"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
)

// commit commits tx, which was made on base. When another process committed
// first, nothing is left of tx and the error is errAgain.
func (r *relation[R]) commit(ctx context.Context, base *table.Table, tx *table.Transaction) error {
	lost, err := r.tryCommit(ctx, base, tx)
	if lost != nil {
		discard(ctx, base, *lost, true)
	}
	return err
}

// tryCommit is commit that leaves the files of a snapshot that lost to the
// caller.
//
// The catalogs report a lost race in different ways (iceberg-go's SQL catalog
// does not even wrap it), and an error may hide a commit that succeeded. So
// the new state is asked, not the error.
func (r *relation[R]) tryCommit(ctx context.Context, base *table.Table, tx *table.Transaction) (lost *table.Snapshot, err error) {
	_, err = tx.Commit(ctx)
	if err == nil {
		return nil, nil
	}
	staged, stageErr := tx.StagedTable()
	now, loadErr := r.table(ctx)
	if stageErr != nil || loadErr != nil {
		return nil, again(err)
	}
	snapshot := added(base, staged.Table)
	if snapshot != nil && now.SnapshotByID(snapshot.SnapshotID) != nil {
		return nil, nil
	}
	if now.MetadataLocation() == base.MetadataLocation() {
		return snapshot, again(err)
	}
	return snapshot, fmt.Errorf("%w: %w", errAgain, err)
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

// current loads the table and adds the columns that an older version of this
// program did not know. Adding never rewrites data.
func (r *relation[R]) current(ctx context.Context) (*table.Table, error) {
	t, err := r.ensure(ctx)
	if err != nil {
		return nil, err
	}
	have, want := t.Schema().AsStruct(), newSchema(r.fields).AsStruct()
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
