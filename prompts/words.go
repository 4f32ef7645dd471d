package prompts

import "strings"

// Words are the prose of one report. Every value in them is a reference to a
// fact, "{{fact:ID}}": a writer cannot write a number, only point at one.
type Words struct {
	Overview      string                  `json:"overview"`
	Configuration string                  `json:"configuration"`
	Health        string                  `json:"health"`
	Findings      map[string]FindingWords `json:"findings"` // by rule
	Changes       map[string]ChangeWords  `json:"changes"`  // by property
	Summary       string                  `json:"summary"`
}

// FindingWords are what is said of one diagnosis.
type FindingWords struct {
	Flag        Flag   `json:"flag"` // must be the one of the Facts
	Explanation string `json:"explanation"`
}

// ChangeWords are what is said of one recommended value.
type ChangeWords struct {
	Explanation string `json:"explanation"` // why this value
	Impact      string `json:"impact"`      // what it will do
}

const refOpen, refClose = "{{fact:", "}}"

func ref(id string) string { return refOpen + id + refClose }

// pieces calls text for the stretches of prose and refer for the references of
// a slot, in order. A reference that does not end runs to the end.
func pieces(s string, text, refer func(string)) {
	for {
		before, rest, ok := strings.Cut(s, refOpen)
		if before != "" {
			text(before)
		}
		if !ok {
			return
		}
		id, after, _ := strings.Cut(rest, refClose)
		refer(id)
		s = after
	}
}

// Resolve replaces the references of a text by their facts. A reference to a
// fact that does not exist is a bug of the writer, and shown as such.
func (f Facts) Resolve(text string) string {
	return f.resolve(text, func(s string) string { return s }, func(value string) string { return value })
}

// resolve spells prose and values each in its own way.
func (f Facts) resolve(s string, prose, value func(string) string) string {
	var b strings.Builder
	pieces(s, func(text string) { b.WriteString(prose(text)) }, func(id string) {
		text := "(no such fact)"
		if fact, ok := f.find(id); ok {
			text = fact.Text
		}
		b.WriteString(value(text))
	})
	return b.String()
}

func (f Facts) has(id string) bool {
	_, ok := f.find(id)
	return ok
}

func (f Facts) find(id string) (Fact, bool) {
	for _, fact := range f.all() {
		if fact.ID == id {
			return fact, true
		}
	}
	return Fact{}, false
}

// byID are the facts by id, each alone.
func (f Facts) byID() map[string][]Fact {
	m := make(map[string][]Fact)
	for _, fact := range f.all() {
		m[fact.ID] = []Fact{fact}
	}
	return m
}

// all are the facts in the order of the report.
func (f Facts) all() []Fact {
	all := append([]Fact(nil), f.Overview...)
	all = append(all, f.Config...)
	for _, d := range f.Findings {
		all = append(all, d.Reason)
		all = append(all, d.Evidence...)
	}
	for _, c := range f.Changes {
		all = append(all, c.Name, c.From, c.To)
	}
	all = append(all, f.Effect...)
	return append(all, f.Disclosed...)
}

// finding is the diagnosis of a rule.
func (f Facts) finding(rule string) FindingFact {
	for _, d := range f.Findings {
		if d.Rule == rule {
			return d
		}
	}
	return FindingFact{}
}
