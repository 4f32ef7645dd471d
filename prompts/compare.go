package prompts

import "slices"

// What prose compares must go the way that the facts go: nothing is larger
// after a change that makes it smaller.

var (
	moreWords = words(`more larger bigger higher additional extra further greater`)
	lessWords = words(`fewer less smaller lower`)
	sizeWords = words(`larger bigger smaller`)
	riseWords = words(`grow grows grew growing rise rises rose rising raise raises raised raising lift lifts lifted extend extends extended increase increases increased increasing`)
	fallWords = words(`shrink shrinks shrank shrinking fall falls fell falling decrease decreases decreased decreasing reduce reduces reduced reducing lower lowers lowered lowering drops dropped cut cuts trimmed`)
	// demands want what they have no more of.
	demands = words(`use uses used using need needs needed take takes took require requires required fill fills outgrow outgrew spill spilled`)
	// compared can be more or less.
	compared = words(`heap memory overhead container containers core cores slot slots executor executors partition partitions instances task tasks data room time often`)
)

// compares checks every comparison of a sentence.
func (c *checker) compares(tokens []token) {
	for _, clause := range clauses(tokens) {
		for i, t := range clause {
			way := 0
			switch {
			case moreWords[t.low] || riseWords[t.low]:
				way = 1
			case lessWords[t.low] || fallWords[t.low]:
				way = -1
			}
			if way == 0 {
				if (t.low == "changes" || t.low == "changed") && i > 0 && compared[clause[i-1].low] && len(c.ways(clause, clause[i-1])) == 0 {
					c.add(KindAdvice, "%q: the facts do not change it", clause[i-1].text)
				}
				continue
			}
			if before := wordAt(clause, i-1); (before == "to" || before == "by") && (moreWords[t.low] || lessWords[t.low]) {
				c.add(KindRole, "%q: the facts say how much", before+" "+t.text)
			}
			c.comparison(clause, i, way)
		}
	}
}

func (c *checker) comparison(clause []token, i, way int) {
	noun := comparedAt(clause, i)
	if noun < 0 {
		if next := wordAt(clause, i+1); nounForms[next] || doubted[next] || next == "than" && !anyOf(clause[:i], demands) && !has(clause[:i], "hold", "holds") && !denies(token{low: wordAt(clause, i-1)}) {
			c.add(KindAdvice, "%q: the facts do not ask for it", clause[i].text+" "+next)
		}
		return
	}
	word := clause[noun].low
	no := denies(token{low: wordAt(clause, i-1)})
	if no {
		way = -way // "no more executors than"
	} else if has(clause[i:], "than") && !has(clause[i:], "before", "now", "today") && !anyOf(clause[:i], demands) && (word != "time" && word != "often") {
		way = -way // what is larger than needed gets smaller
	}
	if sizeWords[clause[i].low] && (stem(word) == "task" || stem(word) == "partition") {
		way = -way // the fewer, the larger
	}
	ways := c.ways(clause, clause[noun])
	switch {
	case word == "time" || word == "often":
		if way > 0 && !has(clause, "than") || has(clause, "take", "takes", "took") && c.s.advises {
			c.add(KindRole, "%q: nothing in the facts says so", clause[i].text+" "+word)
		}
	case len(ways) == 0 && no:
	case len(ways) == 0 && (word == "data" || word == "room"):
	case len(ways) == 0:
		c.add(KindAdvice, "%q of %q: the facts change nothing about it", clause[i].text, word)
	case !slices.Contains(ways, way):
		c.add(KindRole, "%q of %q is the wrong way round", clause[i].text, word)
	}
}

// comparedAt is the noun that a comparison is about: soon behind it, or else
// the last before it.
func comparedAt(clause []token, i int) int {
	for j := i + 1; j < len(clause) && j <= i+3; j++ {
		if compared[clause[j].low] {
			return j
		}
		if clause[j].low == "than" {
			break
		}
	}
	for j := i - 1; j >= 0; j-- {
		if compared[clause[j].low] {
			return j
		}
	}
	return -1
}

// ways are the directions in which the changes move what a noun stands for:
// up is 1, down is -1.
func (c *checker) ways(clause []token, noun token) []int {
	if noun.low == "memory" && slices.ContainsFunc(clause, func(t token) bool { return stem(t.low) == "reserv" }) {
		return c.reservedWay()
	}
	keys := c.keysOf(noun)
	var out []int
	for _, change := range c.f.Changes {
		way := map[string]int{"up": 1, "down": -1}[change.Direction]
		if slices.Contains(keys, change.Key) {
			out = append(out, way)
			continue
		}
		if sign := indirect[change.Key][countable(noun.low)] + indirect[change.Key][noun.low]; sign != 0 {
			out = append(out, sign*way)
		}
	}
	return slices.DeleteFunc(out, func(way int) bool { return way == 0 })
}

// indirect are the things that a change of a property moves with it, and which way.
var indirect = map[string]map[string]int{
	"spark.executor.memory":         {"container": 1, "room": 1},
	"spark.executor.memoryOverhead": {"container": 1, "room": 1, "memory": 1},
	"spark.executor.cores":          {"task": 1, "memory": -1, "heap": -1, "room": -1},
	"spark.sql.shuffle.partitions":  {"task": 1, "data": -1, "room": 1, "memory": 1},
	"spark.driver.memory":           {"heap": 1, "memory": 1, "room": 1},
}

func (c *checker) reservedWay() []int {
	from, _ := c.f.find("effect.memory.before")
	to, _ := c.f.find("effect.memory.after")
	a, oka := magnitude(from.Text)
	b, okb := magnitude(to.Text)
	switch {
	case !oka || !okb || a == b:
		return nil
	case a < b:
		return []int{1}
	}
	return []int{-1}
}
