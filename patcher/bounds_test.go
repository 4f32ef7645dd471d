package patcher

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// TestBadInput holds that what cannot be served is skipped with a reason, and
// the rest is served as ever.
func TestBadInput(t *testing.T) {
	job := "from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator\nx = SparkSubmitOperator(task_id=\"x\", executor_memory=\"8g\")\n"
	files := fstest.MapFS{
		"dags/good.py":                        {Data: []byte(job)},
		"dags/with space/and\nnewline.py":     {Data: []byte(strings.Replace(job, `"x"`, `"y"`, 1))},
		"dags/Good.py":                        {Data: []byte(strings.Replace(job, `"x"`, `"z"`, 1))},
		"dags/empty.py":                       {Data: nil},
		"dags/link.py":                        {Data: []byte("../../etc/passwd"), Mode: fs.ModeSymlink | 0o777},
		"dags/binary.py":                      {Data: []byte("\x7fELF\x00spark")},
		"dags/latin1.py":                      {Data: []byte("# spark gr\xf6\xdfe\n" + job)},
		"dags/lfs.py":                         {Data: []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\n# spark\n")},
		"dags/huge.py":                        {Data: []byte(strings.Repeat("# spark\n", 1<<20))},
		"venv/lib/python3/site-packages/x.py": {Data: []byte(job)},
		"node_modules/x/x.py":                 {Data: []byte(job)},
		"dags/socket.py":                      {Mode: fs.ModeSocket},
	}
	repo, err := Find(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.Jobs) != 3 {
		t.Errorf("%d jobs, want 3: %+v", len(repo.Jobs), repo.Jobs)
	}
	reasons := map[string]string{}
	for _, s := range repo.Skipped {
		reasons[s.Path] = s.Reason
	}
	for name, want := range map[string]string{
		"dags/link.py": "symbolic link", "dags/binary.py": "binary", "dags/latin1.py": "not UTF-8", "dags/lfs.py": "LFS pointer",
		"dags/huge.py": "larger than", "dags/socket.py": "not a regular file",
	} {
		if !strings.Contains(reasons[name], want) {
			t.Errorf("%s: skipped because %q, want %q", name, reasons[name], want)
		}
	}
}

// TestOtherRepositories: a submodule or a clone in the tree is a repository of its
// own, whose change "git diff" does not show.
func TestOtherRepositories(t *testing.T) {
	script := &fstest.MapFile{Data: []byte("spark-submit --executor-memory 4g job.py\n")}
	repo, err := Find(fstest.MapFS{
		".git/config": {}, "own.sh": script,
		".gitmodules": {Data: []byte("[submodule \"sub\"]\n\tpath = sub\n\turl = x\n")},
		"sub/.git":    {Data: []byte("gitdir: ../.git/modules/sub\n")}, "sub/submit.sh": script,
		"clone/.git/HEAD": {}, "clone/deep/submit.sh": script,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.Jobs) != 1 || repo.Jobs[0].Path != "own.sh" {
		t.Errorf("jobs are %+v", repo.Jobs)
	}
	if len(repo.Skipped) != 2 || repo.Skipped[0].Path != "clone" || repo.Skipped[1].Path != "sub" || !strings.Contains(repo.Skipped[1].Reason, "submodule") {
		t.Errorf("skipped are %+v", repo.Skipped)
	}
}

// TestLinkedFolder: a link to a folder is named, as one to a file is.
func TestLinkedFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "real"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"linked", "venv"} {
		if err := os.Symlink("real", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	repo, err := Find(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.Skipped) != 1 || repo.Skipped[0].Path != "linked" || !strings.Contains(repo.Skipped[0].Reason, "symbolic link") {
		t.Errorf("skipped are %+v", repo.Skipped)
	}
}

// TestNotARepository: an unreadable root is an error, not an empty repository.
func TestNotARepository(t *testing.T) {
	if _, err := Find(os.DirFS(filepath.Join(t.TempDir(), "nowhere"))); err == nil {
		t.Error("no error")
	}
	if repo, err := Find(fstest.MapFS{}); err != nil || len(repo.Jobs) != 0 {
		t.Errorf("an empty repository: %+v, %v", repo, err)
	}
}

// locked is a tree in which one file may not be read. (Permissions of a real
// file would not do: root reads everything.)
type locked struct {
	fs.FS
	name string
}

func (l locked) Open(name string) (fs.File, error) {
	if name == l.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.FS.Open(name)
}

// TestUnreadable: a file without permission is skipped, the others are served.
func TestUnreadable(t *testing.T) {
	op := []byte("SparkSubmitOperator(task_id='t')\n")
	repo, err := Find(locked{fstest.MapFS{"x.py": {Data: op}, "y.py": {Data: op}}, "x.py"})
	if err != nil || len(repo.Skipped) != 1 || len(repo.Jobs) != 1 {
		t.Errorf("%+v, %v", repo, err)
	}
}

// cpuTime is the processor time of this process, which does not depend on what
// else the machine does.
func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestAdversarial holds the processor time that a hostile file of 1 MB can
// take. Most take well under a second, the worst about two.
func TestAdversarial(t *testing.T) {
	const size = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	op := "SparkSubmitOperator(task_id='t', executor_memory="
	for name, text := range map[string]string{
		"parens.py":    op + fill("(") + ")",
		"brackets.py":  op + fill("[") + "\n",
		"doubling.py":  "a = 'x'\n" + fill("a = a + a\n") + op + "a)\n",
		"chain.py":     chain(20000) + op + "a19999)\n",
		"calls.py":     "def f(x):\n    return f(x) + f(x)\n" + fill(op+"f('8g'))\n"),
		"dicts.py":     "d = {}\n" + fill("d = {**d, **d, 'spark.x': 'y'}\n") + op + "'8g', conf=d)\n",
		"loops.py":     "for a in range(99):\n for b in range(99):\n  for c in range(99):\n   " + op + "'8g')\n",
		"command.py":   "BashOperator(task_id='t', bash_command='" + fill("spark-submit --conf a=b ") + "x.py')\n",
		"jinja.py":     "BashOperator(task_id='t', bash_command='spark-submit " + fill("{% if x %}") + "')\n",
		"strings.py":   op + fill("'a' ") + ")\n",
		"alias.yaml":   bomb(30),
		"deep.yaml":    "spark: " + fill("[") + "\n",
		"flow.yaml":    "spark: " + fill("{a: ") + "\n",
		"wide.yaml":    "spark: x\n" + fill("executor_memory: 8g\n- "),
		"deep.json":    `{"spark": ` + fill("[") + "}",
		"script.sh":    fill("A=$A$A; ") + "\nspark-submit --executor-memory $A x.py\n",
		"quotes.sh":    "spark-submit " + fill("\"$(") + "\n",
		"open.hocon":   "spark " + fill("{a "),
		"values.conf":  fill("spark.executor.memory 8g\n"),
		"comments.py":  fill("# spark sparktune: pin\n") + op + "'8g')\n",
		"decorated.py": fill("@spark\n") + "def f(): pass\n",
	} {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{name: {Data: []byte(text)}}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := cpuTime(t)
			repo, err := Find(files)
			if err != nil {
				t.Fatal(err)
			}
			took := cpuTime(t) - start
			runtime.ReadMemStats(&after)
			t.Logf("%s: %v, %d MB allocated, %d jobs", name, took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20, len(repo.Jobs))
			if took > 10*time.Second {
				t.Errorf("took %v of processor time", took)
			}
		})
	}
}

