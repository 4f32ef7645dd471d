package prompts

import (
	"maps"
	"slices"
	"strings"
)

// What stands around a value says what it is the value of. So only words that
// cannot make it another one may: small ones, and those of the fact itself.

var (
	// aroundWords may stand around any value.
	aroundWords = words(`the a an of to in and is are was were that it its for with on as by from at per this these those which their
		they them there been has have had be we during within across here together over so far
		value values measured set seen found counted reported stand stands come comes came go goes went reach reached reaches
		equal equals amount amounts hold holds held say says show shows mean what where itself
		spark java jvm result record recorded configured based on`)
	// pastWords may stand around what was measured or is to be left, futureWords
	// around what is to come; around the others they would be lies.
	pastWords   = words(`now current currently today newest latest present before until old previous previously then still already default instead than past run runs so far`)
	futureWords = words(`will become becomes becoming new next after proposed propose expected expect predicted then recommended get gets future change changes instead than once`)
	// scopeEnds begin a part of a sentence that is no longer about the value
	// before it.
	scopeEnds    = words(`and while but whereas with because so since which when where if as than or from to instead though although changes reduces gives makes keeps means lets`)
	conjunctions = words(`and while but whereas`)
	prepositions = words(`in on of at for between over during by per within`)
	// countables are what a plain number can be the number of.
	countables = words(`run task executor container core slot partition stage job time failure kill setting application driver node day week month`)
	// things are what a value can belong to. One that is not the fact's own must
	// not stand before the value in its sentence.
	things = words(`driver executor executors container containers heap overhead outside core cores slot slots task tasks partition partitions stage stages
		garbage collection collector disk spill platform cluster data shuffle allocation adaptive memory month`)
	// settingWords may stand around the values of a property besides its topics.
	settingWords = map[string]string{
		"spark.executor.memory":                "executor executors each every java job application run runs",
		"spark.executor.memoryOverhead":        "executor executors container containers memory heap each every",
		"spark.executor.cores":                 "executor executors task tasks run runs parallel time each every",
		"spark.executor.instances":             "executor run runs job application",
		"spark.dynamicAllocation.enabled":      "allocation job application",
		"spark.dynamicAllocation.maxExecutors": "executor allocation number most time dynamic job application",
		"spark.dynamicAllocation.minExecutors": "executor allocation number least time dynamic job application",
		"spark.sql.shuffle.partitions":         "number shuffle shuffles use uses used write writes data job application",
		"spark.sql.adaptive.enabled":           "execution query job application",
		"spark.driver.memory":                  "memory heap",
	}
	// factWords are the same for other facts, by id.
	factWords = map[string]string{
		"app.name":               "application job called named name run runs ran",
		"app.spark":              "application job run runs ran spark version use uses",
		"app.environment":        "application job run runs ran environment",
		"app.runs":               "run runs ran running application job times look looked judge judged history report cover covers covered complete all out",
		"app.first":              "run runs ran application job first last latest newest look looked begin began start started until since between through history date day",
		"app.last":               "run runs ran application job first last latest newest look looked end ended until since between through history date day time",
		"app.duration":           "run runs median duration durations take takes took last lasts lasted typical usual usually normally long application job time",
		"app.failed":             "run runs end ended fail failed fails failures failure application job history other them",
		"effect.container":       "container containers executor memory size one an take takes",
		"effect.memory.before":   "memory reserve reserved reserves reserving run runs application job median",
		"effect.memory.after":    "memory reserve reserved reserves reserving run runs application job median",
		"effect.memory.low":      "memory reserve reserved reserves run runs least smallest lowest",
		"effect.memory.high":     "memory reserve reserved reserves run runs most largest highest",
		"effect.memory.delta":    "memory reserved run runs difference change median",
		"effect.memory.expected": "memory reserve reserved reserves run least most",
		"effect.month":           "memory reserved difference month monthly",
		"effect.duration":        "duration run runs take takes took last lasts lasted long median least most",
	}
	// sayings are other words for what a label of evidence says.
	sayings = map[string]string{
		"ran": "died lost ran heap memory", "OOM": "OutOfMemoryError seen happened", "killed": "kill kills killed platform lost containers",
		"kill": "kills killed container containers", "failed": "fail fails failure failures", "spill": "spills spilled disk", "spilled": "spill spills disk stage",
		"share": "part goes go spent spend take takes takes share", "peak": "peaked reached filled use used", "died": "die dies death deaths", "time": "time takes spent goes lost",
		"away": "lost taken", "most": "ran run", "its": "stage", "garbage": "executor executors", "samples": "sampled measured",
	}
)

