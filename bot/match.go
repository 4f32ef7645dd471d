package bot

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
)

// A Match says which runs belong to a job, and how that is known.
type Match struct {
	// By is the evidence, strongest first, comma-separated where runs differ;
	// "" when there are none.
	By   string `json:"by,omitempty"`
	Runs int    `json:"runs"`
}

// How a run was told to be a job's.
const (
	byAirflow     = "spark.airflow.dag_id and task_id"
	byOpenLineage = "OpenLineage's parent job"
	byAirflowCtx  = "AIRFLOW_CTX_DAG_ID and TASK_ID"
	byKubernetes  = "Kubernetes labels dag_id and task_id"
	byTask        = "dag_id and task_id" // of a table that does not say from where
	byName        = "application name"
	byApplication = "application file"
)

// rungs are all of them, strongest first.
var rungs = []string{byAirflow, byOpenLineage, byAirflowCtx, byKubernetes, byTask, byName, byApplication}

// Unmatched are runs of one application that belong to no job, and why.
type Unmatched struct {
	App        string   `json:"app"` // dag.task where known, else the application's name
	Runs       int      `json:"runs"`
	Reason     string   `json:"reason"`
	Candidates []string `json:"candidates,omitempty"` // jobs between which the choice would be a guess
}

// sharedNames are application names that many unrelated jobs have: defaults of
// Airflow's operator and hook in several versions, and of shells. They are
// never a key.
var sharedNames = map[string]bool{
	"arrow-spark": true, "airflow-spark": true, "default-name": true, "spark": true,
	"spark shell": true, "pysparkshell": true, "databricks shell": true, "sparksql": true, "thrift jdbc/odbc server": true,
}

// match assigns every run to at most one job. A run that could be several
// jobs' is nobody's: a guess could resize the wrong job. One that a file may
// not see is not that file's job's, whatever the file says its dag_id is.
func match(jobs []patcher.Job, runs []analysis.Run, access policy.Access) (map[string][]analysis.Run, map[string]Match, []Unmatched) {
	byJob := make(map[string][]analysis.Run)
	evidence := make(map[string]map[string]bool)
	lost := make(map[string]*Unmatched)
	ladder := newLadder(jobs)
	paths := make(map[string]string, len(jobs))
	for _, j := range jobs {
		paths[j.ID] = j.Path
	}
	runs = slices.Clone(runs)
	slices.SortFunc(runs, func(a, b analysis.Run) int { return a.Compare(b.Key) })
	for _, r := range runs {
		by, candidates := ladder.jobsOf(&r)
		candidates = slices.DeleteFunc(slices.Clone(candidates), func(id string) bool { return !access.Allows(paths[id], &r) })
		if len(candidates) != 1 {
			addLost(lost, &r, by, candidates)
			continue
		}
		id := candidates[0]
		if !access.Errors {
			r.FailureEvidence, r.YARNDiagnostics = nil, ""
		}
		byJob[id] = append(byJob[id], r)
		if evidence[id] == nil {
			evidence[id] = make(map[string]bool)
		}
		evidence[id][by] = true
	}
	matches := make(map[string]Match, len(byJob))
	for id, runs := range byJob {
		matches[id] = Match{By: joinRungs(evidence[id]), Runs: len(runs)}
	}
	return byJob, matches, sortedUnmatched(lost)
}

func joinRungs(has map[string]bool) string {
	var by []string
	for _, rung := range rungs {
		if has[rung] {
			by = append(by, rung)
		}
	}
	return strings.Join(by, ", ")
}

func addLost(lost map[string]*Unmatched, r *analysis.Run, by string, candidates []string) {
	app := appOf(r)
	if lost[app] == nil {
		lost[app] = &Unmatched{App: app, Reason: whyNot(r, by, candidates), Candidates: candidates}
	}
	lost[app].Runs++
}

func sortedUnmatched(lost map[string]*Unmatched) []Unmatched {
	out := make([]Unmatched, 0, len(lost))
	for _, app := range slices.Sorted(maps.Keys(lost)) {
		out = append(out, *lost[app])
	}
	return out
}

func appOf(r *analysis.Run) string {
	if r.DAGID != "" {
		return r.DAGID + "." + r.TaskID
	}
	return cmp.Or(foldName(r.AppName), r.AppID)
}

