package prompts

import (
	"maps"
	"slices"
	"strings"
)

// Prose is made of few words. Around a value stand those of [checker.scoped].
// A part of a sentence without a value explains, in the words below, what a
// measured symptom or a change means, or says what the report shows. So there is
// nothing to deny, promise, blame or ask with: a list of what may be said ends,
// one of what may not never does. The prompt prints the lists.
var (
	explainNouns = strings.Fields(`application bound change cluster collection collector container core data disk evidence executor expectation finding garbage heap job
		limit margin memory number object overhead part partition peak platform process rest result room run sample shuffle size slot spill
		stage step symptom task thing time value work`)
	explainVerbs = strings.Fields(`aggregate allow become call carry collect come compare confirm die disprove do end exceed fail fill find fit free get give go have hit
		hold judge keep kill lead leave lose make mean measure need outgrow process prove reach read release reserve run say schedule share
		show sort spend spill stop support take use wait work write`)
	explainOthers = strings.Fields(`above again alone around as back below done end enough expect far few fewer full instead known large larger largest least less long
		longer longest many more most much near new next often outside own owners parallel reserved same serious several short small smaller
		stayed still such together typical way whole`)
	reportWords = strings.Fields(`above act alone application below change come configuration configure cover current currently default diagnosis enough evidence expect far find finding flag job judge kept latest least limit line list look mark mean measure measurement missing most newest nothing outgrew own part property propose reason recommended report row rule run say section see serious set setting show size something speak stand symptom table tell today together unknown unset value well wrong`)
	// glueWords hold a sentence together.
	glueWords = words(`the a an this that these those each every all some any no not never nothing none what whatever which whose how when where
		while whether because so as than then if and or but too also of to in on at by for from with without within into onto out over
		under during until since before after between per it its itself they them their there we such
		is are was were be been being has have had do does did can cannot will
		isn't aren't wasn't weren't doesn't don't didn't hasn't haven't hadn't can't won't it's that's e.g. i.e.`)
	irregularWords = words(`became begun came chose data died dies dying fell fitted fitting found gave given got went goes held kept knew lasting left led lies lost made
		meant ran running said sent shown spent stopped stopping took taken understood written wrote getting freed freeing peaked sampled lets sharing sent beginning`)

	nounForms     = formsOf(explainNouns)
	verbForms     = formsOf(append([]string{"raise", "lower", "set", "change", "increase", "decrease", "reduce", "see", "look", "propose", "let", "act", "start", "stay", "tell"}, explainVerbs...))
	explaining    = union(nounForms, formsOf(explainVerbs), words(strings.Join(explainOthers, " ")), irregularWords, glueWords, properNames)
	reporting     = union(formsOf(reportWords), words(`found saw seen said diagnoses shown`), glueWords)
	explainingAll = union(explaining, reporting)
	verbSet       = words(strings.Join(explainVerbs, " ") + ` raise lower set change increase decrease reduce see look propose let act start stay tell be continue act add remove
		reserve report request help describe release provide allow begin finish cover list mark record observe`)
	nounSet = words(strings.Join(explainNouns, " ") + ` report request need use start end share change set step spill run work time process`)
)

func union(sets ...lexicon) lexicon {
	l := lexicon{}
	for _, set := range sets {
		maps.Copy(l, set)
	}
	return l
}

func formsOf(bases []string) lexicon {
	l := lexicon{}
	for _, w := range bases {
		for _, form := range inflected(w) {
			l[form] = true
		}
	}
	return l
}

// inflected are the regular forms of a noun or verb; that some of them do not
// exist harms nobody.
func inflected(base string) []string {
	last, root := base[len(base)-1], base[:len(base)-1]
	vowelBefore := len(base) > 1 && strings.IndexByte("aeiou", base[len(base)-2]) >= 0
	switch {
	case last == 'e':
		return []string{base, base + "s", base + "d", root + "ing"}
	case last == 'y' && !vowelBefore:
		return []string{base, root + "ies", root + "ied", base + "ing"}
	case strings.HasSuffix(base, "s") || strings.HasSuffix(base, "sh") || strings.HasSuffix(base, "ch") || base == "go" || base == "do":
		return []string{base, base + "es", base + "ed", base + "ing"}
	}
	return []string{base, base + "s", base + "ed", base + "ing"}
}

// possessed is a word without the ending of the genitive.
func possessed(word string) string {
	return strings.TrimSuffix(word, "'s")
}

// free checks the parts of a sentence that have no value in them, and what of
// the others does not stand around one.
func (c *checker) free(tokens []token) {
	for _, sentence := range sentences(tokens) {
		covered := make([]bool, len(sentence))
		for i, t := range sentence {
			if t.kind == tokenRef {
				lo, hi := around(sentence, i)
				for j := lo; j < hi; j++ {
					covered[j] = true
				}
			}
		}
		begin := 0
		for _, part := range split(sentence, ",;:()–—") {
			c.part(part, covered[begin:])
			begin += len(part) + 1
		}
	}
}

