package prompts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A symptom is something that prose may only say is there, or is not, when the
// findings say so.
type symptom struct {
	words, phrases lexicon // phrases are the words behind "out of"
	beside         lexicon // of which one must be in the clause, too
	rules          []string
	absence        bool // the words say that it is not there
}

var (
	shortOfMemory = []string{"heap_oom", "container_kill", "spill", "gc_pressure"}
	signs         = []symptom{
		{words: words(`oom outofmemory outofmemoryerror`), phrases: words(`heap memory`), rules: []string{"heap_oom", "driver_oom", "container_kill"}},
		{words: words(`die dies died dying death deaths lose loses lost losing`), rules: []string{"heap_oom", "driver_oom", "container_kill", "preemption", "gc_pressure", "tiny_tasks"}},
		{words: words(`kill kills killed killing outgrow outgrows outgrew outgrown exceed exceeds exceeded exceeding`), rules: []string{"container_kill"}},
		{words: words(`spill spills spilled spilling disk`), rules: []string{"spill"}},
		{words: words(`garbage collecting`), rules: []string{"gc_pressure", "filled_heap"}},
		{words: words(`wait waits waited waiting`), rules: []string{"idle_executors", "driver_bound", "too_few_executors", "dynamic_allocation", "over_provisioned_heap"}},
		{words: words(`fail fails failed failing failure failures`)}, // the failed runs say it
		{words: words(`fit fits fitted fitting`), rules: []string{"heap_oom", "spill"}, absence: true},
		{words: words(`within below`), beside: words(`limit limits`), rules: []string{"container_kill"}, absence: true},
		{words: words(`have has had get gets hold holds`), beside: words(`need needs needed room`), rules: shortOfMemory, absence: true},
		{words: words(`need needs needed`), beside: words(`all whole`), rules: shortOfMemory},
		{words: words(`use uses used using`), beside: words(`all whole have has`), rules: shortOfMemory},
		{words: words(`limit limits`), beside: words(`at near`), rules: append([]string{"filled_heap"}, shortOfMemory...)},
		{words: words(`full filled fills fill`), beside: words(`heap memory`), rules: append([]string{"filled_heap"}, shortOfMemory...)},
	}
)

var (
	// doubted are what a report rests on. Nothing is said of it but that it is so.
	doubted = words(`measurement measurements number evidence report reports table tables row rows flag flags reason reasons value values diagnosis
		diagnoses result results sample samples rule rules finding findings symptom symptoms`)
	denials       = words(`no not never nothing none without wrong fail fails failed old unknown unset missing same`)
	nothings      = words(`nothing none nobody`)
	blamed        = words(`python pyspark scala sql yarn kubernetes airflow dag dags hadoop parquet io cpu cpus ram owner owners`)
	statementEnds = words(`but because so which that when where if while since although though and`)
	ends          = words(`stop stops stopped stopping end ends longer instead`)
	universal     = words(`all every each most many several few`)
	sizes         = words(`large small long short much little many few`)
	negatives     = words(`isn't aren't wasn't weren't doesn't don't didn't hasn't haven't hadn't can't won't`)
)

// signWords are those of all symptoms.
var signWords = func() lexicon {
	l := words("out")
	for _, s := range signs {
		maps.Copy(l, s.words)
	}
	return l
}()

func denies(t token) bool { return negations[t.low] || negatives[t.low] }

// deniesAt says whether the word at i says that something is not so. "No more
// than" and "no further" only bound it.
func deniesAt(clause []token, i int) bool {
	return denies(clause[i]) && !slices.Contains([]string{"more", "further", "longer", "less"}, wordAt(clause, i+1))
}

func denied(clause []token) bool {
	for i := range clause {
		if deniesAt(clause, i) {
			return true
		}
	}
	return false
}

func anyOf(clause []token, l lexicon) bool {
	return slices.ContainsFunc(clause, func(t token) bool { return t.kind == tokenWord && l[t.low] })
}

// has says whether a clause has one of some words, at where the first of them is.
func has(clause []token, words ...string) bool { return at(clause, words...) >= 0 }

