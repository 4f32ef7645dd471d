package prompts

import (
	"slices"
	"strings"
)

// A lexicon is a set of words in small letters.
type lexicon map[string]bool

func words(s string) lexicon {
	l := lexicon{}
	for w := range strings.FieldsSeq(s) {
		l[w] = true
	}
	return l
}

// The lexicons of the check. English only: other languages are a violation of
// their own.
var (
	// numerals say a number in words; see also [numeral].
	numerals = words(`zero nought nil naught one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
		sixteen seventeen eighteen nineteen twenty thirty forty fourty fifty sixty seventy eighty ninety hundred thousand million
		billion trillion dozen couple half halves halve halved halving quarter quarters third thirds fourth fifth sixth
		seventh eighth ninth tenth twice thrice double doubles doubled doubling triple triples tripled tripling quadruple
		quadruples quadrupled treble second seconds
		eins zwei drei vier sechs sieben acht neun zehn elf hundert tausend halb
		deux trois quatre cinq sept huit neuf dix cent mille
		uno dos tres cuatro cinco seis siete ocho nueve diez cien mil
		tre quattro cinque sei sette otto nove dieci`)
	numeralParts = strings.Fields(`seventeen thirteen fourteen eighteen nineteen fifteen sixteen seventy hundred thousand million
		billion eleven twelve twenty thirty eighty ninety forty fifty sixty seven three eight dozen four five nine zero one two six ten`)
	// units give a value that a reference already has.
	units = words(`b kb mb gb tb pb kib mib gib tib pib byte bytes kilobyte kilobytes megabyte megabytes gigabyte gigabytes terabyte terabytes
		petabyte petabytes kibibyte kibibytes mebibyte mebibytes gibibyte gibibytes tebibyte tebibytes gig gigs meg megs
		ms millisecond milliseconds sec secs minute minutes min mins hour hours hr hrs percent percents pct ppm
		dollar dollars usd eur euro euros cents bits bit`)
	// hedges are guesses. What is not measured is said to be so.
	hedges = words(`probably presumably perhaps maybe possibly likely unlikely guess guesses guessed
		assume assumes assumed assuming assumption apparently supposedly seems seem seemingly might arguably`)
	// properNames may stand in prose with their capitals.
	properNames = words(`i spark java jvm jvms python pyspark scala sql yarn kubernetes gc oom outofmemory outofmemoryerror rdd rdds aqe io cpu cpus ram
		airflow dag dags hadoop parquet utc`)

	modals = words(`should must ought recommend recommends recommended recommending recommendation recommendations suggest suggests suggested
		suggestion advise advises advised advisable consider considering try worth worthwhile desirable benefit benefits
		better preferable`)
	// sizing verbs change a value; foreignVerbs change what sparktune never does.
	sizing = words(`raise raises raised raising increase increases increased increasing grow grows grown growing enlarge enlarges enlarged enlarging
		lift lifts lifted lifting bump bumps bumped bumping extend extends extended extending boost boosts boosted boosting
		lower lowers lowered lowering reduce reduces reduced reducing decrease decreases decreased decreasing shrink shrinks shrunk shrinking
		cut cuts cutting trim trims trimmed trimming drop drops dropped dropping
		set sets setting change changes changed changing adjust adjusts adjusted adjusting tune tunes tuned tuning configure configures configured configuring
		add adds added adding remove removes removed removing give gives given giving allocate allocates allocated allocating scale scales scaled scaling
		resize resizes resized resizing expand expands expanded expanding provision provisions provisioning specify specifies`)
	foreignVerbs = words(`enable enables enabling disable disables disabling upgrade upgrades upgrading downgrade downgrades downgrading
		migrate migrates migrating rewrite rewrites rewriting repartition repartitions repartitioning coalesce persist persists
		persisting unpersist install installs installing restart restarts restarting rerun reruns rerunning switch switches switching
		deploy deploys deploying delete deletes deleting uninstall refactor refactors refactoring replace replaces replacing
		activate activates activating deactivate deactivates deactivating salt salts salting denormalize bucket buckets bucketing`)
	upward   = words(`raise raises raised raising increase increases increased increasing grow grows enlarge enlarges enlarged lift lifts lifted bump bumps extend extends boost boosts expand expands add adds`)
	downward = words(`lower lowers lowered lowering reduce reduces reduced reducing decrease decreases decreased decreasing shrink shrinks cut cuts trim trims drop drops remove removes`)
	// otherTopics can be configured, but sparktune has nothing to say of them;
	// of the hard ones no report on sizes has anything to say at all.
	otherTopics = words(`join joins cache caches caching cached hint hints priority schedule pool pools dynamic allocation code query queries
		format formats collector node nodes logging network disks ssd instance hardware interval queue queues`)
	hardTopics = words(`driver drivers broadcast broadcasts kryo serializer serializers serialization speculation speculative compression
		codec codecs timeout timeouts retry retries adaptive checkpoint checkpoints checkpointing version versions threshold thresholds
		replication concurrency locality autoscaling salting vectorized offheap zstd snappy`)
	comparatives = words(`more larger bigger fewer less smaller higher lower additional extra further another greater`)
	needs        = words(`need needs require requires`)
	pronouns     = words(`it them this these those`)
	nominal      = words(`the this that a each no every its one`)
	wholeJob     = words(`job application run runs`)
	possessives  = words(`its they their there such`)
	phraseEnds   = words(`of for to from by so that which and or until in on with per at than because when while where as if but before after into over under is are was were be`)
	measures     = words(`number amount size sizes count share level value values limit quantity`)
	negations    = words(`no not never nothing none without neither nor cannot unchanged`)

	oldCues = words(`from was were old current currently today present previous previously former formerly instead than has had before of`)
	newCues = words(`to new becomes become becoming proposed recommended after will future then next predicted expected target at be`)

	firstCues     = words(`from since between first began starting after of is was`)
	lastCues      = words(`to and until through last latest newest of is was`)
	nameCues      = words(`application app called named name names job environment for in the is runs`)
	valueCues     = words(`from to was is becomes become than at has had have takes took lasts median runs with by`)
	functionWords = words(`the a an of to in and is are was were that it its for with on as by from at each so or than no not be has have had this which because their they
		there were been if when while more less all some of any who what can could would will would do does did`)
)

