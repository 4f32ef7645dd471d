package prompts

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A sentence of testdata says where it is tried.
type sentence struct {
	text   string
	slot   string   // a prefix of the slots' names
	worlds []string // those that it is about; "-oom" is one that it is not about,
	// and "changing" those with changes
}

func sentencesOf(t *testing.T, name string) []sentence {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var out []sentence
	for line := range strings.Lines(string(b)) {
		s := sentence{text: strings.TrimSpace(line)}
		if s.text == "" || s.text[0] == '#' {
			continue
		}
		if s.text[0] == '@' {
			s.slot, s.text, _ = strings.Cut(s.text[1:], " ")
		}
		if s.text[0] == '[' {
			list, rest, _ := strings.Cut(s.text[1:], "] ")
			s.worlds, s.text = strings.Fields(list), rest
		}
		out = append(out, s)
	}
	return out
}

// about says whether the sentence is tried in a world.
func (s sentence) about(world string, f Facts) bool {
	if slices.Contains(s.worlds, "changing") {
		return len(f.Changes) > 0
	}
	if len(s.worlds) > 0 && !strings.HasPrefix(s.worlds[0], "-") {
		return slices.Contains(s.worlds, world)
	}
	return !slices.Contains(s.worlds, "-"+world)
}

// in are the texts of the sentence in a slot, one for each change that it can
// be about, where the slot may refer to all of its facts.
func (s sentence) in(f Facts, at slot) []string {
	if !strings.HasPrefix(at.name, s.slot) {
		return nil
	}
	texts := []string{s.text}
	if strings.Contains(s.text, "<K.") {
		texts = nil
		for _, c := range f.Changes {
			texts = append(texts, strings.ReplaceAll(s.text, "<K.", "<change."+c.Key+"."))
		}
	}
	return slices.DeleteFunc(texts, func(text string) bool {
		unfit := false
		pieces(refer(text), func(string) {}, func(id string) {
			c := checker{f: f, s: at}
			fact, ok := f.find(id)
			unfit = unfit || !ok || len(c.allowed(token{facts: []Fact{fact}})) == 0
		})
		return unfit
	})
}

// tried calls a function for each place that a sentence fits in, with what the
// check says of it as JSON and as Markdown, behind the plain writer's words.
func tried(t *testing.T, sentences []sentence, check func(s sentence, world, slot, text string, json, markdown []Violation)) {
	t.Helper()
	all := worlds()
	places := make([]int, len(sentences))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		symptom, ok := strings.CutSuffix(name, "_0")
		if !ok && name != "no_runs" {
			continue // other names change nothing here
		}
		f := all[name]
		byID, byText, plain := f.byID(), f.byText(), Plain(f)
		for i, s := range sentences {
			if !s.about(symptom, f) {
				continue
			}
			for _, at := range slots(f) {
				for _, text := range s.in(f, at) {
					places[i]++
					whole := at.text(plain) + " " + refer(text)
					l := newLexer(len(whole))
					pieces(whole, l.prose, func(id string) { l.refer(id, byText[f.Resolve(ref(id))]) })
					check(s, name, at.name, text, checkSlot(f, at, tokensOf(byID, whole)), checkSlot(f, at, l.tokens))
				}
			}
		}
	}
	for i, s := range sentences {
		if places[i] == 0 {
			t.Errorf("nowhere to try: %s", s.text)
		}
	}
}

// No sentence that misleads passes, whatever it is about and wherever it stands.
func TestDishonestSentencesFail(t *testing.T) {
	sentences, n := sentencesOf(t, "dishonest.txt"), 0
	tried(t, sentences, func(s sentence, world, slot, text string, json, markdown []Violation) {
		n++
		if len(json) == 0 {
			t.Errorf("%s, %s passes: %s", world, slot, text)
		}
		if len(markdown) == 0 {
			t.Errorf("%s, %s passes in Markdown: %s", world, slot, text)
		}
	})
	t.Logf("%d dishonest sentences fail in %d places", len(sentences), n)
}

// What is true passes in the words of many.
func TestHonestSentencesPass(t *testing.T) {
	sentences, n := sentencesOf(t, "honest.txt"), 0
	tried(t, sentences, func(s sentence, world, slot, text string, json, markdown []Violation) {
		n++
		for _, v := range append(json, markdown...) {
			t.Errorf("%s, %q: %v", world, text, v)
		}
	})
	t.Logf("%d honest sentences pass in %d places", len(sentences), n)
}
