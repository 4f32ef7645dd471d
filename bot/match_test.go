package bot

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
)

func job(id string, h patcher.Hints) patcher.Job { return patcher.Job{ID: id, Hints: h} }

// Each case is one run against the same repository: which job is it, by what?
func TestMatch(t *testing.T) {
	jobs := []patcher.Job{
		job("orders.load", patcher.Hints{DAGID: "orders", TaskID: "load", AppName: "arrow-spark", Application: "jobs/load.py"}),
		job("orders.check", patcher.Hints{DAGID: "orders", TaskID: "check", AppName: "check_{{ ds }}", Application: "jobs/check.py"}),
		job("eu/clicks.fold", patcher.Hints{DAGID: "clicks", TaskID: "fold", AppName: "fold", Application: "{{ var.value.home }}/fold.py"}),
		job("us/clicks.fold", patcher.Hints{DAGID: "clicks", TaskID: "fold", AppName: "fold", Application: "fold.jar", Class: "org.Fold"}),
		job("marts.sales", patcher.Hints{DAGID: "marts", TaskID: "sales", Application: "jobs/mart.py"}),
		job("marts.margin", patcher.Hints{DAGID: "marts", TaskID: "margin", Application: "jobs/mart.py"}),
		job("jar.main", patcher.Hints{DAGID: "jar", TaskID: "main", Application: "s3://code/app.jar", Class: "org.Main"}),
	}
	airflow := func(dag, task string) analysis.Run {
		return analysis.Run{Identity: analysis.IdentityAirflow, DAGID: dag, TaskID: task, AppName: "check_2026-11-01"}
	}
	for _, c := range []struct {
		name   string
		run    analysis.Run
		job    string
		by     string
		reason string
	}{
		{"dag and task", airflow("orders", "load"), "orders.load", "spark.airflow.dag_id and task_id", ""},
		{"an identity that is not declared here is not overruled by a name", airflow("orders", "gone"), "", "", "no such task is declared here"},
		{"two copies of a DAG", airflow("clicks", "fold"), "", "", "its spark.airflow.dag_id and task_id fits 2 jobs"},
		{"a name with a date", analysis.Run{AppName: "check_2026-11-01"}, "orders.check", "application name", ""},
		{"a name with a compact timestamp", analysis.Run{AppName: "check_20261101T020000"}, "orders.check", "application name", ""},
		{"Airflow's default name is no key", analysis.Run{AppName: "arrow-spark"}, "", "", "its name is shared by many jobs and its log carries no dag_id and task_id"},
		{"a name of two jobs", analysis.Run{AppName: "fold"}, "", "", "its application name fits 2 jobs"},
		{"the script, wherever the cluster keeps it", analysis.Run{AppName: "x", Application: "/opt/airflow/jobs/check.py"}, "orders.check", "application file", ""},
		{"another folder's script of the same name", analysis.Run{AppName: "x", Application: "/opt/other/check.py"}, "", "", "no job here has its name or application file, and its log carries no dag_id and task_id"},
		{"a script of two jobs", analysis.Run{AppName: "x", Application: "jobs/mart.py"}, "", "", "its application file fits 2 jobs"},
		{"the class of a jar", analysis.Run{AppName: "x", Application: "s3://code/app.jar", MainClass: "org.Main"}, "jar.main", "application file", ""},
		{"another class of the jar", analysis.Run{AppName: "x", Application: "s3://code/app.jar", MainClass: "org.Other"}, "", "", "no job here has its name or application file, and its log carries no dag_id and task_id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			runs, matches, unmatched := match(jobs, []analysis.Run{c.run}, policy.Unrestricted())
			if c.job != "" {
				if len(runs[c.job]) != 1 || matches[c.job].By != c.by {
					t.Errorf("got %v %v %v", runs, matches, unmatched)
				}
				return
			}
			if len(unmatched) != 1 || unmatched[0].Reason != c.reason {
				t.Errorf("got %v, unmatched %+v", matches, unmatched)
			}
		})
	}
}

// Whoever may not see texts of errors decides without them: what is not there
// cannot be told.
func TestErrorTextsStay(t *testing.T) {
	jobs := []patcher.Job{{ID: "a.b", Path: "a.py", Hints: patcher.Hints{DAGID: "a", TaskID: "b"}}}
	run := analysis.Run{DAGID: "a", TaskID: "b", FailureEvidence: []string{"no table secret_plans"}, YARNDiagnostics: "user bob"}
	public := policy.Server{Grants: []policy.Grant{{Repository: "o/r", Paths: []string{"**"}, Environments: []string{"*"}, DAGIDs: []string{"*"}}}}
	for _, c := range []struct {
		access policy.Access
		told   bool
	}{{policy.Unrestricted(), true}, {public.Access("o/r", false), true}, {public.Access("o/r", true), false}} {
		runs, _, _ := match(jobs, []analysis.Run{run}, c.access)
		if got := runs["a.b"]; len(got) != 1 || (len(got[0].FailureEvidence) > 0) != c.told || (got[0].YARNDiagnostics != "") != c.told {
			t.Errorf("%+v: got %+v", c.access, got)
		}
	}
}

func TestFoldName(t *testing.T) {
	for in, want := range map[string]string{
		"Bronze_Ingestion_{{ ds }}":                "bronze_ingestion_*",
		"Bronze_Ingestion_2026-11-01":              "bronze_ingestion_*",
		"etl-2026-11-01T02:00:00+00:00":            "etl-*",
		"etl-20261101":                             "etl-*",
		"etl-20261101-020000":                      "etl-*",
		"job 3f2504e0-4f89-11d3-9a0c-0305e82c3301": "job *",
		"load_v2":                             "load_v2",
		"top10 stores":                        "top10 stores",
		"{{ dag.dag_id }}.{{ task.task_id }}": "*",
		"wmf-{dag}-{{ ds_nodash }}-spark":     "wmf-*-spark",
	} {
		if got := foldName(in); got != want {
			t.Errorf("foldName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSameApplication(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"jobs/load.py", "/opt/airflow/jobs/load.py", true},
		{"load.py", "s3://bucket/code/load.py", true},
		{"{{ var.value.code }}/jobs/load.py", "hdfs:///code/jobs/load.py", true},
		{"jobs/load.py", "/opt/other/load.py", false},
		{"", "/opt/load.py", false},
	} {
		if got := sameApplication(c.a, c.b); got != c.want {
			t.Errorf("sameApplication(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

// Matching does not depend on the order of runs.
func TestMatchIsStable(t *testing.T) {
	jobs := []patcher.Job{job("a.b", patcher.Hints{DAGID: "a", TaskID: "b", AppName: "b"})}
	runs := []analysis.Run{
		{Key: analysis.Key{AppID: "1"}, AppName: "b"},
		{Key: analysis.Key{AppID: "2"}, AppName: "b", DAGID: "a", TaskID: "b", Identity: analysis.IdentityAirflow},
	}
	_, one, _ := match(jobs, runs, policy.Unrestricted())
	_, two, _ := match(jobs, []analysis.Run{runs[1], runs[0]}, policy.Unrestricted())
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
