package patcher

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// miniTargets names the job of each mini-case that the change is for, and
// the first measured memory where it is not 8g.
var miniTargets = map[string]string{
	"01_kwargs_two_ops.py":            "orders.load_orders",
	"02_conf_literal_comments.py":     "marts.build_mart",
	"03_conf_and_kwarg.py":            "03_conf_and_kwarg.py:score",
	"04_name_to_module_scalar.py":     "04_name_to_module_scalar.py:clean",
	"05_shared_conf_dict.py":          "05_shared_conf_dict.py:orders_daily",
	"06_star_kwargs_nested.py":        "06_star_kwargs_nested.py:export",
	"07_wrapper_defaults.py":          "07_wrapper_defaults.py:merge_orders",
	"08_loop_rows.py":                 "08_loop_rows.py:ingest_orders",
	"09_loop_constant.py":             "09_loop_constant.py:ingest_orders",
	"10_fstring_unit_outside.py":      "10_fstring_unit_outside.py:rank",
	"11_computed.py":                  "11_computed.py:fit",
	"12_env_default.py":               "12_env_default.py:sync",
	"13_insert_kwargs.py":             "13_insert_kwargs.py:refresh",
	"14_emr_steps_list.py":            "14_emr_steps_list.py:orders-agg",
	"15_emr_spark_defaults.py":        "15_emr_spark_defaults.py:create",
	"16_emr_serverless_concat.py":     "16_emr_serverless_concat.py:start_orders",
	"17_emr_containers_two_places.py": "17_emr_containers_two_places.py:run",
	"18_bash_heredoc.py":              "18_bash_heredoc.py:submit_orders",
	"19_flags_after_jar.py":           "19_flags_after_jar.py:run_orders",
	"20_jinja_params.py":              "wordcount.wordcount",
	"21_sparkapplication.yaml":        "21_sparkapplication.yaml:orders",
	"22_sparkapplication_jinja.yaml":  "22_sparkapplication_jinja.yaml:orders-{{ ts_nodash | lower }}",
	"23_jobs_anchors.yaml":            "23_jobs_anchors.yaml:orders_daily",
	"24_dag_factory_folded.yaml":      "orders.start_orders",
	"25_jobs_table.json":              "25_jobs_table.json:orders",
	"26_submit.sh":                    "26_submit.sh:orders",
	"27_spark-defaults.conf":          "27_spark-defaults.conf:spark-defaults",
	"28_dataproc_nested_const.py":     "28_dataproc_nested_const.py:spark_oct",
	"29_taskflow_pyspark.py":          "29_taskflow_pyspark.py:transform_orders",
	"30_false_friends.py":             "30_false_friends.py:profile",
	"31_crlf_tabs.py":                 "31_crlf_tabs.py:legacy",
	"32_pairs_dsl.py":                 "32_pairs_dsl.py:Orders-Smooth",
	"33_livy.py":                      "33_livy.py:orders",
	"34_databricks.py":                "34_databricks.py:orders",
	"35_yaml_in_python.py":            "35_yaml_in_python.py:orders",
	"36_hocon.conf":                   "36_hocon.conf:orders",
}

// sharedData is the folder of cases that are not part of this repository.
func sharedData(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{os.Getenv("SPARKTUNE_SHARED_DATA"), "../../shared/data"} {
		if _, err := os.Stat(filepath.Join(dir, "minicases", "cases.json")); dir != "" && err == nil {
			return dir
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("SPARKTUNE_SHARED_DATA does not name the folder of the mini-cases")
	}
	t.Skip("the mini-cases are not here; SPARKTUNE_SHARED_DATA names their folder")
	return ""
}

// TestMinicases asks in every case for executor memory 8g -> 5g, executors
// 20 -> 12 and shuffle partitions 200 -> 640, for one job.
func TestMinicases(t *testing.T) {
	dir := filepath.Join(sharedData(t), "minicases")
	var cases []struct {
		File   string
		Action string `json:"default_action"`
		Why    string
	}
	data, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.File, func(t *testing.T) {
			src, err := os.ReadFile(filepath.Join(dir, c.File))
			if err != nil {
				t.Fatal(err)
			}
			want := src
			if c.Action == "patch" {
				if want, err = os.ReadFile(filepath.Join(dir, "expected", c.File)); err != nil {
					t.Fatal(err)
				}
			}
			got, res := rewriteMini(t, c.File, src)
			if c.Action == "none" {
				got = withoutInsertions(src, res)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s\nafter Rewrite (-want +got):\n%s\n%+v", c.Why, diff, res.Outcomes)
			}
		})
	}
}

// withoutInsertions undoes what was added where the file says nothing: the
// false friends themselves must stay.
func withoutInsertions(src []byte, res Result) []byte {
	for _, p := range res.Patches {
		for _, e := range p.Edits {
			if e.Start != e.End {
				return p.After
			}
		}
	}
	return src
}

func rewriteMini(t *testing.T, name string, src []byte) ([]byte, Result) {
	t.Helper()
	fsys := fstest.MapFS{name: {Data: src}}
	repo, err := Find(fsys)
	if err != nil {
		t.Fatal(err)
	}
	id := miniTargets[name]
	if repo.Job(id) == nil {
		t.Errorf("no job %q among %+v", id, repo.Jobs)
	}
	res, err := Rewrite(fsys, repo, []Want{
		{id, Setting{"spark.executor.memory", "8g", "5g"}},
		{id, Setting{"spark.executor.instances", "20", "12"}},
		{id, Setting{"spark.sql.shuffle.partitions", "200", "640"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Patches) == 0 {
		return src, res
	}
	return res.Patches[0].After, res
}
