package prompts

import "slices"

// advice finds prose that asks for something that the Facts do not.
func (c *checker) advice(tokens []token) {
	for _, clause := range clauses(tokens) {
		c.asked(clause)
		for i, t := range clause {
			if t.kind != tokenWord {
				continue
			}
			c.verb(clause, i)
			if comparatives[t.low] || needs[t.low] {
				c.wanted(clause, i)
			}
		}
	}
	for _, sentence := range sentences(tokens) {
		c.contradicted(sentence)
	}
}

// asked finds the words of someone who advises, where only findings are told,
// and advice on things that no change is about.
func (c *checker) asked(clause []token) {
	modal := slices.ContainsFunc(clause, func(t token) bool { return modals[t.low] })
	verb := slices.ContainsFunc(clause, func(t token) bool {
		return sizing[t.low] || foreignVerbs[t.low] || comparatives[t.low] || needs[t.low]
	})
	if modal && !c.s.advises && (!denied(clause) || len(c.f.Changes) > 0) {
		c.add(KindAdvice, "advice belongs to the changes and the summary, and only on what the facts change")
	}
	for _, t := range clause {
		if (modal || verb) && hardTopics[t.low] || modal && otherTopics[t.low] {
			c.add(KindAdvice, "%q: the facts change nothing about it", t.text)
		}
	}
}

// verb checks the object of a verb of changing.
func (c *checker) verb(clause []token, i int) {
	word := clause[i].low
	if foreignVerbs[word] && !third(word) {
		c.add(KindAdvice, "%q is not among the changes", word)
	}
	if !sizing[word] || (word == "change" || word == "changes") && nominal[wordAt(clause, i-1)] {
		return
	}
	object := objectOf(clause, i)
	if len(object) == 0 {
		return
	}
	if c.s.advises {
		c.advised(word, object)
		return
	}
	head := object[len(object)-1]
	if imperative(clause, i) && (head.kind == tokenRef || pronouns[head.low] || c.sizable(head)) {
		c.add(KindAdvice, "%q asks for a change; this slot only tells what was measured", word)
	}
}

// third says whether a verb is in a form that only tells: "switches".
func third(verb string) bool { return len(verb) > 2 && verb[len(verb)-1] == 's' }

// imperative says whether a verb stands where a request has it: first, or
// after a word that lets it be one.
func imperative(clause []token, i int) bool {
	if i == 0 {
		return true
	}
	return !third(clause[i].low) && slices.Contains([]string{"to", "and", "or", "then", "please", "also", "simply", "just", "can", "could", "would", "so", "by", "you", "we", "instead"}, clause[i-1].low)
}

// objectOf are the words that a verb acts on: the noun phrase behind it, and
// what a measure ("the number of") is of.
func objectOf(clause []token, i int) []token {
	var object []token
	for _, t := range clause[i+1:] {
		switch {
		case t.kind == tokenRef:
			return append(object, t)
		case t.kind != tokenWord:
			return object
		case t.low == "of" && len(object) > 0 && measures[object[len(object)-1].low]:
			object = nil
		case phraseEnds[t.low]:
			return object
		default:
			object = append(object, t)
		}
		if len(object) > 6 {
			return object
		}
	}
	return object
}

// advised checks that a change is asked for that the Facts have, and in its
// direction.
func (c *checker) advised(verb string, object []token) {
	for _, t := range object {
		if otherTopics[t.low] || hardTopics[t.low] {
			c.add(KindAdvice, "%q: the facts change nothing about it", t.text)
		}
	}
	head := object[len(object)-1]
	if head.kind == tokenWord && c.sizable(head) && len(c.keysOf(head)) == 0 && head.low != "memory" {
		c.add(KindAdvice, "the facts do not change %q", head.text)
	}
	for _, change := range c.changesOf(head) {
		if upward[verb] && change.Direction == "down" || downward[verb] && change.Direction == "up" {
			c.add(KindRole, "%q is the wrong way round", verb)
		}
	}
}

// changesOf are the changes that a noun or a reference stands for.
func (c *checker) changesOf(head token) []ChangeFact {
	keys := c.keysOf(head)
	for _, f := range head.facts {
		if key, ok := changeKey(f.ID); ok {
			keys = append(keys, key)
		}
	}
	if pronouns[head.low] && c.s.change.Key != "" {
		keys = []string{c.s.change.Key}
	}
	var out []ChangeFact
	for _, change := range c.f.Changes {
		if slices.Contains(keys, change.Key) && (c.s.change.Key == "" || c.s.change.Key == change.Key) {
			out = append(out, change)
		}
	}
	return out
}

// sizable says whether a word stands for a property that sparktune sizes.
func (c *checker) sizable(t token) bool {
	if t.kind != tokenWord {
		return false
	}
	for _, names := range topics {
		if slices.ContainsFunc(names, func(w string) bool { return stem(w) == stem(t.text) }) {
			return true
		}
	}
	return otherTopics[t.low] || hardTopics[t.low]
}

// wanted finds wishes: "needs more heap", "a larger driver".
func (c *checker) wanted(clause []token, i int) {
	for j, t := range objectOf(clause, i) {
		if otherTopics[t.low] && j < 2 {
			c.add(KindAdvice, "%q: the facts change nothing about it", t.text)
		}
		if i > 0 && needs[clause[i-1].low] && !c.s.advises && c.s.flag != FlagAction && c.sizable(t) {
			c.add(KindAdvice, "a need of %q that no finding has", t.text)
		}
	}
}

// calm and alarm are words that contradict a flag.
var (
	calm  = words(`healthy fine flawless perfect optimal harmless unproblematic`)
	alarm = words(`critical severe dangerous broken urgent catastrophic disastrous fatal`)
)

// contradicted finds words that say the opposite of the flags.
func (c *checker) contradicted(tokens []token) {
	flag := c.verdict(tokens)
	for i, t := range tokens {
		negated := i > 0 && (negations[tokens[i-1].low] || i > 1 && negations[tokens[i-2].low])
		switch {
		case calm[t.low] && !negated && flag != FlagOK:
			c.add(KindFlag, "%q, but the flag is %q", t.text, flag)
		case alarm[t.low] && !negated && flag != FlagAction:
			c.add(KindFlag, "%q: no flag says so", t.text)
		}
	}
}

// verdict is the flag that decides whether words may be calm: that of the
// finding, or the most urgent where they speak of the job or of what changes.
func (c *checker) verdict(words []token) Flag {
	if c.s.flag == "" || anyOf(words, wholeJob) || len(c.changed(words)) > 0 {
		return c.f.worst()
	}
	return c.s.flag
}

// worst is the most urgent flag of the findings.
func (f Facts) worst() Flag {
	for _, flag := range Flags {
		if slices.ContainsFunc(f.Findings, func(d FindingFact) bool { return d.Flag == flag.Flag }) {
			return flag.Flag
		}
	}
	return FlagOK
}
