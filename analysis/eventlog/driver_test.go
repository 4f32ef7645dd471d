package eventlog

import (
	"os"
	"strings"
	"testing"

	"github.com/sparktune/sparktune/analysis"
)

// A driver of the lab that died of its heap says so in its row, and no other
// job's driver does.
func TestDriverOfTheLab(t *testing.T) {
	fsys := os.DirFS("../../testdata/labelled/logs")
	logs, _, err := Find(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, l := range logs {
		runs, err := Read(fsys, l)
		if err != nil {
			t.Fatal(err)
		}
		job, _, _ := strings.Cut(l.Path, "/")
		want := ""
		if job == "driver_oom" {
			want = analysis.LossHeapOOM
			found++
		}
		if got := runs[0].DriverFailure; (got == analysis.LossHeapOOM) != (want != "") {
			t.Errorf("%s: driver_failure %q, want %q", l.Path, got, want)
		}
	}
	if found < 3 {
		t.Errorf("only %d logs of driver_oom", found)
	}
}