// holds says whether a form of a word is in the lexicon.
func (l lexicon) holds(t token) bool { return l[t.low] || l[stem(t.low)] }

// ownWords are those that may stand around a fact because they are about it.
func (c *checker) ownWords(f Fact) lexicon {
	l := lexicon{}
	add := func(s string) {
		for w := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool { return !isLetter(r) }) {
			l[w], l[stem(w)] = true, true
		}
	}
	add(strings.Join(f.Say, " "))
	if key, ok := strings.CutPrefix(f.ID, "conf."); ok {
		add(settingWords[key])
	}
	if key, ok := changeKey(f.ID); ok {
		add(settingWords[key])
		add(strings.Join(topics[key], " "))
		add("set change")
	}
	for id, s := range factWords {
		if f.ID == id || strings.HasPrefix(f.ID, id+".") {
			add(s)
		}
	}
	if strings.HasPrefix(f.ID, "finding.") {
		add(f.Label)
		for w := range strings.FieldsSeq(f.Label) {
			add(sayings[strings.Trim(w, ",")])
		}
	}
	if other, first := partner(f.ID); other != "" {
		maps.Copy(l, c.moves(f, other, first))
	}
	return l
}

// moves are the verbs that say which way a pair of values goes.
func (c *checker) moves(f Fact, other string, first bool) lexicon {
	g, _ := c.f.find(other)
	from, to := f, g
	if !first {
		from, to = g, f
	}
	a, oka := magnitude(from.Text)
	b, okb := magnitude(to.Text)
	switch {
	case oka && a == b:
		return words("stay stays stayed remain remains as")
	case !oka || !okb:
		return nil
	case a < b:
		return riseWords
	}
	return fallWords
}

// scoped says whether nothing around a reference makes its fact another one.
func (c *checker) scoped(prior, sentence []token, i int, f Fact) bool {
	if f.Role == RoleReason {
		return c.reasoned(sentence, i)
	}
	if f.Role == RoleName && strings.HasPrefix(f.ID, "change.") {
		return true // a name says nothing by itself
	}
	own := c.ownWords(f)
	lo, hi := around(sentence, i)
	for _, t := range sentence[lo:hi] {
		if t.kind == tokenWord && !own.holds(t) && !aroundWords[t.low] && !timely(f)[t.low] {
			return false
		}
	}
	return eachOfItsOwn(sentence[lo:i], f) && undisturbed(prior, sentence[:i], own) && counted(sentence[lo:i], sentence[i+1:hi], f)
}

// eachOfItsOwn says whether what a value is said to be of each of, of one of, or
// per, is what it is measured by.
func eachOfItsOwn(before []token, f Fact) bool {
	own := ""
	switch key := strings.TrimPrefix(strings.TrimPrefix(f.ID, "change."), "conf."); {
	case strings.HasPrefix(key, "spark.executor."), strings.HasPrefix(key, "effect.container"):
		own = "executor"
	case strings.HasPrefix(key, "effect.memory"), strings.HasPrefix(key, "app."):
		own = "run"
	case key == "effect.month":
		own = "month"
	}
	for i, t := range before {
		every := slices.Contains([]string{"each", "every", "per"}, t.low) || own != "" && slices.Contains([]string{"a", "an", "one"}, t.low)
		if noun := countable(wordAt(before, i+1)); every && noun != "" && noun != own {
			return false
		}
	}
	return true
}

// timely are the words of the time that a fact is about.
func timely(f Fact) lexicon {
	if f.Role == RoleNew || f.Role == RolePredicted {
		return futureWords
	}
	return pastWords
}