func at(clause []token, words ...string) int {
	return slices.IndexFunc(clause, func(t token) bool { return t.kind == tokenWord && slices.Contains(words, t.low) })
}

// claims finds what prose says of the job, of its evidence and of what comes
// that the Facts do not say.
func (c *checker) claims(tokens []token) {
	for _, sentence := range sentences(tokens) {
		for _, clause := range clauses(sentence) {
			c.denial(clause)
			c.promise(clause)
			c.measuring(clause)
			c.calmly(clause)
			c.standing(clause)
			c.symptoms(clause, true)
		}
		for _, part := range statements(sentence) {
			c.symptoms(part, false)
		}
	}
}

// statements cuts a sentence where another subject and verb begin.
func statements(sentence []token) [][]token {
	var out [][]token
	start := 0
	for i, t := range sentence {
		if statementEnds[t.low] || t.kind == tokenMark && strings.Contains(";:", t.text) {
			out = append(out, sentence[start:i])
			start = i
		}
	}
	return append(out, sentence[start:])
}

// deniedAt says whether a statement denies the word at i: by a "not" before it
// with no other verb between, a "no" before, or "in no run" behind it.
func deniedAt(statement []token, i int) bool {
	if j := at(statement[i:], "no", "none", "nothing", "never"); j > 0 && deniesAt(statement, i+j) && (prepositions[statement[i+j-1].low] || linking[statement[i+j-1].low]) {
		return true
	}
	for j := i - 1; j >= 0; j-- {
		t := statement[j]
		if deniesAt(statement, j) {
			return true
		}
		if t.kind == tokenWord && verbForms[t.low] && !nounForms[t.low] {
			return has(statement[:j], "no", "none", "nothing", "without")
		}
	}
	return false
}

// denial finds doubt about the evidence.
func (c *checker) denial(clause []token) {
	if !anyOf(clause, doubted) {
		if j := at(clause, "wrong"); j >= 0 && !has(clause[:j], "something", "nothing", "anything", "what") {
			c.add(KindFlag, "%q: say what was measured", clause[j].text)
		}
		return
	}
	for j, t := range clause {
		before := wordAt(clause, j-1)
		switch {
		case !denials[t.low] && !denies(t), denies(t) && !deniesAt(clause, j):
		case nothings[t.low] && slices.Contains([]string{"find", "finds", "found", "saw"}, before): // what a rule may say
		case t.low == "no" && has(clause[j:], "symptom", "symptoms", "finding", "findings"):
		case c.unmeasured() && (t.low == "missing" || denies(t) && has(clause, "measured")):
		case t.low == "old" && wordAt(clause, j+1) == "value":
		default:
			c.add(KindFlag, "%q of the evidence: it is as the facts say", t.text)
		}
	}
}

// unmeasured says whether the slot may say that something is not measured.
func (c *checker) unmeasured() bool {
	missing := func(flag Flag) bool { return flag == FlagNotMeasured || flag == FlagAbstained }
	switch {
	case !c.f.has("app.runs"):
		return true
	case c.s.flag != "":
		return missing(c.s.flag)
	}
	return slices.ContainsFunc(c.f.Findings, func(d FindingFact) bool { return missing(d.Flag) })
}