// topics are the words that stand for a property in prose.
var topics = map[string][]string{
	"spark.executor.memory":                {"heap", "memory"},
	"spark.executor.memoryOverhead":        {"overhead", "outside"},
	"spark.executor.cores":                 {"cores", "core", "slots", "slot"},
	"spark.executor.instances":             {"executors", "instances", "number"},
	"spark.dynamicAllocation.enabled":      {"dynamic", "dynamically"},
	"spark.dynamicAllocation.maxExecutors": {"executors", "maximum", "limit", "bound"},
	"spark.dynamicAllocation.minExecutors": {"executors", "minimum", "floor"},
	"spark.sql.shuffle.partitions":         {"partitions", "partition"},
	"spark.sql.adaptive.enabled":           {"adaptive", "AQE"},
	"spark.driver.memory":                  {"driver"},
}

// numeral says whether a word is a number, alone or run together
// ("sixtyfour", "tenfold").
func numeral(word string) bool {
	if numerals[word] || numerals[strings.TrimSuffix(word, "s")] && word != "tens" && len(word) > 3 {
		return true
	}
	parts := 0
	rest := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(word, "fold"), "th"), "s")
	for rest != "" {
		i := slices.IndexFunc(numeralParts, func(p string) bool { return strings.HasPrefix(rest, p) })
		if i < 0 {
			return false
		}
		rest = rest[len(numeralParts[i]):]
		parts++
	}
	return parts > 0
}

// stem brings the forms of a word together, roughly: it is only ever compared
// with another stem.
func stem(word string) string {
	word = strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(word, "'s"), "’s"))
	for _, end := range []string{"ings", "ing", "led", "ed", "ies", "es", "s", "e", "y"} {
		if len(word) >= len(end)+3 && strings.HasSuffix(word, end) {
			return strings.TrimSuffix(word, end)
		}
	}
	return word
}

// unsayable are words of labels that tell no fact from another.
var unsayable = words(`the that its all out for with over and largest least median of runs run ran such a an at one per any below ms by their into in`)

var synonyms = map[string][]string{"oom": {"OutOfMemoryError", "memory"}}

// distinctive are for each fact the words of its label that the labels beside
// it do not have; all of its words where nothing else is left.
func distinctive(facts []Fact) [][]string {
	seen := make(map[string]int)
	labels := make([][]string, len(facts))
	for i, f := range facts {
		labels[i] = strings.FieldsFunc(f.Label, func(r rune) bool { return r != '-' && charClass(r) != 1 && charClass(r) != 2 })
		for _, w := range unique(labels[i]) {
			seen[w]++
		}
	}
	out := make([][]string, len(facts))
	for i, label := range labels {
		for _, w := range label {
			if !unsayable[strings.ToLower(w)] && seen[stem(w)] == 1 && !slices.Contains(out[i], w) {
				out[i] = append(append(out[i], w), synonyms[strings.ToLower(w)]...)
			}
		}
		if len(out[i]) == 0 {
			out[i] = label
		}
	}
	return out
}

// unique are the stems of a label.
func unique(label []string) []string {
	var stems []string
	for _, w := range label {
		if s := stem(w); !slices.Contains(stems, s) {
			stems = append(stems, s)
		}
	}
	return stems
}
