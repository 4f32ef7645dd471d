package patcher

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// bigDAG is a DAG file of about n bytes: operators as people write them, and
// the functions and comments between them.
func bigDAG(n int) string {
	var b strings.Builder
	b.WriteString("from airflow import DAG\nfrom airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator\n\n")
	b.WriteString("dag = DAG(\"big\")\n")
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `
# The table %[1]d of the warehouse, loaded every night.
load_%[1]d = SparkSubmitOperator(
    task_id="load_%[1]d",
    dag=dag,
    application="jobs/load.py",
    executor_memory="8g",
    num_executors=20,
    conf={"spark.sql.shuffle.partitions": "200"},
)


def check_%[1]d(**context):
    """Compares the row counts of table %[1]d with those of its source."""
    rows = context["ti"].xcom_pull(task_ids="load_%[1]d")
    if rows is None or rows < 1000:
        raise ValueError(f"table %[1]d has only {rows} rows")
    return [row for row in range(rows) if row %% 2 == 0]
`, i)
	}
	return b.String()
}

// BenchmarkFindLargeDAG: go test -run x -bench LargeDAG -count 6 ./patcher | benchstat -
func BenchmarkFindLargeDAG(b *testing.B) {
	for _, c := range []struct {
		name string
		text string
	}{
		{"operators", bigDAG(1 << 20)},
		{"mostly-other", bigDAG(64<<10) + "\n" + strings.Repeat("def helper(x):\n    return [y for y in x if y]  # nothing of interest\n\n\n", (1<<20-64<<10)/72)},
	} {
		files := fstest.MapFS{"dags/big.py": {Data: []byte(c.text)}}
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Find(files); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// manyFiles is a repository of n files, of which one in ten is a DAG with a
// Spark job.
func manyFiles(n int) fstest.MapFS {
	files := fstest.MapFS{}
	for i := range n {
		name, text := fmt.Sprintf("lib/pkg%d/mod%d.py", i%100, i), strings.Repeat("def f(x):\n    return x + 1\n\n", 100)
		switch i % 10 {
		case 0:
			name, text = fmt.Sprintf("dags/dag%d.py", i), bigDAG(3000)
		case 1:
			name, text = fmt.Sprintf("docs/page%d.md", i), "# spark\n"
		case 2:
			name, text = fmt.Sprintf("config/c%d.yaml", i), "name: x\nvalues: [1, 2, 3]\n"
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// BenchmarkFind10kFiles: go test -run x -bench 10kFiles -count 6 ./patcher | benchstat -
func BenchmarkFind10kFiles(b *testing.B) {
	files := manyFiles(10000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Find(files); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRewrite: go test -run x -bench Rewrite -count 6 ./patcher | benchstat -
func BenchmarkRewrite(b *testing.B) {
	files := fstest.MapFS{"dags/big.py": {Data: []byte(bigDAG(20 << 10))}}
	repo, err := Find(files)
	if err != nil {
		b.Fatal(err)
	}
	wants := fuzzWants(repo)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Rewrite(files, repo, wants); err != nil {
			b.Fatal(err)
		}
	}
}
