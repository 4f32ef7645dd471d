package lab_test

import (
	"os"
	"os/exec"
	"testing"
)

// TestReport holds that docs/lab.md and its picture are what the committed rows
// of the proof make.
func TestReport(t *testing.T) {
	// Read here too, so that a cached result is not taken for one of other files.
	for _, file := range []string{"report", "proof.jsonl", "labels.json", "notes.json", "../docs/lab.md", "../docs/lab.svg"} {
		if _, err := os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "python3", "report", "--check")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("lab/report --check: %v\n%s", err, out)
	}
}

// TestReportNoticesADifference holds that the check can fail.
func TestReportNoticesADifference(t *testing.T) {
	dir := t.TempDir()
	write := exec.CommandContext(t.Context(), "python3", "report", "--out", dir)
	if out, err := write.CombinedOutput(); err != nil {
		t.Fatalf("lab/report: %v\n%s", err, out)
	}
	if err := os.Truncate(dir+"/lab.md", 100); err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), "python3", "report", "--out", dir, "--check")
	if out, err := check.CombinedOutput(); err == nil {
		t.Errorf("a page that was cut passes\n%s", out)
	}
}