// standing finds what is said of the change, of the next runs and of the
// surroundings of the job beyond what the facts know.
func (c *checker) standing(clause []token) {
	refuse := func(what string) { c.add(KindFlag, "%s: the facts do not say so", what) }
	if has(clause, "change", "step", "effect") && has(clause, "measured", "known", "proved", "confirmed", "made", "seen") && !has(clause, "can", "so", "than") {
		refuse("what is known of the change")
	}
	if i := at(clause, "every", "each", "all"); i >= 0 && slices.Contains([]string{"job", "jobs", "application", "applications"}, wordAt(clause, i+1)) {
		refuse("other jobs")
	}
	if i := at(clause, "owner", "owners"); i >= 0 && wordAt(clause, i+1) != "expect" || has(clause, "nobody") && !has(clause, "can") {
		refuse("what people do")
	}
	if i := at(clause, "needed"); i > 0 && !has(clause[i:], "more", "less") && !slices.Contains([]string{"than", "as"}, clause[i-1].low) && !denied(clause) || has(clause, "ends") {
		refuse("what is needed, or ends")
	}
	if slices.ContainsFunc(clause, func(t token) bool { return t.kind == tokenRef }) {
		return // the value has its own check of what stands around it
	}
	switch {
	case has(clause, "next", "expected") && (has(clause, "prove", "confirm", "show") && !has(clause, "can") || c.named(clause)):
		refuse("what the next runs do")
	case has(clause, "cluster") && (!has(clause, "back") || !c.shrinks()) && !has(clause, "used"):
		refuse("the cluster")
	case has(clause, "platform") && !has(clause, "kill", "kills", "killed", "killing", "ended"):
		refuse("the platform")
	case c.s.advises && has(clause, "stay", "stays", "stayed", "remain", "remains", "same") && len(c.waysOf(clause)) > 0:
		refuse("that it stays")
	case has(clause, "default", "defaults") && !has(clause, "marked", "set"):
		refuse("a default")
	}
}

// shrinks says whether something goes back to the cluster.
func (c *checker) shrinks() bool {
	return slices.ContainsFunc(c.f.Changes, func(change ChangeFact) bool { return change.Direction == "down" })
}

// waysOf are the directions of all that a clause speaks of.
func (c *checker) waysOf(clause []token) []int {
	var out []int
	for _, t := range clause {
		if compared[t.low] {
			out = append(out, c.ways(clause, t)...)
		}
	}
	return out
}

// measuring finds denials of what was measured.
func (c *checker) measuring(clause []token) {
	about := has(clause, "measured", "measure", "measures", "sampled", "known", "judged", "seen", "looked")
	no := denied(clause) && about && !has(clause, "wrong", "symptom", "symptoms") && !c.named(clause) || has(clause, "unknown", "missing")
	if no && !c.unmeasured() {
		c.add(KindFlag, "no flag says that something is not measured")
	}
	heap := c.f.finding("measuring")
	if heap.Rule != "" && has(clause, "heap", "peak") && has(clause, "measured") && denied(clause) == (heap.Reason.Text == "the heap is measured") {
		c.add(KindFlag, "whether the heap is measured is what the facts say")
	}
}

// named says whether a clause names a symptom, which has its own check.
func (c *checker) named(clause []token) bool {
	return anyOf(clause, signWords) && slices.ContainsFunc(signs, func(s symptom) bool { return s.at(clause) >= 0 })
}

// promise finds what nobody can know of the next runs.
func (c *checker) promise(clause []token) {
	refuse := func(word string) { c.add(KindGuess, "%q: say what changes, not what will come of it", word) }
	if has(clause, "will", "won't") && (!c.s.advises || denied(clause) || c.named(clause)) {
		refuse("will")
	}
	if has(clause, "cannot", "can't", "can") && (has(clause, "wrong") || c.named(clause) && denied(clause)) {
		refuse("can")
	}
	if c.s.advises && has(clause, "never", "cannot", "can't", "nobody") && !has(clause, "came", "come", "used", "had") {
		refuse("never")
	}
	if c.s.advises && c.named(clause) && has(clause, "all", "every", "any", "each") && anyOf(clause, ends) {
		refuse("all")
	}
	if i := at(clause, "less", "longer"); i >= 0 && !denies(token{low: wordAt(clause, i-1)}) && has(clause, "take", "takes", "took", "last", "lasts", "lasted", "end", "duration") && has(clause, "run", "runs", "job", "application", "it", "they") {
		refuse(clause[i].text)
	}
}

