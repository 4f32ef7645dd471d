package prompts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Violation is one way in which an answer breaks the rules of the prompt.
type Violation struct {
	Slot string `json:"slot"` // where, e.g. "findings.spill.explanation"
	Kind Kind   `json:"kind"`
	Text string `json:"text"` // what, in words that a writer can mend it by
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Slot, v.Kind, v.Text) }

// Kind is the rule that a Violation breaks.
type Kind string

// The rules.
const (
	KindShape      Kind = "shape"     // not the structure that was asked for
	KindMissing    Kind = "missing"   // a slot is empty, or does not refer to what it must
	KindAdded      Kind = "added"     // a finding or change that the Facts do not have
	KindFlag       Kind = "flag"      // not the flag of the Facts
	KindLength     Kind = "length"    // a slot is too long
	KindCharacter  Kind = "character" // neither an ASCII letter, nor a space, nor punctuation
	KindNumber     Kind = "number"    // a number in words
	KindUnit       Kind = "unit"
	KindName       Kind = "name" // a key, a link, an identifier, a proper name
	KindReference  Kind = "reference"
	KindRole       Kind = "role"   // a value where another one belongs
	KindAdvice     Kind = "advice" // advice that is not in the Facts
	KindGuess      Kind = "guess"
	KindLanguage   Kind = "language"
	KindVocabulary Kind = "vocabulary" // a word that no report needs
	KindValue      Kind = "value"      // Markdown only: a value or row that is not the Facts'
)

// Check says how the Words break the rules; nothing when they may be shown.
//
// It does not judge whether prose is good. It makes sure that prose can do no
// harm: that it holds no value, name or link of its own, that each reference
// stands where its fact belongs, that nothing is left out or added, and that it
// advises nothing that the Facts do not.
func Check(f Facts, w Words) []Violation {
	var out []Violation
	for _, d := range f.Findings {
		got, ok := w.Findings[d.Rule]
		if ok && got.Flag != d.Flag {
			out = append(out, Violation{"findings." + d.Rule + ".flag", KindFlag, fmt.Sprintf("must be %q", d.Flag)})
		}
	}
	out = append(out, added(f, w)...)
	byID := f.byID()
	for _, s := range slots(f) {
		out = append(out, checkSlot(f, s, tokensOf(byID, s.text(w)))...)
	}
	return out
}

func added(f Facts, w Words) []Violation {
	var out []Violation
	for _, rule := range slices.Sorted(maps.Keys(w.Findings)) {
		if f.finding(rule).Rule == "" {
			out = append(out, Violation{"findings", KindAdded, fmt.Sprintf("no finding %q is in the facts", bounded(rule, 40))})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.Changes)) {
		if !slices.ContainsFunc(f.Changes, func(c ChangeFact) bool { return c.Key == key }) {
			out = append(out, Violation{"changes", KindAdded, fmt.Sprintf("no change of %q is in the facts", bounded(key, 40))})
		}
	}
	return out
}

// A slot is one stretch of prose and what may and must be in it.
type slot struct {
	name    string
	text    func(Words) string
	max     int        // runes of prose, references not counted
	may     []string   // prefixes of the ids that it may refer to
	must    [][]string // of each at least one must be referred to
	advises bool       // it may speak of changing the properties that Facts change
	change  ChangeFact // the one that it is about
	flag    Flag       // of the finding that it is about
}

// slots are all slots of the Words for the Facts, in the order of the report.
func slots(f Facts) []slot {
	out := []slot{
		{name: "overview", text: func(w Words) string { return w.Overview }, max: 700, may: []string{"app."}, must: present(f, "app.runs")},
		{name: "configuration", text: func(w Words) string { return w.Configuration }, max: 700, may: []string{"conf."}},
		{name: "health", text: func(w Words) string { return w.Health }, max: 700, may: []string{"finding.", "app."}},
	}
	for _, d := range f.Findings {
		out = append(out, findingSlot(d))
	}
	for _, c := range f.Changes {
		out = append(out, changeSlots(c)...)
	}
	summary := slot{name: "summary", text: func(w Words) string { return w.Summary }, max: 900, may: []string{"change.", "effect.", "app."}, advises: len(f.Changes) > 0}
	for _, c := range f.Changes {
		summary.must = append(summary.must, []string{c.From.ID}, []string{c.To.ID})
	}
	if f.has("effect.memory.delta") {
		summary.must = append(summary.must, []string{"effect.memory.before", "effect.memory.after", "effect.memory.delta"})
	}
	return append(out, summary)
}

func present(f Facts, id string) [][]string {
	if !f.has(id) {
		return nil
	}
	return [][]string{{id}}
}

func findingSlot(d FindingFact) slot {
	prefix := "finding." + d.Rule + "."
	own := []string{d.Reason.ID}
	for _, e := range d.Evidence {
		own = append(own, e.ID)
	}
	return slot{
		name: "findings." + d.Rule + ".explanation", max: 600, flag: d.Flag,
		text: func(w Words) string { return w.Findings[d.Rule].Explanation },
		may:  []string{prefix, "app."}, must: [][]string{own},
	}
}

func changeSlots(c ChangeFact) []slot {
	own, why := "change."+c.Key+".", "finding."+c.Rule+"."
	return []slot{{
		name: "changes." + c.Key + ".explanation", max: 600, advises: true, change: c,
		text: func(w Words) string { return w.Changes[c.Key].Explanation },
		may:  []string{own, why},
	}, {
		name: "changes." + c.Key + ".impact", max: 400, advises: true, change: c,
		text: func(w Words) string { return w.Changes[c.Key].Impact },
		may:  []string{own, why, "effect."},
	}}
}

