package prompts

import "slices"

// A guard holds words of explaining to where they explain: without one of the
// others in their part of the sentence they could tell of anything.
type guard struct {
	words, with lexicon
	shrinks     bool // or where something gets smaller
}

var guards = []guard{
	{words: words(`take takes took taken taking`), with: words(`time more than fewer no`)},
	{words: words(`keep keeps kept keeping`), with: words(`margin number peaks use used`)},
	{words: words(`release releases released releasing free freed frees freeing`), with: words(`garbage collecting instead`), shrinks: true},
	{words: words(`need needs needed needing`), with: words(`than more what enough fewer less all give gives get gets`)},
	{words: words(`mean means meant`), with: words(`that what as fewer more less larger smaller`)},
	{words: words(`lose loses lost losing`), with: words(`executor executors container containers time task tasks`)},
	{words: words(`stop stops stopped stopping`), with: signWords},
	{words: words(`sets`)},
	{words: words(`leave leaves leaving left`), with: words(`alone`)},
}

var (
	// predicates are adjectives that say something of a thing when they stand
	// behind "is". Only comparisons may: they have a check of their own.
	predicates = words(`large largest small smallest long longest short typical whole near known same new own serious main done free empty far fewest most`)
	linking    = words(`is are was were be been being isn't aren't wasn't weren't`)
)

// explained checks a part of a sentence that explains: it may tell only what
// follows from the symptoms and changes of the facts.
func (c *checker) explained(part []token) {
	refuse := func(t token) {
		c.add(KindVocabulary, "%q: explain what the finding means, or what the change does", t.text)
	}
	for i, t := range part {
		next := wordAt(part, i+1)
		for _, g := range guards {
			if g.words[t.low] && !anyOf(part, g.with) && (!g.shrinks || !c.shrinks()) {
				refuse(t)
			}
		}
		switch {
		case t.low == "out" && next != "of",
			t.low == "long" && (wordAt(part, i-1) != "as" || next != "as"),
			(t.low == "all" || t.low == "whole") && (next == "time" || next == "the" && wordAt(part, i+2) == "time" || next == "of"),
			(t.low == "was" || t.low == "were") && sizing[next],
			(t.low == "lost" || t.low == "lose" || t.low == "loses") && slices.Contains([]string{"memory", "heap", "data", "a", "part", "room"}, next),
			linking[t.low] && c.predicate(part, i+1):
			refuse(t)
		}
	}
	if denied(part) && !c.shrinks() && !c.named(part) && !has(part, "enough", "measured", "change", "than") {
		refuse(part[0])
	}
	if denied(part) && has(part, "margin") {
		refuse(part[0])
	}
}

// predicate says whether an adjective stands alone at i, or behind "the",
// "not", "very" and the like.
func (c *checker) predicate(part []token, i int) bool {
	for ; i < len(part) && slices.Contains([]string{"the", "a", "an", "not", "still", "often", "now"}, part[i].low); i++ {
	}
	if i >= len(part) {
		return false
	}
	next := wordAt(part, i+1)
	used := part[i].low == "used" && !has(part, "small", "part", "as") && !denied(part)
	return used || predicates[part[i].low] && next != "than" && next != "enough" && !nounForms[next]
}
