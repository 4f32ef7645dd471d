package main

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Twenty times the main job on the sample repository, each time with the event
// logs in another order and in another number of commits: byte for byte the
// same report.
func TestTuneIsDeterministic(t *testing.T) {
	logs, err := filepath.Glob("../../testdata/eventlogs/*/application_*")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no event logs: %v", err)
	}
	asOf, err := os.ReadFile("../../testdata/eventlogs/AS_OF")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(20, 26))
	var first string
	for i := range 20 {
		r.Shuffle(len(logs), func(i, j int) { logs[i], logs[j] = logs[j], logs[i] })
		lake := t.TempDir()
		half := r.IntN(len(logs))
		runCLI(t, append([]string{"ingest", "--lake", lake}, logs[half:]...)...)
		args := []string{"tune", "../../testdata/repo", "--lake", lake, "--as-of", strings.TrimSpace(string(asOf))}
		for _, l := range logs[:half] {
			args = append(args, "--metrics", l)
		}
		got := runCLI(t, args...)
		if i == 0 {
			first = got
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatalf("run %d differs (-first +this):\n%s", i, diff)
		}
	}
}

func runCLI(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	c := &cli{stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }}
	if code := c.run(t.Context(), args); code != exitDone {
		t.Fatalf("sparktune %s: exit %d\n%s", strings.Join(args, " "), code, stderr.String())
	}
	return stdout.String()
}

// BenchmarkTune is the main job on the sample repository with its logs
// ingested: open the lake, read the runs, find the jobs, decide, report.
func BenchmarkTune(b *testing.B) {
	asOf, err := os.ReadFile("../../testdata/eventlogs/AS_OF")
	if err != nil {
		b.Fatal(err)
	}
	lake := b.TempDir()
	c := &cli{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	if code := c.run(b.Context(), []string{"ingest", "--lake", lake, "../../testdata/eventlogs"}); code != exitDone {
		b.Fatal("ingest failed")
	}
	for b.Loop() {
		if code := c.run(b.Context(), []string{"tune", "../../testdata/repo", "--lake", lake, "--as-of", strings.TrimSpace(string(asOf))}); code != exitDone {
			b.Fatal("tune failed")
		}
	}
}
