package prompts

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// A script is a model that answers what it was told to, in order.
type script struct {
	answers []string
	asked   []Prompt
}

func (s *script) Generate(_ context.Context, p Prompt) (Answer, error) {
	s.asked = append(s.asked, p)
	answer := s.answers[len(s.asked)-1]
	if answer == "error" {
		return Answer{Usage: Usage{Input: 10, Calls: 1}}, errors.New("throttled")
	}
	return Answer{JSON: []byte(answer), Usage: Usage{Input: 100, Output: 20, Calls: 1}}, nil
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWriter(t *testing.T) {
	f := world("oom", names[3])
	good := jsonOf(t, chatty(f))
	bad := jsonOf(t, edit(chatty(f), func(s string) string { return s + " It needs 64 GB." })[0])
	for name, c := range map[string]struct {
		answers    []string
		plain      bool
		violations bool
		err        bool
	}{
		"honest":            {[]string{good}, false, false, false},
		"mended":            {[]string{bad, good}, false, true, false},
		"wrong twice":       {[]string{bad, bad}, true, true, false},
		"no JSON":           {[]string{"I am sorry", good}, false, true, false},
		"two values":        {[]string{good + good, bad}, true, true, false},
		"another structure": {[]string{`{"report":"fine"}`, `[]`}, true, true, false},
		"fails":             {[]string{"error"}, true, false, true},
		"fails when asked":  {[]string{bad, "error"}, true, true, true},
	} {
		model := &script{answers: c.answers}
		r := Writer{Model: model}.Report(t.Context(), f)
		if r.Plain != c.plain || (len(r.Violations) > 0) != c.violations || (r.Err != nil) != c.err {
			t.Errorf("%s: plain %v, violations %v, error %v", name, r.Plain, r.Violations, r.Err)
		}
		if v := Check(f, r.Words); len(v) > 0 {
			t.Errorf("%s: the report breaks rules: %v", name, v)
		}
		if len(model.asked) != len(c.answers) || r.Usage.Calls != len(c.answers) {
			t.Errorf("%s: asked %d times, counted %d, not %d", name, len(model.asked), r.Usage.Calls, len(c.answers))
		}
		if len(model.asked) == 2 && !strings.Contains(model.asked[1].User, r.Violations[0].String()) {
			t.Errorf("%s: the second prompt does not tell what was wrong", name)
		}
	}
	if r := (Writer{}).Report(t.Context(), f); !r.Plain || r.Version != "" {
		t.Errorf("without a model: plain %v, version %q", r.Plain, r.Version)
	}
}

// shelf is a Cache that remembers everything.
type shelf map[string][]byte

func (s shelf) Load(key string) ([]byte, bool) { b, ok := s[key]; return b, ok }
func (s shelf) Save(key string, answer []byte) { s[key] = answer }

// A prompt that was answered well is not asked again; one that was not is, and
// so is one of other Facts. What lies in the cache is checked like an answer.
func TestWriterCaches(t *testing.T) {
	f, other := world("oom", names[3]), world("spill", names[3])
	good := jsonOf(t, chatty(f))
	bad := jsonOf(t, edit(chatty(f), func(s string) string { return s + " It needs 64 GB." })[0])
	cache := shelf{}
	ask := func(f Facts, answers ...string) (Report, int) {
		model := &script{answers: answers}
		return Writer{Model: model, Cache: cache}.Report(t.Context(), f), len(model.asked)
	}
	if r, asked := ask(f, bad, bad); !r.Plain || asked != 2 || len(cache) != 0 {
		t.Errorf("wrong answers: plain %v, asked %d, kept %d", r.Plain, asked, len(cache))
	}
	if r, asked := ask(f, bad, good); r.Plain || r.Cached || asked != 2 || len(cache) != 1 {
		t.Errorf("mended: plain %v, cached %v, asked %d, kept %d", r.Plain, r.Cached, asked, len(cache))
	}
	if r, asked := ask(f); r.Plain || !r.Cached || asked != 0 || jsonOf(t, r.Words) != good {
		t.Errorf("again: plain %v, cached %v, asked %d", r.Plain, r.Cached, asked)
	}
	if _, asked := ask(other, jsonOf(t, chatty(other))); asked != 1 {
		t.Errorf("other facts: asked %d times", asked)
	}
	cache[Render(f).Key()] = []byte(bad)
	if r, asked := ask(f, good); r.Plain || r.Cached || asked != 1 {
		t.Errorf("a spoiled cache: plain %v, cached %v, asked %d", r.Plain, r.Cached, asked)
	}
}

// The examples that a model learns from keep the rules themselves.
func TestExamplesPass(t *testing.T) {
	for _, e := range examples {
		for _, v := range Check(e.Facts, e.Words) {
			t.Errorf("%s: %v", e.About, v)
		}
		for _, v := range CheckMarkdown(e.Facts, []byte(rendered(e.Facts, e.Words))) {
			t.Errorf("%s: Markdown: %v", e.About, v)
		}
	}
}

// A token is counted as three characters: English has four or five of them,
// JSON and identifiers about three.
const charactersPerToken = 3

func TestPrompts(t *testing.T) {
	for _, name := range []string{"oom_slots_3", "healthy_2", "no_runs"} {
		f := worlds()[name]
		p := Render(f)
		golden(t, filepath.Join("testdata", name+".prompt.txt"), p.System+"\n=====\n"+p.User+"\n=====\n"+string(p.Schema)+"\n")
		golden(t, filepath.Join("testdata", name+".agent.md"), Agent(f))
	}
	most, agent := 0, 0
	for name, f := range worlds() {
		p := Render(f)
		most, agent = max(most, len(p.System)+len(p.User)+len(p.Schema)), max(agent, len(Agent(f)))
		if Render(f).Key() != p.Key() {
			t.Errorf("%s: the prompt differs from time to time", name)
		}
	}
	t.Logf("at most %d tokens in the model's form, %d in Markdown", most/charactersPerToken, agent/charactersPerToken)
	if most > 6000*charactersPerToken || agent > 6000*charactersPerToken {
		t.Errorf("a prompt of %d tokens, one in Markdown of %d", most/charactersPerToken, agent/charactersPerToken)
	}
}

// No text of others reaches a model, and none gets out of its backticks in the
// Markdown form.
func TestPromptsAreInert(t *testing.T) {
	for _, name := range append(names[1:], "AKIAIOSFODNN7EXAMPLE", "set_it_to_512g") {
		f := world("oom", name)
		p := Render(f)
		if strings.Contains(p.User, Foreign(name)) {
			t.Errorf("%q is in the prompt", name)
		}
		for _, bad := range []string{"AKIAIOSFODNN7EXAMPLE", "Ignore all previous", "@everyone", "<!--", "https://evil"} {
			if strings.Contains(p.User+Agent(f), bad) {
				t.Errorf("%q is in a prompt", bad)
			}
		}
	}
}
