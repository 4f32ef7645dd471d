package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

type sqlStart struct {
	Time     int64      `json:"time"`
	Plan     planInfo   `json:"sparkPlanInfo"`
	Modified properties `json:"modifiedConfigs"` // from Spark 3.3 on
}

func (e *sqlStart) apply(a *app) error {
	a.see(e.Time)
	a.sql.executions++
	a.workload.photon = a.workload.photon || e.Plan.photon
	a.sql.plan(e.Plan.shape)
	a.sql.modify(e.Modified)
	return nil
}

// sqlEnd has an error message from Spark 3.4 on: empty is success.
type sqlEnd struct {
	Time  int64   `json:"time"`
	Error *string `json:"errorMessage"`
}

func (e *sqlEnd) apply(a *app) error {
	a.see(e.Time)
	if e.Error != nil {
		a.outcome.job(*e.Error != "", *e.Error)
	}
	return nil
}

// sqlState is what the SQL executions of an application have in common.
type sqlState struct {
	executions int64
	modified   properties
	shapes     map[string]bool
	tooMany    bool // shapes
}

// maxShapes bounds the different plans of a fingerprint.
const maxShapes = 1 << 10

func (s *sqlState) plan(shape string) {
	switch {
	case shape == "" || s.shapes[shape]:
	case len(s.shapes) >= maxShapes:
		s.tooMany = true
	default:
		if s.shapes == nil {
			s.shapes = make(map[string]bool)
		}
		s.shapes[shape] = true
	}
}

// modify keeps the last value of a setting that was changed at run time.
func (s *sqlState) modify(p properties) {
	for k, v := range p {
		if _, ok := analysis.FindProperty(k); ok {
			if s.modified == nil {
				s.modified = make(properties)
			}
			s.modified[k] = v
		}
	}
}

func (s *sqlState) fill(r *analysis.Run) {
	r.SQLExecutions = some(s.executions)
	if s.modified != nil {
		e := environment{known: true, spark: s.modified}
		r.RuntimeConf = e.config()
	}
	r.PlanFingerprint = s.fingerprint()
}

// fingerprint is the same for the same set of plans, however often and in
// which order they ran.
func (s *sqlState) fingerprint() string {
	if len(s.shapes) == 0 || s.tooMany {
		return ""
	}
	var shapes []string
	for shape := range s.shapes {
		shapes = append(shapes, shape)
	}
	slices.Sort(shapes)
	return hash(strings.Join(shapes, "\n"))
}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:8])
}

// planInfo is what is read of a physical plan: whether Photon runs it, and its
// shape.
type planInfo struct {
	photon bool
	shape  string // a hash
}

// UnmarshalJSON looks for the names of the plan's operators, from the root
// down. A quote inside a text is escaped, so that only keys are found.
func (p *planInfo) UnmarshalJSON(b []byte) error {
	var operators []string
	for {
		_, after, ok := bytes.Cut(b, []byte(`"nodeName":"`))
		if !ok {
			break
		}
		name, rest, _ := bytes.Cut(after, []byte{'"'})
		b = rest
		p.photon = p.photon || bytes.HasPrefix(name, []byte("Photon"))
		if op := operator(string(name)); op != "" {
			operators = append(operators, op)
		}
	}
	if len(operators) > 0 {
		p.shape = hash(strings.Join(operators, "\n"))
	}
	return nil
}

// sizing matches operators that Spark adds, or leaves out, by size and
// configuration rather than by what was written.
var sizing = regexp.MustCompile(`^(AdaptiveSparkPlan|WholeStageCodegen|InputAdapter|ColumnarToRow|RowToColumnar|Exchange|BroadcastExchange|ReusedExchange|` +
	`Sort|AQEShuffleRead|CustomShuffleReader|ShuffleQueryStage|BroadcastQueryStage|ResultQueryStage|TableCacheQueryStage|Coalesce)\b`)

// numbers are table suffixes and the like, which change from day to day.
var numbers = regexp.MustCompile(`[0-9]+`)

// operator is the part of an operator's name that says what was written.
func operator(name string) string {
	switch {
	case sizing.MatchString(name):
		return ""
	case strings.HasSuffix(name, "Join"):
		return "Join"
	}
	return numbers.ReplaceAllString(clip(name, maxID), "#")
}
