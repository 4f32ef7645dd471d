package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
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
	if !a.sql.starts.first(e.ID, maxIDs) {
		return nil // the log repeats itself
	}
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
	Updates accumUpdates `json:"accumUpdates"`
}

type accumUpdates [][2]int64

// UnmarshalJSON refuses a list over the bound.
func (u *accumUpdates) UnmarshalJSON(b []byte) error {
	if len(b) > maxIDList {
		return errAbsurd
	}
	*u = nil
	return eachElement(b, func(update *[]int64) { u.add(*update) })
}

// add leaves out what is no pair.
func (u *accumUpdates) add(update []int64) {
	if len(update) == 2 {
		*u = append(*u, [2]int64(update))
	}
}

func (e *driverUpdates) apply(a *app) error {
	for _, u := range e.Updates {
		a.sql.measured(u[0], u[1])
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
	if !a.sql.ends.first(e.ID, maxIDs) {
		return nil // the log repeats itself
	}
	a.sql.end(e.ID)
	if e.Error != nil {
		a.outcome.job(*e.Error != "", *e.Error)
		a.driverEnded(*e.Error)
	}
	return nil
}

// sqlState is what the SQL executions of an application have in common.
type sqlState struct {
	executions   int64
	starts, ends bitmap // ids

	modified properties
	shapes   map[string]bool
	tooMany  bool // shapes

	live       map[int64][]joinCount // joins of the newest plan, by execution
	joins      map[string]int64      // of those that ended
	sizes      map[int64]bool        // accumulators of data sizes, true once measured
	broadcasts int64
	largest    int64
}

// Bounds: the different plans of a fingerprint, the executions that run at a
// time, the kinds of joins, the data sizes.
const (
	maxShapes    = 1 << 10
	maxLiveSQL   = 1 << 10
	maxJoinKinds = 1 << 5
	maxSizes     = 1 << 14
)

// change notes the newest plan of an execution.
func (s *sqlState) change(id int64, p *planJoins) {
	if s.live == nil {
		s.live, s.joins, s.sizes = make(map[int64][]joinCount), make(map[string]int64), make(map[int64]bool)
	}
	if _, known := s.live[id]; known || len(s.live) < maxLiveSQL && !s.ends.has(id) {
		s.live[id] = p.counts
	}
	for _, id := range p.sizes {
		if _, known := s.sizes[id]; !known && len(s.sizes) < maxSizes {
			s.sizes[id] = false
		}
	}
}

// measured takes a value in that the driver measured. Shuffles have a data size
// too, but tasks measure it: what the driver measured was broadcast.
func (s *sqlState) measured(id, value int64) {
	if measured, known := s.sizes[id]; known {
		if !measured {
			s.broadcasts++
			s.sizes[id] = true
		}
		s.largest = max(s.largest, value)
	}
}

// end counts the joins of an execution's last plan.
func (s *sqlState) end(id int64) {
	for _, join := range s.live[id] {
		if s.joins[join.name] > 0 || len(s.joins) < maxJoinKinds {
			s.joins[join.name] += join.n
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
		if _, ok := analysis.FindProperty(k); ok && v != analysis.Redacted {
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
	r.Broadcasts = some(s.broadcasts)
	if s.broadcasts > 0 {
		r.MaxBroadcast = some(s.largest)
	}
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
	return hash([]byte(strings.Join(shapes, "\n")))
}

func hash(b []byte) string {
	h := sha256.Sum256(b)
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
// down.
func (p *planInfo) UnmarshalJSON(b []byte) error {
	p.read(b, new(scan))
	return nil
}

// read takes the operators that s remembers.
func (p *planInfo) read(b []byte, s *scan) {
	var operators []byte // one a line
	p.joins.read(b, func(name []byte) {
		p.photon = p.photon || bytes.HasPrefix(name, []byte("Photon"))
		if op := s.operator(name); op != "" {
			if len(operators) > 0 {
				operators = append(operators, '\n')
			}
			operators = append(operators, op...)
		}
	})
	if len(operators) > 0 {
		p.shape = hash(operators)
	}
}

// planJoins are the joins of a plan, and the accumulators of its data sizes
// where it broadcasts.
type planJoins struct {
	counts []joinCount // in the order of the first of each
	sizes  []int64
}

type joinCount struct {
	name string
	n    int64
}

// add counts an operator, if it is a join: by its name, whether adaptive execution
// split its skewed partitions or not.
func (p *planJoins) add(name []byte) {
	if !isJoin(name) {
		return
	}
	name = bytes.TrimSuffix(name[:min(len(name), maxID)], skewed)
	i := slices.IndexFunc(p.counts, func(c joinCount) bool { return c.name == string(name) })
	switch {
	case i >= 0:
		p.counts[i].n++
	case len(p.counts) < maxJoinKinds:
		p.counts = append(p.counts, joinCount{string(name), 1})
	}
}

// UnmarshalJSON looks for names and ids as [planInfo.UnmarshalJSON] does. Most
// plans have no joins, they come often, and are long.
func (p *planJoins) UnmarshalJSON(b []byte) error {
	if hasJoins(b) {
		p.read(b, func([]byte) {})
	}
	return nil
}

// How the names of joins end: one without a condition that Spark can use is a
// product, and one whose skewed partitions were split says so.
var (
	join    = []byte("Join")
	product = []byte("CartesianProduct")
	skewed  = []byte("(skew=true)")
)

func isJoin[T string | []byte](name T) bool {
	b := bytes.TrimSuffix([]byte(name), skewed)
	return bytes.HasSuffix(b, join) || bytes.HasSuffix(b, product)
}

// ofJoins are texts of which every plan has one that has anything for planJoins.
var ofJoins = [][]byte{[]byte(`Join"`), []byte(`Join(skew=true)"`), []byte(`CartesianProduct"`), []byte(`"nodeName":"BroadcastExchange`)}

// hasJoins says whether there may be anything in a plan for planJoins.
func hasJoins(b []byte) bool {
	return slices.ContainsFunc(ofJoins, func(text []byte) bool { return bytes.Contains(b, text) })
}

var (
	nodeName = []byte(`"nodeName":"`)
	nameEnd  = []byte(`Name":"`) // starts with a rare byte, which is fast to find
	dataSize = []byte(`"name":"data size","accumulatorId":`)
)

// read goes through a plan, whatever it is nested in: every operator's name goes
// to node, too. What it looks for has the quotes of a key: in a text they would
// be escaped.
func (p *planJoins) read(plan []byte, node func(name []byte)) {
	if len(plan) == 0 || plan[0] != '{' {
		return
	}
	broadcasts := false
	for i := 0; ; {
		n := bytes.Index(plan[i:], nameEnd)
		if n < 0 {
			break
		}
		i += n + len(nameEnd)
		if bytes.HasSuffix(plan[:i], nodeName) && plan[i-len(nodeName)-1] != '\\' {
			name, _, _ := bytes.Cut(plan[i:], []byte{'"'})
			node(name)
			p.add(name)
			broadcasts = broadcasts || bytes.HasPrefix(name, []byte("BroadcastExchange"))
		}
	}
	p.sizes = nil
	if broadcasts { // shuffles alone have data sizes too
		p.readSizes(plan)
	}
}

func (p *planJoins) readSizes(plan []byte) {
	for len(p.sizes) < maxSizes {
		n := bytes.Index(plan, dataSize)
		if n < 0 {
			return
		}
		if id, ok := leadingInt(plan[n+len(dataSize):]); ok && (n == 0 || plan[n-1] != '\\') {
			p.sizes = append(p.sizes, id)
		}
		plan = plan[n+len(dataSize):]
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

// sizing are the operators, by the first word of their name, that Spark adds or
// leaves out by size and configuration rather than by what was written.
var sizing = []string{
	"AQEShuffleRead", "AdaptiveSparkPlan", "BroadcastExchange", "BroadcastQueryStage", "Coalesce", "ColumnarToRow",
	"CustomShuffleReader", "Exchange", "InputAdapter", "ResultQueryStage", "ReusedExchange", "RowToColumnar",
	"ShuffleQueryStage", "Sort", "TableCacheQueryStage", "WholeStageCodegen",
}

// operator is [operator], remembered for the names that repeat.
func (s *scan) operator(name []byte) string {
	op, ok := s.operators[string(name)]
	if !ok {
		op = operator(string(name))
		if len(s.operators) < maxWords && len(name) <= maxID {
			if s.operators == nil {
				s.operators = make(map[string]string)
			}
			s.operators[string(name)] = op
		}
	}
	return op
}

// operator is the part of an operator's name that says what was written.
func operator(name string) string {
	word := name[:len(name)-len(strings.TrimLeftFunc(name, inWord))]
	switch _, bySize := slices.BinarySearch(sizing, word); {
	case bySize:
		return ""
	case isJoin(name):
		return "Join"
	}
	return withoutNumbers(clip(name, maxID))
}

func inWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

const decimals = "0123456789"

// withoutNumbers hides table suffixes and the like, which change from day to
// day.
func withoutNumbers(name string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(name, decimals)
		if i < 0 {
			b.WriteString(name)
			return b.String()
		}
		b.WriteString(name[:i])
		b.WriteByte('#')
		name = strings.TrimLeft(name[i:], decimals)
	}
}
