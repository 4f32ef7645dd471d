package store

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A process that dies leaves the disk's cache behind, one that loses its power
// does not: what was accepted is synced before it is acknowledged. strace sees
// the child's system calls; all writes to the log come before its sync, and
// that before "accepted".
func TestSyncedBeforeAcknowledged(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil && os.Getenv("CI") == "" {
		t.Skip("there is no strace; bot/store/testdata/setup installs it")
	}
	dir := t.TempDir()
	open(t, filepath.Join(dir, "db"), Options{}).Close() // the tables are not what is looked at
	trace := filepath.Join(dir, "trace")
	cmd := exec.Command("strace", "-f", "-y", "-s", "16", "-e", "trace=pwrite64,write,fsync,fdatasync", "-o", trace, os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+filepath.Join(dir, "db")+"|"+dir+"|0|1|-1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	src, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	before, _, acknowledged := bytes.Cut(src, []byte(`"accepted 0`))
	written := bytes.LastIndex(before, []byte("pwrite64("))
	synced := max(bytes.LastIndex(before, []byte("fdatasync(")), bytes.LastIndex(before, []byte("fsync(")))
	if !acknowledged || written < 0 || synced < written || !strings.Contains(string(before[synced:]), "-wal>") {
		t.Fatalf("acknowledged %v, last write at %d, last sync at %d", acknowledged, written, synced)
	}
}

func TestSynchronousIsFull(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "db"), Options{})
	var synchronous int
	var journal string
	if err := s.db.QueryRow("PRAGMA synchronous").Scan(&synchronous); err != nil {
		t.Fatal(err)
	}
	if err := s.db.QueryRow("PRAGMA journal_mode").Scan(&journal); err != nil {
		t.Fatal(err)
	}
	if synchronous != 2 || journal != "wal" {
		t.Errorf("synchronous %d, journal %s", synchronous, journal)
	}
}

// BenchmarkAccept is the durable part of an acknowledgement, with a body of 25
// KB. go test -run '^$' -bench Accept -count 10 ./bot/store | benchstat -
func BenchmarkAccept(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "db"), Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	body := bytes.Repeat([]byte("x"), 25<<10)
	n := 0
	for b.Loop() {
		n++
		accept(b, s, Delivery{GUID: strconv.Itoa(n), Event: "push", Body: body})
	}
}
