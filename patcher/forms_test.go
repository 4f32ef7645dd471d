package patcher

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goldensOf names the goldens of each form of configuration and each trap that
// real repositories hold. Names with an argument in brackets are texts that one
// of the goldens must hold.
var goldensOf = map[string]string{
	// Forms, the commonest first.
	"SparkSubmitOperator, literal arguments and conf": "submit_kwargs both_set keys_of_none submit_insert_styles [executor_memory=]",
	"subclasses and classes of the same name":         "operator_subclass operator_own",
	"names of the module, imported names":             "shared_agree shared_with_others imported_constants imports_in_branches reached_values shared_parts",
	"default_args":                                    "default_args default_args_conf",
	"**kwargs":                                        "shared_splat submit_private_kwargs submit_shared_kwargs submit_unknown_kwargs",
	"helper functions":                                "helper_calls helper_decorated helper_imported helper_not_called own_parts",
	"loops and tables of rows":                        "loops conditions table_loaded json_table",
	"which DAG, which group":                          "dag_forms task_groups",
	"EMR steps and job flows":                         "argv_lists argv_ends steps_loaded other_operators [EmrCreateJobFlowOperator]",
	"EMR Serverless":                                  "emr_serverless aws_cli",
	"EMR on EKS":                                      "other_operators [EmrContainerOperator]",
	"spark-submit in Bash, SSH, pods and Docker":      "bash_command bash_script argv_lists other_operators [SSHOperator]",
	"SparkApplication in YAML, dict and text":         "manifest manifest_python manifest_valid workflows",
	"Livy":                             "other_operators [LivyOperator]",
	"Dataproc":                         "services services_begun dataproc_cluster gcloud",
	"Databricks":                       "services services_begun",
	"Glue":                             "services services_begun",
	"CDE":                              "cde",
	"@task.pyspark and .override()":    "task_calls",
	".partial().expand()":              "mapped task_calls",
	"dag-factory, house YAML and JSON": "yaml_command_block table_loaded json_table",
	"shell scripts":                    "shell_forms shell_words shell_vars shell_runs shell_texts bash_script aws_cli gcloud",
	"spark-defaults.conf":              "cluster_defaults",
	"HOCON":                            "hocon",
	"Kustomize and Helm":               "kustomize_helm",
	"house operators, with .sparktune.yaml and without":    "house_mapped house_operators house_tasks",
	"environments by path":                                 "copies",
	"job code":                                             "job_code job_code_forms",
	"marks, generated files, drift, what is so already":    "marks marks_of_statements generated_files drift already",
	"values that are never written, credentials":           "refused_values refusal_texts credentials",
	"statements that change a dict or a task":              "dict_changes changed_tasks changed_objects",
	"workflows of Argo, containers of Kubernetes, compose": "workflows",

	// Traps, by their numbers.
	"1 commented code with the same text":       "spelling_of_places [# old =]",
	"2 the last argument, leading commas":       "submit_insert_styles",
	"3 spacing":                                 "spelling_of_places [executor_memory   =]",
	"4 CRLF, tabs, no final newline, non-ASCII": "spelling_of_places [größe]", // and TestMetamorphic over all
	"5 byte-identical blocks":                   "submit_kwargs",
	"6 shapes of texts":                         "texts_joined bash_command",
	"7 shapes of argument lists":                "argv_lists argv_ends aws_cli house_tasks",
	"8 flags behind the application":            "bash_command gcloud [behind the application]",
	"9 a value on the line behind its key":      "spelling_of_places ['768']",
	"10 YAML":                                   "yaml_spellings yaml_command_block manifest kustomize_helm",
	"11 shell":                                  "shell_forms aws_cli [${PARTS:-200}]",
	"12 files that do not parse":                "syntax_error skipped_files",
	"13 the same key in two places":             "both_set manifest other_operators job_code",
	"14 keys without effect":                    "both_set [has no effect]",
	"15 the old name of the overhead":           "both_set [spark.yarn.executor.memoryOverhead]",
	"16 units":                                  "texts_joined manifest_valid [8192m]",
	"17 numbers and texts":                      "submit_kwargs json_table other_operators",
	"18 false friends":                          "false_friends workflows",
	"19 one place, many jobs":                   "loops default_args shared_agree shared_parts helper_calls",
	"20 executors that are not instances":       "services operator_own spelling_of_places [total_executor_cores]",
	"21 coupled values":                         "coupled coupled_memory start_heap manifest_valid spelling_of_places [coreLimit]",
	"22 prefixed keys":                          "dataproc_cluster [spark:spark.executor.memory]",
	"23 dev, stage and prod":                    "copies",
	"24 secrets beside sizes":                   "credentials",
	"25 a template where Airflow renders none":  "dynamic",
	"26 wrappers that rename":                   "house_mapped house_tasks operator_own",
}

// TestEveryFormHasAGolden: each form and trap has goldens that are there and
// hold what they are named for, and no golden is without a place in the table.
func TestEveryFormHasAGolden(t *testing.T) {
	named := map[string]bool{}
	for form, list := range goldensOf {
		list, text, _ := strings.Cut(strings.TrimSuffix(list, "]"), " [")
		held := text == ""
		for name := range strings.FieldsSeq(list) {
			named[name] = true
			b, err := os.ReadFile(filepath.Join("testdata", name+".txtar"))
			if err != nil {
				t.Errorf("%s: %v", form, err)
			}
			held = held || strings.Contains(string(b), text)
		}
		if !held {
			t.Errorf("%s: none of %q holds %q", form, list, text)
		}
	}
	for _, g := range goldens(t) {
		if name := strings.TrimSuffix(filepath.Base(g.name), ".txtar"); !named[name] {
			t.Errorf("%s has no place in goldensOf", name)
		}
	}
	for n := range 26 {
		is := func(form string) bool { return strings.HasPrefix(form, fmt.Sprintf("%d ", n+1)) }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(goldensOf)), is) {
			t.Errorf("trap %d has no golden", n+1)
		}
	}
}