// calmly finds words that say that all is well, or that something is wrong.
func (c *checker) calmly(clause []token) {
	flag, wrong, no := c.verdict(clause), has(clause, "wrong"), denied(clause)
	calm := has(clause, "nothing", "none") && !c.named(clause) || no && (wrong || has(clause, "symptom", "symptoms", "finding", "findings", "diagnosis")) || c.enough(clause)
	switch {
	case calm && len(c.f.Changes) > 0 && c.s.advises, len(c.f.Changes) > 0 && no && c.unchanged(clause):
		c.add(KindFlag, "the facts propose a change")
	case calm && flag != FlagOK && (flag != FlagNotMeasured || !has(clause, "seen", "found", "find", "finds")):
		c.add(KindFlag, "that all is well is not what the flag %q says", flag)
	case wrong && !no && c.f.worst() != FlagAction:
		c.add(KindFlag, "no flag says that something is wrong")
	case len(c.f.Changes) == 0 && !no && has(clause, "propose", "proposes", "proposed", "proposing", "recommended"):
		c.add(KindAdvice, "the facts propose no change")
	}
}

// enough checks "too" and "not enough", and says whether a clause says that
// there is enough of something.
func (c *checker) enough(clause []token) bool {
	is := false
	for i, t := range clause {
		next := wordAt(clause, i+1)
		enough := t.low == "enough" && (i > 0 && sizes[clause[i-1].low] || things[next] || next == "room")
		switch {
		case enough && !denied(clause):
			is = clause[0].low != "so"
		case enough && !c.goes(clause, true):
			c.add(KindRole, "\"not enough\": no change of the facts says so")
		case t.low == "too" && sizes[next]:
			c.tooMuch(clause, i)
		case t.low == "too", t.low == "well" && next != "enough":
			c.add(KindFlag, "%q: say what was measured", t.text)
		}
	}
	return is
}

// unchanged says whether a clause that denies something denies a change.
func (c *checker) unchanged(clause []token) bool {
	for i, t := range clause {
		noun := (t.low == "change" || t.low == "changes") && wordAt(clause, i-1) != "to"
		if noun || c.s.flag != FlagOK && slices.Contains([]string{"changed", "proposed", "needed", "proposes"}, t.low) {
			return true
		}
	}
	return false
}

// changed are the changed properties that a clause speaks of.
func (c *checker) changed(clause []token) []string {
	var keys []string
	for _, t := range clause {
		keys = append(keys, c.keysOf(t)...)
	}
	return keys
}

// tooMuch checks "too small" and the like against the change of what it is
// said of.
func (c *checker) tooMuch(clause []token, i int) {
	size := clause[i+1].low
	if next := wordAt(clause, i+2); nounForms[next] && !compared[next] && !c.named(clause) {
		c.add(KindRole, "%q: no change of the facts says so", "too "+size)
		return
	}
	noun := i + 2 // "too much memory", "too much of its time", or "the heap is too small"
	if wordAt(clause, noun) == "of" {
		noun += 1 + slices.IndexFunc(clause[noun+1:], func(t token) bool { return compared[t.low] })
	}
	if noun >= len(clause) || !compared[clause[noun].low] {
		noun = comparedAt(clause[:i+1], i)
	}
	if noun < 0 || clause[noun].low == "time" {
		if !c.named(clause) {
			c.add(KindRole, "%q: no change of the facts says so", "too "+size)
		}
		return
	}
	way := -1
	if slices.Contains([]string{"small", "little", "few", "low", "short"}, size) {
		way = 1
	}
	if sized := size == "large" || size == "big" || size == "small"; sized && (stem(clause[noun].low) == "task" || stem(clause[noun].low) == "partition") {
		way = -way
	}
	if !denied(clause) && !slices.Contains(c.ways(clause, clause[noun]), way) {
		c.add(KindRole, "%q: no change of the facts says so", "too "+size)
	}
}

// goes says whether the facts change something that a clause speaks of, and in
// the direction.
func (c *checker) goes(clause []token, up bool) bool {
	for _, t := range clause {
		for _, change := range c.f.Changes {
			if (change.Direction == "up") == up && change.Direction != "" && slices.Contains(c.keysOf(t), change.Key) {
				return true
			}
		}
	}
	return false
}

// at is where a clause names the symptom, -1 where it does not.
func (s symptom) at(clause []token) int {
	if s.beside != nil && !anyOf(clause, s.beside) {
		return -1
	}
	for i, t := range clause {
		if s.words[t.low] || t.low == "out" && wordAt(clause, i+1) == "of" && slices.ContainsFunc(clause[i+2:min(i+5, len(clause))], func(t token) bool { return s.phrases[t.low] || pronouns[t.low] && s.phrases != nil }) {
			return i
		}
	}
	return -1
}