// sharedDAG has n jobs that share a number, a text and a mapping.
func sharedDAG(n int) fstest.MapFS {
	var b strings.Builder
	b.WriteString("from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator\n")
	b.WriteString("M = '8g'\nG = 8\nC = {'spark.sql.shuffle.partitions': '200'}\n")
	for i := range n {
		fmt.Fprintf(&b, "t%[1]d = SparkSubmitOperator(task_id='t%[1]d', executor_memory=M, driver_memory=f'{G}g', conf=C)\n", i)
	}
	return fstest.MapFS{"x.py": {Data: []byte(b.String())}}
}

// TestSharedValues: what a value that thousands of jobs share costs is in
// proportion to them: named are the first, and twice the jobs take about twice
// the memory, not four times.
func TestSharedValues(t *testing.T) {
	allocated := func(n int) uint64 {
		files := sharedDAG(n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		repo, err := Find(files)
		if err != nil {
			t.Fatal(err)
		}
		var wants []Want
		for i, j := range repo.Jobs {
			for _, s := range j.Sites {
				if len(s.Users) != maxUsers || len(s.Users)+s.MoreUsers != n {
					t.Fatalf("%s of %s names %d users and %d more, not %d of %d", s.Key, j.ID, len(s.Users), s.MoreUsers, maxUsers, n)
				}
			}
			wants = append(wants, Want{j.ID, Setting{"spark.executor.memory", "8g", "6g"}})
			wants = append(wants, Want{j.ID, Setting{"spark.driver.memory", "8g", fmt.Sprintf("%dg", 9+i%3)}})
			wants = append(wants, Want{j.ID, Setting{"spark.sql.shuffle.partitions", "200", fmt.Sprint(1000 + i)}})
		}
		res, err := Rewrite(files, repo, wants)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(res.Outcomes, func(o Outcome) bool { return o.Status != Applied }); i >= 0 {
			t.Fatalf("%+v", res.Outcomes[i])
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := allocated(400), allocated(800)
	t.Logf("%d MB for 400 jobs, %d MB for 800", few>>20, many>>20)
	if many > 3*few {
		t.Errorf("%d bytes for 400 jobs and %d for 800", few, many)
	}
}

// chain is n names, each bound to the one before.
func chain(n int) string {
	var b strings.Builder
	b.WriteString("a0 = '8g'\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "a%d = a%d\n", i, i-1)
	}
	return b.String()
}

// bomb is a YAML text of n anchors, each nine times the one before.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 {executor_memory: 8g, name: spark}\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 8), i-1)
	}
	return b.String()
}
