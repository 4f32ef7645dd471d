package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

type sqlStart struct {
	ID       int64      `json:"executionId"`
	Time     int64      `json:"time"`
	Plan     planInfo   `json:"sparkPlanInfo"`
	Modified properties `json:"modifiedConfigs"` // from Spark 3.3 on
}

func (e *sqlStart) apply(a *app) error {
	a.see(e.Time)
	a.sql.executions++
	a.workload.photon = a.workload.photon || e.Plan.photon
	a.sql.plan(e.Plan.shape)
	a.sql.change(e.ID, &e.Plan.joins)
	a.sql.modify(e.Modified)
	return nil
}

// sqlUpdate is what adaptive execution made of a plan: it takes the place of
// the one before.
type sqlUpdate struct {
	ID   int64     `json:"executionId"`
	Plan planJoins `json:"sparkPlanInfo"`
}

func (e *sqlUpdate) apply(a *app) error {
	a.sql.change(e.ID, &e.Plan)
	return nil
}

// driverUpdates are metrics of a plan that the driver has measured, as pairs of
// an accumulator's id and its value.
type driverUpdates struct {
	Updates [][]int64 `json:"accumUpdates"`
}

func (e *driverUpdates) apply(a *app) error {
	for _, u := range e.Updates {
		if len(u) == 2 {
			a.sql.measured(u[0], u[1])
		}
	}
	return nil
}

// sqlEnd has an error message from Spark 3.4 on: empty is success.
type sqlEnd struct {
	ID    int64   `json:"executionId"`
	Time  int64   `json:"time"`
	Error *string `json:"errorMessage"`
}

func (e *sqlEnd) apply(a *app) error {
	a.see(e.Time)
	a.sql.end(e.ID)
	if e.Error != nil {
		a.outcome.job(*e.Error != "", *e.Error)
		a.driverEnded(*e.Error)
	}
	return nil
}

// sqlState is what the SQL executions of an application have in common.
type sqlState struct {
	executions int64
	modified   properties
	shapes     map[string]bool
	tooMany    bool // shapes

	live       map[int64][]string // joins of the newest plan, by execution
	joins      map[string]int64   // of those that ended
	sizes      map[int64]bool     // accumulators of data sizes
	broadcasts int64
	largest    int64
}

// Bounds: the different plans of a fingerprint, the executions that run at a
// time, the joins of a plan, the kinds of joins, the data sizes.
const (
	maxShapes    = 1 << 10
	maxLiveSQL   = 1 << 10
	maxPlanJoins = 1 << 10
	maxJoinKinds = 1 << 5
	maxSizes     = 1 << 14
)

// change notes the newest plan of an execution.
func (s *sqlState) change(id int64, p *planJoins) {
	if s.live == nil {
		s.live, s.joins, s.sizes = make(map[int64][]string), make(map[string]int64), make(map[int64]bool)
	}
	if _, known := s.live[id]; known || len(s.live) < maxLiveSQL {
		s.live[id] = p.names
	}
	for _, id := range p.sizes {
		if len(s.sizes) < maxSizes {
			s.sizes[id] = true
		}
	}
}

// measured takes a value in that the driver measured. Shuffles have a data size
// too, but tasks measure it: what the driver measured was broadcast.
func (s *sqlState) measured(id, value int64) {
	if s.sizes[id] {
		s.broadcasts++
		s.largest = max(s.largest, value)
	}
}

// end counts the joins of an execution's last plan.
func (s *sqlState) end(id int64) {
	for _, join := range s.live[id] {
		if s.joins[join] > 0 || len(s.joins) < maxJoinKinds {
			s.joins[join]++
		}
	}
	delete(s.live, id)
}

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
			s.set(k, v)
		}
	}
}

func (s *sqlState) set(key, value string) {
	if s.modified == nil {
		s.modified = make(properties)
	}
	s.modified[key] = value
}

// differ keeps the settings of a job that are not those that the application
// was submitted with.
func (s *sqlState) differ(now settings, submitted *environment) {
	if !submitted.known {
		return
	}
	for _, c := range now {
		// For the plan of a cached table Spark itself turns adaptive execution
		// off.
		if own := c.key == adaptive && c.value == "false"; submitted.spark[c.key] != c.value && !own {
			s.set(c.key, c.value)
		}
	}
}

const adaptive = "spark.sql.adaptive.enabled"

func (s *sqlState) fill(r *analysis.Run) {
	r.SQLExecutions = some(s.executions)
	if s.modified != nil {
		e := environment{known: true, spark: s.modified}
		r.RuntimeConf = e.config()
	}
	r.PlanFingerprint = s.fingerprint()
	if s.live == nil {
		return // no plan was seen
	}
	for _, id := range slices.Sorted(maps.Keys(s.live)) {
		s.end(id)
	}
	r.Joins = s.joins
	r.Broadcasts, r.MaxBroadcast = some(s.broadcasts), some(s.largest)
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

// planInfo is what is read of an execution's first plan: whether Photon runs it,
// its shape, and its joins.
type planInfo struct {
	photon bool
	shape  string // a hash
	joins  planJoins
}

// UnmarshalJSON looks for the names of the plan's operators, from the root
// down. A quote inside a text is escaped, so that only keys are found.
func (p *planInfo) UnmarshalJSON(b []byte) error {
	_ = p.joins.UnmarshalJSON(b) // which can't fail
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

// planJoins are the joins of a plan, and the accumulators of its data sizes
// where it broadcasts.
type planJoins struct {
	names []string
	sizes []int64
}

var (
	joinEnd   = []byte(`Join"`)
	broadcast = []byte(`"nodeName":"BroadcastExchange`)
)

// hasJoins says whether there is anything in a plan for planJoins.
func hasJoins(b []byte) bool { return bytes.Contains(b, joinEnd) || bytes.Contains(b, broadcast) }

// UnmarshalJSON looks for names and ids as [planInfo.UnmarshalJSON] does.
func (p *planJoins) UnmarshalJSON(b []byte) error {
	if bytes.Contains(b, joinEnd) {
		p.findNames(b)
	}
	if bytes.Contains(b, broadcast) {
		p.findSizes(b)
	}
	return nil
}

func (p *planJoins) findNames(b []byte) {
	for len(p.names) < maxPlanJoins {
		_, after, ok := bytes.Cut(b, []byte(`"nodeName":"`))
		if !ok {
			return
		}
		name, rest, _ := bytes.Cut(after, []byte{'"'})
		if b = rest; bytes.HasSuffix(name, []byte("Join")) {
			p.names = append(p.names, clip(string(name), maxID))
		}
	}
}

// findSizes looks for the metrics "data size", whose id Spark writes next to
// their name.
func (p *planJoins) findSizes(b []byte) {
	for len(p.sizes) < maxSizes {
		_, after, ok := bytes.Cut(b, []byte(`"name":"data size","accumulatorId":`))
		if !ok {
			return
		}
		b = after
		if id, ok := leadingInt(after); ok {
			p.sizes = append(p.sizes, id)
		}
	}
}

// leadingInt is the number that b starts with.
func leadingInt(b []byte) (int64, bool) {
	n := 0
	for n < len(b) && n < 19 && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(string(b[:n]), 10, 64)
	return v, err == nil
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
