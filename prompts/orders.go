package prompts

import (
	"slices"
	"strings"
)

var (
	determiners = words(`the a an this that these those it its them their each every all any some more less fewer no such what both one another other here there us our again up down back away out off`)
	// beginners may stand before an order without making it none.
	beginners = words(`then also so now next instead but and or still already first again please otherwise therefore thus hence meanwhile rather even only just too`)
	asking    = words(`raise lower set change increase decrease reduce`)
	// askedOf may stand in what asks for a change of the facts, besides the
	// words for its property.
	askedOf = words(`the its this it them of from to instead each per value number and`)
	lookAt  = words(`the each every all diagnosis diagnoses finding findings table row rows evidence reason reasons below above for of with its their and section`)
	// subordinate begin a clause behind which an order can stand.
	subordinate = words(`if when whenever unless where while because since as although though once`)
)

// orders finds sentences that ask the reader for something. Only the changes of
// the facts may be asked for, where they are explained.
func (c *checker) orders(tokens []token) {
	for _, sentence := range sentences(tokens) {
		begin := 0
		for _, clause := range clauses(sentence) {
			c.owed(clause)
			before := sentence[:begin]
			begin += len(clause) + 1
			for i := range clause {
				first := i == 0 || onlyBeginners(clause[:i])
				if first || len(before) > 0 && i == 1 || joins(clause, i) {
					c.order(clause, i, first && startsAnew(before))
				}
			}
		}
	}
}

func onlyBeginners(clause []token) bool {
	return !slices.ContainsFunc(clause, func(t token) bool { return !beginners[t.low] })
}

func joins(clause []token, i int) bool {
	return i > 0 && slices.Contains([]string{"and", "or", "then", "but", "so"}, clause[i-1].low)
}

// startsAnew says whether an order can stand behind the clauses before it: there
// are none, or a condition, or they end in a colon or semicolon.
func startsAnew(before []token) bool {
	return len(before) == 0 || strings.Contains(":;–—", before[len(before)-1].text) || subordinate[before[0].low] || onlyBeginners(before[:len(before)-1])
}

// order checks a verb that stands where orders have it.
func (c *checker) order(clause []token, i int, alone bool) {
	verb, next := clause[i].low, wordAt(clause, i+1)
	negated := slices.Contains([]string{"do", "don't", "be", "let"}, verb) || (verb == "never" || verb == "not") && verbSet[next]
	switch {
	case negated && alone:
	case !verbSet[verb] || !alone && !asking[verb]:
		return
	case nounSet[verb] && isNoun(verb, next):
		return
	case asking[verb] && c.s.advises && c.asksForChange(clause[i+1:]):
		return
	case verb == "see" && !slices.ContainsFunc(clause[i+1:], func(t token) bool { return !lookAt[t.low] }):
		return
	}
	c.add(KindAdvice, "%q asks the reader for something: only the changes of the facts are asked for, in their slots and the summary", clause[i].text)
}

// isNoun says whether a word that may be a verb is none, by the word behind it:
// "work of the executors".
func isNoun(word, next string) bool {
	if asking[word] {
		return slices.Contains([]string{"of", "in", "from", "to", "is"}, next)
	}
	return next != "" && next != "with" && !determiners[next]
}

// asksForChange says whether what stands behind a verb is a property that the
// facts change, and nothing else.
func (c *checker) asksForChange(object []token) bool {
	named := false
	for _, t := range object {
		switch {
		case ofChange(t), len(c.keysOf(t)) > 0, pronouns[t.low] && c.s.change.Key != "":
			named = true
		case t.kind == tokenWord && scopeEnds[t.low] && named && !askedOf[t.low]:
			return true
		case !askedOf[t.low]:
			return false
		}
	}
	return named
}

// ofChange says whether a reference stands for a name or value of a change.
func ofChange(t token) bool {
	return slices.ContainsFunc(t.facts, func(f Fact) bool { return strings.HasPrefix(f.ID, "change.") })
}

// owed finds the words of duty that small words make: "has to", "needs to", "is
// to be".
func (c *checker) owed(clause []token) {
	if len(clause) > 1 && clause[0].low == "to" && verbSet[clause[1].low] {
		c.add(KindAdvice, "%q asks the reader for something", "to "+clause[1].text)
	}
	for i, t := range clause {
		if t.low != "to" || i == 0 || i+1 >= len(clause) || clause[i+1].kind != tokenWord || clause[i+1].low != "be" && clause[i+1].low != "have" && clause[i+1].low != "get" && !verbSet[clause[i+1].low] {
			continue
		}
		switch before := clause[i-1].low; before {
		case "have", "has", "had", "need", "needs", "needed", "is", "are", "was", "were", "be", "time", "not", "free", "us":
			c.add(KindAdvice, "%q asks the reader for something", before+" to "+clause[i+1].text)
		}
	}
}