// A checker collects the violations of one slot.
type checker struct {
	f      Facts
	s      slot
	topics lexicon // see topical
	ours   string  // see plain
	out    []Violation
}

func checkSlot(f Facts, s slot, tokens []token) []Violation {
	c := &checker{f: f, s: s}
	c.length(tokens)
	c.characters(tokens)
	c.spelling(tokens)
	c.vocabulary(tokens)
	c.language(tokens)
	c.references(tokens)
	c.roles(tokens)
	c.free(tokens)
	c.orders(tokens)
	c.advice(tokens)
	c.compares(tokens)
	c.claims(tokens)
	return c.out
}

func (c *checker) add(kind Kind, format string, args ...any) {
	v := Violation{c.s.name, kind, fmt.Sprintf(format, args...)}
	if !slices.Contains(c.out, v) {
		c.out = append(c.out, v)
	}
}

func (c *checker) length(tokens []token) {
	n := 0
	for _, t := range tokens {
		if t.kind != tokenRef {
			n += 1 + utf8.RuneCountInString(t.text)
		}
	}
	switch {
	case n == 0:
		c.add(KindMissing, "it has no prose")
	case n > c.s.max:
		c.add(KindLength, "at most %d characters of prose, not %d", c.s.max, n)
	}
}

func (c *checker) characters(tokens []token) {
	for i, t := range tokens {
		switch {
		case t.kind == tokenStray && unicode.IsDigit([]rune(t.text)[0]):
			c.add(KindCharacter, "a digit: refer to the fact instead")
		case t.kind == tokenStray:
			c.add(KindCharacter, "%+q: only ASCII letters, spaces and %s", t.text, marks)
		case t.kind == tokenMark && i == 0 && strings.Contains(".,;:)-–—", t.text):
			c.add(KindCharacter, "it begins with %q", t.text)
		}
	}
}

// spelling finds what is no plain word: identifiers, keys, host names, names.
func (c *checker) spelling(tokens []token) {
	for i, t := range tokens {
		if t.kind == tokenMark && strings.Contains(".,:;)", t.text) && i+1 < len(tokens) && tokens[i+1].glued && tokens[i+1].kind == tokenWord {
			c.add(KindName, "%q looks like a key, a path or a link", t.text+tokens[i+1].text)
		}
		if t.kind != tokenWord {
			continue
		}
		if c.foreignName(t.low) {
			c.add(KindName, "%q is a name of the job: refer to the fact instead", t.text)
		}
		if unknownName(t) {
			c.add(KindName, "%q is a name: only references name things", t.text)
		}
	}
}

// unknownName says whether a word is spelled like a name, and none that every
// reader knows.
func unknownName(t token) bool {
	word := strings.TrimSuffix(strings.TrimSuffix(t.text, "'s"), "’s")
	if properNames[strings.ToLower(word)] || t.low == "e.g." || t.low == "i.e." {
		return false
	}
	inner := word[1:] != strings.ToLower(word[1:])
	return inner || !t.first && word != strings.ToLower(word) || len(word) == 1 && t.low != "a"
}

// foreignName says whether a word is the application's or environment's name.
func (c *checker) foreignName(word string) bool {
	if properNames[word] || functionWords[word] {
		return false
	}
	for _, fact := range c.f.Overview {
		if fact.Role == RoleName && strings.EqualFold(fact.Text, word) {
			return true
		}
	}
	return false
}

func (c *checker) vocabulary(tokens []token) {
	for _, t := range tokens {
		if t.kind != tokenWord {
			continue
		}
		switch {
		case numeral(t.low):
			c.add(KindNumber, "%q is a number: refer to a fact, or leave it out", t.text)
		case units[t.low]:
			c.add(KindUnit, "%q: a reference brings its unit", t.text)
		case hedges[t.low]:
			c.add(KindGuess, "%q: say what is measured, and what is not", t.text)
		}
	}
}

// topical says whether a word is one of those that the facts use for what the
// slot is about.
func (c *checker) topical(t token) bool {
	if c.topics == nil {
		c.topics = topicsOf(c.f, c.s)
	}
	return c.topics.holds(t)
}

// topicsOf are the words of titles and labels, and for the properties that the
// slot speaks of.
func topicsOf(f Facts, s slot) lexicon {
	l := lexicon{}
	add := func(text string) {
		for w := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !isLetter(r) }) {
			l[w], l[stem(w)] = true, true
		}
	}
	for _, d := range f.Findings {
		own := s.name == "findings."+d.Rule+".explanation" && (d.Flag == FlagAction || d.Flag == FlagWaits)
		if own || s.change.Rule == d.Rule || s.name == "health" && d.Flag == FlagAction {
			add(d.Title)
			add(meanings[d.Rule])
			for _, e := range d.Evidence {
				add(e.Label)
			}
		}
	}
	if s.name == "summary" {
		add(plainSummary(f))
	}
	for _, c := range f.Changes {
		if s.name == "summary" || s.change.Key == c.Key {
			add(strings.Join(topics[c.Key], " "))
			add(settingWords[c.Key])
			p := plainChange(c)
			add(p.Explanation)
			add(p.Impact)
		}
	}
	if s.name == "configuration" {
		for _, fact := range f.Config {
			add(strings.Join(fact.Say, " "))
			add(settingWords[fact.Label])
		}
		add("many share")
	}
	return l
}

// language wants English: enough of the small words that hold it together.
func (c *checker) language(tokens []token) {
	n, small := 0, 0
	for _, t := range tokens {
		if t.kind == tokenWord {
			n++
			if functionWords[t.low] {
				small++
			}
		}
	}
	if n >= 8 && small*8 < n {
		c.add(KindLanguage, "write plain English sentences")
	}
}
