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

func TestDriverLoss(t *testing.T) {
	for diagnostics, want := range map[string]string{
		"": analysis.LossUnclear,
		"User class threw exception: java.lang.OutOfMemoryError: Java heap space\n\tat x":                                                     analysis.LossHeapOOM,
		"User class threw exception: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0: Exit status: 143":             "",
		"AM Container for appattempt_1 exited with  exitCode: -104 ... is running 9MB beyond the 'PHYSICAL' memory limit. Killing container.": analysis.LossContainerMemory,
		"AM Container for appattempt_1 exited with  exitCode: -102. Container preempted by scheduler":                                         analysis.LossPreempted,
		"User application exited with status 1": analysis.LossUnclear,
	} {
		if got := DriverLoss(diagnostics); got != want {
			t.Errorf("%q: got %q, want %q", diagnostics, got, want)
		}
	}
}