// around is where the words beside a reference begin and end: before it where
// the value before it, or another part of the sentence, ends; after it where the
// next part begins.
func around(sentence []token, i int) (lo, hi int) {
	lo = i
	for lo > 0 && sentence[lo-1].kind != tokenRef && !strings.Contains(",;:()–—", sentence[lo-1].text) {
		lo--
	}
	if lo == i && lo > 1 && sentence[lo-1].text == "," { // "…, VALUE" belongs to what is before
		for lo--; lo > 0 && sentence[lo-1].kind == tokenWord; {
			lo--
		}
	}
	if lo > 0 && sentence[lo-1].kind == tokenRef { // some of the words are about the value before
		begins := func(t token) bool { return scopeEnds[t.low] || prepositions[t.low] }
		if anyOf(sentence[lo:i], conjunctions) {
			begins = func(t token) bool { return conjunctions[t.low] }
		}
		for lo < i && !begins(sentence[lo]) {
			lo++
		}
	}
	hi = i + 1
	for hi < len(sentence) && sentence[hi].kind == tokenWord && !scopeEnds[sentence[hi].low] {
		hi++
	}
	switch {
	case partOf(sentence, i): // "A of B runs failed": what A is stands behind B
		_, hi = around(sentence[i+2:], 0)
		return lo, i + 2 + hi
	case i > 1 && partOf(sentence, i-2):
		return lo, min(hi, i+2)
	case hi < len(sentence) && sentence[hi].kind == tokenRef: // some are about the value behind
		if j := slices.IndexFunc(sentence[i+1:hi], func(t token) bool { return prepositions[t.low] }); j >= 0 {
			hi = i + 1 + j
		}
	}
	return lo, hi
}

// partOf says whether a reference is the first of "A of B".
func partOf(sentence []token, i int) bool {
	return i+2 < len(sentence) && sentence[i].kind == tokenRef && sentence[i+1].low == "of" && sentence[i+2].kind == tokenRef
}

// undisturbed says whether no other thing is spoken of before a value: in its
// sentence, or in those before where that sentence only says "it".
func undisturbed(prior, before []token, own lexicon) bool {
	if j := lastRef(before); j >= 0 {
		_, hi := around(before, j)
		before, prior = before[hi:], nil
	}
	other := func(t token) bool { return things[t.low] && !own.holds(t) }
	if slices.ContainsFunc(before, other) {
		return false
	}
	for j, t := range before {
		switch {
		case things[t.low]:
			return true // what "it" stands for behind this is said here
		case possessives[t.low], pronouns[t.low] && !nounForms[wordAt(before, j+1)]:
			return !slices.ContainsFunc(prior, other)
		}
	}
	return true
}

func lastRef(tokens []token) int {
	for j, t := range slices.Backward(tokens) {
		if t.kind == tokenRef {
			return j
		}
	}
	return -1
}

// counted says whether the noun beside a plain number is what the fact counts.
func counted(before, after []token, f Fact) bool {
	heads := headsOf(f)
	if len(heads) == 0 {
		return true
	}
	for _, t := range after {
		if noun := countable(t.low); noun != "" {
			return slices.Contains(heads, noun)
		}
	}
	for _, t := range slices.Backward(before) {
		if slices.Contains(heads, countable(t.low)) {
			return true
		}
	}
	return !slices.ContainsFunc(before, func(t token) bool { return countable(t.low) != "" })
}

func countable(word string) string {
	if s := strings.TrimSuffix(word, "s"); countables[s] {
		return s
	}
	return ""
}

// headsOf are the nouns that a fact counts, none when it is no plain count.
func headsOf(f Fact) []string {
	switch {
	case f.ID == "app.runs":
		return []string{"run", "time"}
	case f.ID == "app.failed":
		return []string{"run", "failure"}
	case !strings.HasPrefix(f.ID, "finding.") || strings.Trim(f.Text, "0123456789") != "":
		return nil
	}
	for w := range strings.FieldsSeq(f.Label) {
		if noun := countable(strings.Trim(w, ",")); noun != "" {
			return append([]string{noun}, map[string]string{"kill": "container", "run": "failure"}[noun])
		}
	}
	return nil
}

// reasoned says whether a reason stands as what it is: a statement, which
// nothing in its clause denies.
func (c *checker) reasoned(sentence []token, i int) bool {
	lo, _ := around(sentence, i)
	denied := func(t token) bool { return negations[t.low] || strings.HasSuffix(t.low, "n't") }
	return !slices.ContainsFunc(sentence[lo:i], denied) && !slices.ContainsFunc(sentence[i+1:], denied)
}
