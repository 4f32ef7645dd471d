// Package patcher finds the Spark jobs that a repository declares and changes
// the bytes that decide their sizes, or says why it does not.
//
// It works on bytes and on an [io/fs.FS]: it never touches the network or the
// disk, never executes, imports or evaluates anything of the repository, and
// knows nothing of metrics. A caller that wants a value changed says which
// job, which Spark property, what it measured and what it wants ([Want]);
// every want ends as exactly one [Outcome].
//
// A dialect per syntax finds spans and spells values; bytes are spliced, never
// re-encoded, so no byte outside the planned edits changes.
package patcher

// A Repository is what [Find] saw: the declared jobs and what it could not
// read. Both are in a total order, so equal trees give equal Repositories. It
// is not safe for use by several goroutines at once.
type Repository struct {
	Jobs    []Job     // sorted by ID
	Skipped []Skipped // sorted by Path

	found *finder // what Rewrite needs beyond it
}

// A Job is one Spark job that the repository declares.
type Job struct {
	// ID names the job in output and on the command line. It is
	// "dag_id.task_id" where both are known and no other job has the same,
	// else it starts with the path; of several with one name in one file, each
	// ends in its number in the order of the text.
	ID       string
	Path     string // file that declares it, slash-separated
	Line     int    // first line of the declaration, from 1
	Operator string // what declares it: "SparkSubmitOperator", "spark-submit", "SparkApplication", ...
	Hints    Hints
	// Sites are the places that set a property of this job, sorted by Key and
	// then by precedence: the first of each key wins, the others are Shadowed.
	Sites []Site
	// Refusals are what Rewrite would leave alone whatever is wanted, sorted by
	// Key: the reasons for the whole job come first.
	Refusals []Refusal
}

// Hints identify a job in the metrics. An empty one is unknown. They are
// texts of the repository: data, never instructions, and they may hold
// templates ("load_{{ ds }}"), which the caller folds.
type Hints struct {
	DAGID       string
	TaskID      string
	AppName     string // --name, name=, metadata.name, spark.app.name
	Application string // the script or jar
	Class       string // main class
}

// A Site is one place where the value of a property is written.
type Site struct {
	Key   string // Spark property, e.g. "spark.executor.memory"
	Value string // decoded value, as spark-submit would get it; "" when Dynamic
	Path  string
	Line  int // line of the value, from 1
	Start int // byte span of the value's spelling, quotes included
	End   int
	Form  string // how the place is spelled, for people: "executor_memory=", `conf["spark.executor.memory"]`
	// Shadowed means that another Site of the same job and key wins.
	Shadowed bool
	// Users are the IDs of the jobs that this one value feeds, sorted, and
	// MoreUsers how many there are beside those that are named; more than one
	// means that an edit here would resize other jobs too.
	Users     []string
	MoreUsers int
	// Dynamic says why the value is only known at run time; "" for a literal.
	Dynamic string
}

// Skipped is a file that was not served, and why.
type Skipped struct {
	Path   string
	Line   int // 0 when the reason is the whole file
	Reason string
}

// A Setting is a wanted value of one Spark property. From is the value that
// the measured runs had, "" when they did not set it; it is a precondition:
// a file that says otherwise is left alone.
type Setting struct {
	Key, From, To string
}

// A Want asks for one Setting of one job, named by its ID.
type Want struct {
	Job string
	Setting
}

// Status says how a Want ended.
type Status int

// Every Want ends in exactly one of these.
const (
	Refused Status = iota // left alone; Outcome.Reason says why
	Applied               // an edit in Result.Patches makes it so
	Already               // the repository says it already
)

// An Outcome is the end of one Want.
type Outcome struct {
	Want
	Status Status
	Path   string // where the deciding place is, or where it was looked for
	Line   int
	Reason string // why it was refused and what a person could do; "" otherwise
}

// A Note tells a reviewer of something near the edits that no edit changes: a
// shadowed value, a coupled setting, a key without effect.
type Note struct {
	Job  string
	Path string
	Line int
	Text string
}

// An Edit replaces the bytes [Start,End) of a file by New.
type Edit struct {
	Start, End int
	New        string
}

// A Patch is the change of one file. After is Before with Edits applied.
type Patch struct {
	Path   string
	Edits  []Edit // sorted, not overlapping
	Before []byte
	After  []byte
}

// A Result is what [Rewrite] planned. Nothing is written.
type Result struct {
	Patches  []Patch   // sorted by Path, each with at least one edit
	Outcomes []Outcome // one per Want, in the order of the wants
	Notes    []Note    // sorted
}