func (c *checker) part(part []token, covered []bool) {
	isRef := func(t token) bool { return t.kind == tokenRef }
	if !slices.ContainsFunc(part, isRef) {
		c.statement(part)
		return
	}
	begin := 0
	for _, statement := range statements(part) {
		if slices.ContainsFunc(statement, isRef) {
			for j, t := range statement {
				if !covered[begin+j] {
					c.only(t, arguing)
				}
				if !covered[begin+j] && things[t.low] {
					c.add(KindRole, "%q beside a value that is not its own", t.text)
				}
			}
		} else {
			c.statement(statement)
		}
		begin += len(statement)
	}
}

// statement checks the words of a part without a value. One about things of the
// job explains a symptom that was measured or a change; any other only says what
// the report shows, and denies nothing but that.
func (c *checker) statement(part []token) {
	if len(part) == 0 || c.plain(part) {
		return
	}
	explains := c.named(part) || (c.explains() || has(part, "enough")) && anyOf(part, mechanical)
	may := c.mayUse(explains)
	for _, t := range part {
		if !explains || !comparing(t.low) {
			c.only(t, may)
		}
	}
	if explains || c.explains() {
		c.explained(part)
	}
	if i := slices.IndexFunc(part, func(t token) bool { return comparing(t.low) }); !explains && i >= 0 && !denies(token{low: wordAt(part, i-1)}) {
		c.add(KindVocabulary, "%q: of what?", part[i].text)
	}
	switch {
	case !explains && denied(part) && !has(part, "measured", "judged", "found", "seen", "set", "proposed", "recommended", "wrong", "change", "symptom", "symptoms", "run", "used") && !c.named(part):
		c.add(KindFlag, "%q: say what is not measured or not found, and deny nothing else", part[0].text)
	case part[0].low == "there" && c.f.has("app.runs"):
		c.add(KindVocabulary, "%q says something without a value", "there")
	}
}

// plain says whether the plain writer says a part of a sentence in the same
// words, in the same slot.
func (c *checker) plain(part []token) bool {
	if c.ours == "" {
		c.ours = " " + spoken(tokensOf(nil, c.s.text(Plain(c.f)))) + " "
	}
	return strings.Contains(c.ours, " "+spoken(part)+" ")
}

// spoken are the words of prose in small letters.
func spoken(tokens []token) string {
	var out []string
	for _, t := range tokens {
		if t.kind == tokenWord {
			out = append(out, t.low)
		}
	}
	return strings.Join(out, " ")
}

// mayUse are the words of a part without a value.
func (c *checker) mayUse(explains bool) lexicon {
	switch {
	case explains && c.s.name == "health":
		return explainingAll
	case explains:
		return explaining
	case c.explains():
		return arguing
	case c.s.name == "overview" && c.f.has("app.runs"):
		return overviewing
	}
	return reporting
}

// only holds one word against those that may be used.
func (c *checker) only(t token, may lexicon) {
	own := c.explains() && c.topical(t) || c.s.name == "summary" && (effectWords[t.low] || !c.s.advises && t.low == "stays")
	if t.kind == tokenWord && !may[possessed(t.low)] && !own {
		c.add(KindVocabulary, "%q: a part of a sentence without a value only uses the words that explain or show", t.text)
	}
}

// explains says whether the slot has something to explain: a symptom that was
// measured, or a change.
func (c *checker) explains() bool {
	flag := c.s.flag
	if c.s.name == "health" {
		flag = c.f.worst()
	}
	return c.s.advises || flag == FlagAction || flag == FlagWaits
}

// comparing says whether a word has a check of its own in compares.
func comparing(word string) bool {
	return moreWords[word] || lessWords[word] || riseWords[word] || fallWords[word] || word == "too"
}

var (
	// arguing are the words of a part that says why, without saying of what.
	arguing = union(reporting, words(`call calls support supports more further longer allow allows prove confirm compare compared next need needs hold holds used time reserved below far way owners end expect`))
	// effectWords say what the effect of a change is on.
	effectWords = words(`memory reserved reserve reserves run runs month difference per container executor`)
	overviewing = union(words(`first newest latest last looked began begins start started ended report cover covers run runs job application median duration durations measured history which of them all`), glueWords)
	// mechanical are the things whose workings are explained.
	mechanical = union(things, formsOf([]string{"task", "data", "room", "time", "margin", "peak", "step", "shuffle", "setting", "size"}), words(`oom outofmemoryerror gc adaptive work`))
)
