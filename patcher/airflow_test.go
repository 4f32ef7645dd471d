package patcher

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// airflowSays is what testdata/airflow_argv.py prints.
type airflowSays struct {
	Errors map[string]string
	Tasks  map[string][]string
}

// airflowPython returns the interpreter of an environment with Airflow.
func airflowPython(t *testing.T) string {
	t.Helper()
	if os.Getenv("CI") != "true" {
		t.Skip("Airflow takes half a minute to start; CI=true runs it")
	}
	py := filepath.Join(cacheFolder(t, "airflow"), "bin", "python")
	if exec.CommandContext(t.Context(), py, "-c", "import airflow.providers.apache.spark").Run() != nil {
		t.Fatal("no Airflow with its Spark provider, which CI needs")
	}
	return py
}

func askAirflow(t *testing.T, py, dir string) airflowSays {
	t.Helper()
	script, err := filepath.Abs("testdata/airflow_argv.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), py, script, filepath.Join(dir, "dags"))
	// A busy machine is no import error.
	cmd.Env = append(os.Environ(), "AIRFLOW_HOME="+t.TempDir(), "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT=600")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var says airflowSays
	if err := json.Unmarshal(out, &says); err != nil {
		t.Fatal(err)
	}
	return says
}

// TestAirflow lets real Airflow import the repository of testdata before and
// after a rewrite of every job: no new error, and the commands that its own
// hook builds differ in the wanted values only.
func TestAirflow(t *testing.T) {
	py := airflowPython(t)
	repoDir := t.TempDir()
	if err := os.CopyFS(repoDir, os.DirFS("../testdata/repo")); err != nil {
		t.Fatal(err)
	}
	repo, err := Find(os.DirFS(repoDir))
	if err != nil {
		t.Fatal(err)
	}
	to := map[string]string{"spark.executor.memory": "7g", "spark.executor.instances": "17", "spark.sql.shuffle.partitions": "717", "spark.executor.memoryOverhead": "777m"}
	var wants []Want
	for _, j := range repo.Jobs {
		for key, value := range to {
			w := Want{j.ID, Setting{Key: key, To: value}}
			if s := j.Winner(key); s != nil {
				w.From = s.Value
			}
			wants = append(wants, w)
		}
	}
	res, err := Rewrite(os.DirFS(repoDir), repo, wants)
	if err != nil {
		t.Fatal(err)
	}
	after := t.TempDir()
	if err := os.CopyFS(after, os.DirFS(repoDir)); err != nil {
		t.Fatal(err)
	}
	for _, p := range res.Patches {
		if err := os.WriteFile(filepath.Join(after, p.Path), p.After, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	before, now := askAirflow(t, py, repoDir), askAirflow(t, py, after)
	if diff := cmp.Diff(before.Errors, now.Errors); diff != "" {
		t.Errorf("import errors (-before +after):\n%s", diff)
	}
	applied := map[string]int{}
	for _, o := range res.Outcomes {
		if o.Status == Applied {
			applied[o.Job]++
			if argv, ok := now.Tasks[o.Job]; ok && len(argv) > 1 && !propertyOf(o.Key).same(submitted(argv)[o.Key], o.To) {
				t.Errorf("%s: Airflow runs it with %s=%q, not %q", o.Job, o.Key, submitted(argv)[o.Key], o.To)
			}
		}
	}
	for id, argv := range now.Tasks {
		old, new := submitted(before.Tasks[id]), submitted(argv)
		for key, value := range to {
			if propertyOf(key).same(new[key], value) {
				delete(old, key)
				delete(new, key)
			}
		}
		if diff := cmp.Diff(old, new); diff != "" {
			t.Errorf("%s: other parts of its command differ (-before +after):\n%s", id, diff)
		}
	}
	if len(applied) < 10 {
		t.Errorf("only %d jobs were edited", len(applied))
	}
}

// splitFlags makes "--flag=value" and "--conf key=value" in one word two.
func splitFlags(argv []string) []string {
	var out []string
	for _, w := range argv {
		if i := strings.IndexAny(w, "= "); i > 2 && strings.HasPrefix(w, "--") {
			out = append(out, w[:i], w[i+1:])
			continue
		}
		out = append(out, w)
	}
	return out
}

// submitted reads an argv: the properties that it sets, the flag winning over
// --conf, and every other word under its own name.
func submitted(argv []string) map[string]string {
	conf, flags := map[string]string{}, map[string]string{}
	argv = splitFlags(argv)
	for i := 0; i < len(argv); i++ {
		name := strings.TrimLeft(argv[i], "-")
		if name == argv[i] || i+1 == len(argv) {
			conf[argv[i]] = "word"
			continue
		}
		if name == "conf" {
			k, v, _ := strings.Cut(argv[i+1], "=")
			conf[propertyOf(k).key] = v
			i++
			continue
		}
		i++
		flags[name] = argv[i]
		for _, p := range properties {
			if p.flag == name {
				delete(flags, name)
				flags[p.key] = argv[i]
			}
		}
	}
	maps.Copy(conf, flags)
	return conf
}
