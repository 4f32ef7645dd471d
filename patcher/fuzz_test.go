package patcher

import (
	"strings"
	"testing"
	"testing/fstest"
)

// fuzzWants asks of every job of a file for the usual changes.
func fuzzWants(repo *Repository) []Want {
	var out []Want
	for _, j := range repo.Jobs {
		for _, s := range []Setting{
			{"spark.executor.memory", "8g", "5g"},
			{"spark.executor.instances", "20", "12"},
			{"spark.sql.shuffle.partitions", "200", "640"},
		} {
			if w := j.Winner(s.Key); w != nil {
				s.From = w.Value
			}
			out = append(out, Want{j.ID, s})
		}
	}
	return out
}

// fuzzFile checks the invariants on one file of any content.
func fuzzFile(t *testing.T, name, text string) {
	if len(text) > 1<<16 {
		t.Skip("larger than what teaches anything")
	}
	files := fstest.MapFS{name: {Data: []byte(text)}}
	repo, err := Find(files)
	if err != nil {
		t.Fatal(err)
	}
	wants := fuzzWants(repo)
	if len(wants) > 300 {
		wants = wants[:300]
	}
	_, res := rewrite(t, files, wants)
	checkInvariants(t, files, wants, res)
}

// seed adds the files of the goldens whose names end in one of exts.
func seed(f *testing.F, exts ...string) {
	for _, g := range goldens(f) {
		for name, file := range g.files {
			if hasExt(name, exts...) {
				f.Add(string(file.Data))
			}
		}
	}
}

// FuzzRewritePython: go test -fuzz FuzzRewritePython ./patcher
func FuzzRewritePython(f *testing.F) {
	seed(f, ".py")
	f.Add(strings.Repeat("(", 2000) + "SparkSubmitOperator(task_id='x')")
	f.Add("a = 'x'\n" + strings.Repeat("a = a + a\n", 60) + "SparkSubmitOperator(task_id='t', executor_memory=a)\n")
	f.Add("def f(x):\n    return f(x)\nSparkSubmitOperator(task_id='t', executor_memory=f(1))\n")
	f.Fuzz(func(t *testing.T, text string) { fuzzFile(t, "dags/x.py", text) })
}

// FuzzRewriteYAML: go test -fuzz FuzzRewriteYAML ./patcher
func FuzzRewriteYAML(f *testing.F) {
	seed(f, ".yaml", ".yml")
	f.Add("a: &a [spark, spark]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: &d [*c, *c, *c, *c]\ne: [*d, *d, *d, *d]\n")
	f.Fuzz(func(t *testing.T, text string) { fuzzFile(t, "jobs.yaml", text) })
}

// FuzzRewriteShell: go test -fuzz FuzzRewriteShell ./patcher
func FuzzRewriteShell(f *testing.F) {
	seed(f, ".sh")
	f.Add("A=\"$B\"\nB=\"$A\"\nspark-submit --executor-memory $A x.py\n")
	f.Fuzz(func(t *testing.T, text string) { fuzzFile(t, "run.sh", text) })
}

// FuzzRewriteOther: go test -fuzz FuzzRewriteOther ./patcher
func FuzzRewriteOther(f *testing.F) {
	seed(f, ".json", ".hocon", ".conf")
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"jobs.json", "jobs.hocon", "x.conf", "x.properties"} {
			fuzzFile(t, name, text)
		}
	})
}

// FuzzApply: go test -fuzz FuzzApply ./patcher
func FuzzApply(f *testing.F) {
	f.Add("abcdef", 1, 2, "X", 3, 3, "")
	f.Add("", 0, 0, "", 0, 0, "x")
	f.Fuzz(func(t *testing.T, src string, s1, e1 int, n1 string, s2, e2 int, n2 string) {
		edits := sortEdits([]Edit{{s1, e1, n1}, {s2, e2, n2}})
		out, err := Apply([]byte(src), edits)
		if err != nil {
			return
		}
		back, err := Apply(out, inverse(Patch{Before: []byte(src), Edits: edits}))
		if err != nil || string(back) != src {
			t.Errorf("Apply(%q, %v) = %q, undone %q, %v", src, edits, out, back, err)
		}
	})
}
