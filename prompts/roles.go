package prompts

import (
	"cmp"
	"slices"
	"strings"
)

// references checks that each stands for a fact that the slot may speak of,
// alone between spaces, and that those that must be there are.
func (c *checker) references(tokens []token) {
	for i, t := range tokens {
		if t.kind != tokenRef {
			continue
		}
		switch {
		case len(t.facts) == 0:
			c.add(KindReference, "no fact %q", bounded(t.text, 60))
		case len(c.allowed(t)) == 0:
			c.add(KindReference, "%s does not belong here", t.text)
		}
		if i > 0 && t.glued && tokens[i-1].text != "(" || i > 0 && tokens[i-1].kind == tokenRef || i+1 < len(tokens) && tokens[i+1].glued && !closes(tokens[i+1]) {
			c.add(KindReference, "%s must stand alone, between spaces", t.text)
		}
	}
	for _, any := range c.s.must {
		if !slices.ContainsFunc(tokens, func(t token) bool {
			return slices.ContainsFunc(t.facts, func(f Fact) bool { return slices.Contains(any, f.ID) })
		}) {
			c.add(KindMissing, "it must refer to %s", strings.Join(any, " or "))
		}
	}
}

// closes says whether a token may follow a reference without a space.
func closes(t token) bool {
	return t.kind == tokenMark && strings.Contains(".,;:)", t.text)
}

// allowed are the facts of a reference that the slot may speak of.
func (c *checker) allowed(t token) []Fact {
	return keep(t.facts, func(f Fact) bool {
		return slices.ContainsFunc(c.s.may, func(prefix string) bool { return strings.HasPrefix(f.ID, prefix) })
	})
}

func keep(facts []Fact, ok func(Fact) bool) []Fact {
	var out []Fact
	for _, f := range facts {
		if ok(f) {
			out = append(out, f)
		}
	}
	return out
}

// roles checks that each reference stands where its fact belongs: the old value
// where the old one is spoken of, and every number beside the words that it is
// the number of.
func (c *checker) roles(tokens []token) {
	begin := 0
	for _, sentence := range sentences(tokens) {
		prior := tokens[:begin]
		begin += len(sentence) + 1
		for i, t := range sentence {
			if t.kind != tokenRef || len(c.allowed(t)) == 0 {
				continue
			}
			c.distorted(sentence, i)
			facts := keep(c.allowed(t), func(f Fact) bool { return c.beside(sentence, i, f) })
			if len(facts) == 0 {
				c.add(KindRole, "%s needs one of its words beside it: %s", t.text, strings.Join(sayOf(c.allowed(t)[0]), ", "))
				continue
			}
			facts = keep(facts, func(f Fact) bool { return placed(sentence, i, f) && c.paired(sentence, i, f) })
			if len(facts) == 0 {
				c.add(KindRole, "%s stands where another value belongs", t.text)
				continue
			}
			if !slices.ContainsFunc(facts, func(f Fact) bool { return c.scoped(prior, sentence, i, f) }) {
				c.add(KindRole, "around %s, in its part of the sentence, only small words and those of its label may stand", t.text)
			}
		}
	}
}

func sayOf(f Fact) []string {
	if key, ok := changeKey(f.ID); ok {
		return append([]string{ref("change." + key + ".name")}, topics[key]...)
	}
	return f.Say
}

// placed says whether the word before a reference can stand before such a fact:
// "since" before the first date, and no "from" before what is no value.
func placed(sentence []token, i int, f Fact) bool {
	before := wordAt(sentence, i-1)
	switch {
	case f.ID == "app.first":
		return i == 0 || before == "on" || firstCues[before]
	case f.ID == "app.last":
		return before == "on" || lastCues[before]
	case f.Role == RoleName && strings.HasPrefix(f.ID, "app."):
		return i == 0 || nameCues[before] || sentence[i-1].text == "("
	case f.Role == RoleName, f.Role == RoleReason:
		return !valueCues[before] && (before != "of" || f.Role == RoleName)
	}
	return before != "since" && before != "until" && (before != "on" || !strings.HasPrefix(f.ID, "app.") || f.ID == "app.runs")
}