func whyNot(r *analysis.Run, by string, candidates []string) string {
	switch {
	case len(candidates) > 1:
		return fmt.Sprintf("its %s fits %d jobs", by, len(candidates))
	case r.DAGID != "":
		return "no such task is declared here"
	case sharedNames[strings.ToLower(r.AppName)]:
		return "its name is shared by many jobs and its log carries no dag_id and task_id"
	}
	return "no job here has its name or application file, and its log carries no dag_id and task_id"
}

// A ladder finds the jobs of a run, by the strongest evidence that there is.
type ladder struct {
	task        map[[2]string][]string // (dag_id, task_id) -> job ids
	name        map[string][]string    // folded application name
	application map[string][]patcher.Job
}

func newLadder(jobs []patcher.Job) *ladder {
	l := &ladder{task: make(map[[2]string][]string), name: make(map[string][]string), application: make(map[string][]patcher.Job)}
	for _, j := range jobs {
		if h := j.Hints; h.DAGID != "" && h.TaskID != "" {
			l.task[[2]string{h.DAGID, h.TaskID}] = append(l.task[[2]string{h.DAGID, h.TaskID}], j.ID)
		}
		if n := foldName(j.Hints.AppName); n != "" && n != "*" && !sharedNames[n] {
			l.name[n] = append(l.name[n], j.ID)
		}
		if a := path.Base(j.Hints.Application); j.Hints.Application != "" && !strings.Contains(a, "{{") {
			l.application[a] = append(l.application[a], j)
		}
	}
	return l
}

// jobsOf is the candidates of the first rung that has any. A run whose log
// names its task is only ever that task's: a name must not override it.
func (l *ladder) jobsOf(r *analysis.Run) (by string, candidates []string) {
	if r.DAGID != "" && r.TaskID != "" {
		return identityText(r.Identity), l.task[[2]string{r.DAGID, r.TaskID}]
	}
	if ids := l.name[foldName(r.AppName)]; len(ids) > 0 {
		return byName, ids
	}
	for _, j := range l.application[path.Base(r.Application)] {
		if sameApplication(j.Hints.Application, r.Application) && (j.Hints.Class == "" || r.MainClass == "" || j.Hints.Class == r.MainClass) {
			candidates = append(candidates, j.ID)
		}
	}
	return byApplication, candidates
}

func identityText(identity string) string {
	switch identity {
	case analysis.IdentityAirflow:
		return byAirflow
	case analysis.IdentityOpenLineage:
		return byOpenLineage
	case analysis.IdentityKubernetes:
		return byKubernetes
	case analysis.IdentityAirflowCtx:
		return byAirflowCtx
	}
	return byTask
}

// sameApplication compares paths by their common tail: a repository says
// jobs/load.py where the cluster ran /opt/airflow/jobs/load.py.
func sameApplication(a, b string) bool {
	x, y := pathParts(a), pathParts(b)
	for i := 1; i <= min(len(x), len(y)); i++ {
		if x[len(x)-i] != y[len(y)-i] {
			return false
		}
	}
	return len(x) > 0 && len(y) > 0
}

// pathParts are the elements of a path or URL that a working directory or a
// template does not decide.
func pathParts(p string) []string {
	if _, rest, ok := strings.Cut(p, "://"); ok {
		p = rest
	}
	if i := strings.LastIndex(p, "}}"); i >= 0 {
		p = p[i+2:]
	}
	return strings.FieldsFunc(path.Clean(p), func(r rune) bool { return r == '/' })
}

// volatile are the parts of names that change from run to run: templates,
// UUIDs, dates, times, long numbers and hexadecimal suffixes.
var volatile = regexp.MustCompile(`\{\{.*?\}\}|\{[^{}]*\}` +
	`|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}` +
	`|\d{4}-\d{2}-\d{2}(t\d{2}[:\d.]*(z|\+\d{2}:?\d{2})?)?|\d{6,}(t\d{4,6})?` +
	`|\b[0-9]+[a-f][0-9a-f]{6,}\b|\b[a-f]+[0-9][0-9a-f]{6,}\b`)

var stars = regexp.MustCompile(`\*([-_. ]*\*)*`)

// foldName replaces what changes from run to run by "*".
func foldName(name string) string {
	n := volatile.ReplaceAllString(strings.ToLower(strings.TrimSpace(name)), "*")
	return stars.ReplaceAllString(n, "*")
}