// symptoms holds what a clause or statement says of every symptom against the
// findings: those of a single word in a statement, the others in a clause.
func (c *checker) symptoms(part []token, beside bool) {
	if !anyOf(part, signWords) || beside && has(part, "than", "more") {
		return
	}
	for _, s := range signs {
		if beside == (s.beside != nil) {
			c.symptom(part, s)
		}
	}
}

// symptom holds what a clause says of a symptom against the findings.
func (c *checker) symptom(clause []token, s symptom) {
	i := s.at(clause)
	measured := slices.ContainsFunc(clause, func(t token) bool {
		return slices.ContainsFunc(t.facts, func(f Fact) bool { return f.Role == RoleMeasured })
	})
	if i < 0 || measured || has(clause[:i], "whether", "if") {
		return // a measured value has its own check of what stands around it
	}
	there, absent, always := c.seen(s, clause)
	no := deniedAt(clause, i)
	says := s.absence == no
	word := clause[i].text
	if anyOf(clause[:i], blamed) || i+1 < len(clause) && has(clause[i:], "job") && s.words["kill"] {
		c.add(KindFlag, "%q: the findings blame nobody", word)
	}
	if c.s.advises {
		purpose := clause[0].low == "so" || (strings.HasSuffix(c.s.name, ".impact") || anyOf(clause, moreWords) || anyOf(clause, lessWords)) && !anyOf(clause, universal)
		if !there && !s.absence || !says && no || s.absence && (no || !purpose) {
			c.add(KindFlag, "%q is not what the finding of this change says", word)
		}
		if says && !s.absence && !anyOf(clause, ends) && anyOf(clause, universal) && (!always || has(clause, "most", "many", "several", "few")) {
			c.add(KindFlag, "%q in all of them is not what the facts say", word)
		}
		return
	}
	switch {
	case says && !there:
		c.add(KindFlag, "%q is not what the findings say", word)
	case !says && !absent:
		c.add(KindFlag, "that there is no %q is not what the findings say", word)
	case says && anyOf(clause, universal) && (!always || !has(clause, "run", "runs") || has(clause, "most", "many", "several", "few")):
		c.add(KindFlag, "%q in all of them is not what the facts say", word)
	}
}

// seen says whether the findings have a symptom, whether they say that it is
// not there, and whether every run had it. Both are false where it is not known.
func (c *checker) seen(s symptom, clause []token) (there, absent, always bool) {
	runs, _ := c.f.find("app.runs")
	if s.rules == nil {
		if c.s.advises && !s.absence { // what runs die of fails them, sooner or later
			s.rules = []string{"heap_oom", "container_kill", "driver_oom"}
			there, _, _ = c.seen(s, clause)
		}
		failed, ok := c.f.find("app.failed")
		if s.absence {
			return ok, !ok, false
		}
		return there || ok, !ok && runs.Text != "", ok && failed.Text == runs.Text
	}
	driver, tasks := has(clause, "driver"), has(clause, "task", "tasks", "executor", "executors", "container", "containers")
	rules := slices.DeleteFunc(slices.Clone(s.rules), func(rule string) bool {
		if tasks && s.words["wait"] {
			return rule != "too_few_executors"
		}
		return driver && !strings.HasPrefix(rule, "driver") || tasks && strings.HasPrefix(rule, "driver")
	})
	absent = true
	n := 0
	for _, d := range c.f.Findings {
		if !slices.Contains(rules, d.Rule) {
			continue
		}
		n++
		active := d.Flag == FlagAction || d.Flag == FlagWaits
		there = there || active
		absent = absent && d.Flag == FlagOK && (strings.HasPrefix(d.Reason.Text, "no ") && !strings.Contains(d.Reason.Text, ";") || strings.Contains(d.Reason.Text, " in 0 of "))
		always = always || active && strings.Contains(d.Reason.Text, fmt.Sprintf(" in %s of %s runs", runs.Text, runs.Text))
	}
	return there, absent && n > 0, always
}