// distorted finds words that turn a value into another one.
func (c *checker) distorted(sentence []token, i int) {
	t := sentence[i]
	before, before2 := wordAt(sentence, i-1), wordAt(sentence, i-2)
	if negations[before] || slices.Contains([]string{"plus", "minus", "times", "point", "by"}, before) && i >= 2 && sentence[i-2].kind == tokenRef {
		c.add(KindRole, "%q before %s changes what it says", before, t.text)
	}
	compares := before == "than" && comparatives[before2] || before2 == "at" && (before == "least" || before == "most") || slices.Contains([]string{"over", "under", "below", "above", "beyond", "exceeding"}, before)
	overRuns := func(f Fact) bool { return before == "over" && strings.HasPrefix(f.ID, "app.") }
	labelled := func(f Fact) bool { return before2 == "at" && slices.Contains(strings.Fields(f.Label), before) }
	if compares && !slices.ContainsFunc(t.facts, func(f Fact) bool { return f.Role == RoleBound || f.Role == RoleOld || overRuns(f) || labelled(f) }) {
		c.add(KindRole, "%q before %s changes what it says", before, t.text)
	}
	if after := wordAt(sentence, i+1); slices.Contains([]string{"times", "fold", "point"}, after) && !slices.ContainsFunc(t.facts, func(f Fact) bool { return slices.Contains(f.Say, after) }) {
		c.add(KindRole, "%q after %s changes what it says", after, t.text)
	}
}

func wordAt(sentence []token, i int) string {
	if i < 0 || i >= len(sentence) || sentence[i].kind != tokenWord {
		return ""
	}
	return sentence[i].low
}

// beside says whether one of the fact's own words is near the reference: up to
// the references beside it, where a partner ("from A to B") does not count.
func (c *checker) beside(sentence []token, i int, f Fact) bool {
	if key, ok := changeKey(f.ID); ok {
		return c.aboutKey(sentence, i, key)
	}
	if len(f.Say) == 0 {
		return true
	}
	lo, hi := i-1, i+1
	for ; lo >= 0; lo-- {
		if slices.ContainsFunc(sentence[lo].facts, func(g Fact) bool { return g.ID == f.ID+".name" }) {
			return true
		}
		if sentence[lo].kind == tokenRef && !partnerOf(sentence[lo], f) {
			break
		}
	}
	for hi < len(sentence) && hi <= i+5 && sentence[hi].kind == tokenWord && f.ID != "app.first" && f.ID != "app.last" {
		hi++ // what follows a date speaks of the next one
	}
	if partOf(sentence, i) {
		_, hi = around(sentence, i)
	}
	return slices.ContainsFunc(sentence[lo+1:hi], func(t token) bool { return says(t, f.Say) })
}

func says(t token, words []string) bool {
	return t.kind != tokenRef && slices.ContainsFunc(words, func(w string) bool { return t.text == w || t.kind == tokenWord && stem(t.text) == stem(w) })
}

// aboutKey says whether the last property that is spoken of before a value is
// its own. In a slot about one change it is unless another one is named.
func (c *checker) aboutKey(sentence []token, i int, key string) bool {
	for j := i - 1; j >= 0; j-- {
		if keys := c.keysOf(sentence[j]); len(keys) > 0 {
			return slices.Contains(keys, key)
		}
	}
	return c.s.change.Key == key
}

// keysOf are the changed properties that a word or the reference to a name
// stands for.
func (c *checker) keysOf(t token) []string {
	var keys []string
	for _, change := range c.f.Changes {
		if slices.ContainsFunc(t.facts, func(f Fact) bool { return f.ID == change.Name.ID }) {
			return []string{change.Key}
		}
		if t.kind == tokenWord && slices.ContainsFunc(topics[change.Key], func(w string) bool { return stem(w) == stem(t.text) }) {
			keys = append(keys, change.Key)
		}
	}
	return keys
}

// changeKey is the property of a value that changes, by its id.
func changeKey(id string) (string, bool) {
	rest, ok := strings.CutPrefix(id, "change.")
	if !ok {
		return "", false
	}
	for _, end := range []string{".from", ".to"} {
		if key, ok := strings.CutSuffix(rest, end); ok {
			return key, true
		}
	}
	return "", false
}

// partners are pairs of facts that stand for a first and a second value.
var partners = [][2]string{{".from", ".to"}, {".before", ".after"}, {".first", ".last"}, {".low", ".high"}}

// partner is the id of the other value of a pair, and whether this is the first.
func partner(id string) (other string, first bool) {
	for _, p := range partners {
		if s, ok := strings.CutSuffix(id, p[0]); ok {
			return s + p[1], true
		}
		if s, ok := strings.CutSuffix(id, p[1]); ok {
			return s + p[0], false
		}
	}
	return "", false
}

func partnerOf(t token, f Fact) bool {
	other, _ := partner(f.ID)
	return other != "" && slices.ContainsFunc(t.facts, func(g Fact) bool { return g.ID == other })
}

// paired says whether a fact of a pair stands in its place: after "from" the
// first with the second after "to", and elsewhere after a word that says which
// of the two it is.
func (c *checker) paired(sentence []token, i int, f Fact) bool {
	other, first := partner(f.ID)
	if strings.HasPrefix(f.ID, "conf.") || strings.HasPrefix(f.ID, "finding.") || strings.HasSuffix(f.ID, ".name") {
		other = ""
	}
	switch prev, next := neighbour(sentence, i, -1), neighbour(sentence, i, +1); {
	case leads(sentence, i) && next >= 0 && follows(sentence, next):
		return other != "" && first && partnerOf(sentence[next], f)
	case follows(sentence, i) && prev >= 0 && leads(sentence, prev):
		return other != "" && !first && partnerOf(sentence[prev], f)
	}
	if other == "" || strings.HasPrefix(f.ID, "app.") || strings.HasSuffix(other, ".low") || strings.HasSuffix(other, ".high") {
		return true // its own words say which it is
	}
	return cueAt(sentence, i) == side(first)
}

func neighbour(sentence []token, i, step int) int {
	for j := i + step; j >= 0 && j < len(sentence); j += step {
		if sentence[j].kind == tokenRef {
			return j
		}
	}
	return -1
}

// leads and follows say whether a reference stands after "from" or "between",
// and after "to", "and", "until" or "through".
func leads(sentence []token, i int) bool {
	return slices.Contains([]string{"from", "between"}, wordAt(sentence, i-1))
}

func follows(sentence []token, i int) bool {
	return slices.Contains([]string{"to", "and", "until", "through"}, wordAt(sentence, i-1))
}

func side(first bool) int {
	if first {
		return -1
	}
	return 1
}

// cueAt is -1 when the words at a reference speak of what was, 1 when of what
// will be, 0 when of neither. The words before it in its part of the sentence
// tell, then those after it, then all before it.
func cueAt(sentence []token, i int) int {
	part, whole := 0, 0
	joined := true
	for j := i - 1; j >= 0 && sentence[j].kind != tokenRef && whole == 0; j-- {
		joined = joined && sentence[j].low != "and" && sentence[j].kind != tokenMark
		whole = cue(sentence[j])
		if joined {
			part = whole
		}
	}
	return cmp.Or(part, cueAfter(sentence, i), whole)
}

// cueAfter is the same for the words right after a reference. "A instead of B"
// makes A the new one.
func cueAfter(sentence []token, i int) int {
	if after := wordAt(sentence, i+1); after == "instead" || after == "rather" {
		return 1
	}
	for j := i + 1; j < len(sentence) && j <= i+3 && sentence[j].kind != tokenRef; j++ {
		if s := cue(sentence[j]); s != 0 {
			return s
		}
	}
	return 0
}

func cue(t token) int {
	switch {
	case t.kind != tokenWord:
		return 0
	case oldCues[t.low]:
		return -1
	case newCues[t.low]:
		return 1
	}
	return 0
}
