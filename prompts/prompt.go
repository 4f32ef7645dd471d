package prompts

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/sparktune/sparktune/analysis"
)

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"shown": shown, "slots": promptSlots, "code": code, "indent": indent, "inc": func(i int) int { return i + 1 },
	"join": strings.Join,
}).ParseFS(templateFiles, "templates/*.tmpl"))

// Version is the hash of the templates' content: two answers may only be taken
// for each other when it is the same.
func Version() string { return version }

var version = func() string {
	h := sha256.New()
	for _, name := range must(fs.Glob(templateFiles, "templates/*")) {
		b := must(templateFiles.ReadFile(name))
		fmt.Fprintf(h, "%s %d\n%s", name, len(b), b)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}()

// must is for the embedded files, which are there.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// A Prompt is all that a [Model] is given.
type Prompt struct {
	System  string          // the same for every job, so that it can be cached
	User    string          // the facts of one job
	Schema  json.RawMessage // JSON Schema of the answer
	Version string          // of the templates
}

// Key tells prompts apart: equal keys, equal prompts.
func (p Prompt) Key() string {
	sum := sha256.Sum256([]byte(p.System + "\x00" + p.User + "\x00" + string(p.Schema)))
	return p.Version + "-" + hex.EncodeToString(sum[:8])
}

// Render is the prompt for the Facts. Equal Facts give an equal prompt.
func Render(f Facts) Prompt {
	return Prompt{System: systemPrompt, User: execute("facts.tmpl", f), Schema: answerSchema(f), Version: Version()}
}

// repair is the prompt of the second round: the answer and what is wrong with it.
func repair(p Prompt, answer []byte, violations []Violation) Prompt {
	p.User = execute("repair.tmpl", map[string]any{"Facts": p.User, "Answer": bounded(string(answer), 20_000), "Violations": violations[:min(len(violations), 40)]})
	return p
}

var systemPrompt = func() string {
	type shownExample struct{ About, Facts, Answer string }
	var shown []shownExample
	for _, e := range examples {
		shown = append(shown, shownExample{e.About, execute("facts.tmpl", e.Facts), string(must(json.Marshal(e.Words)))})
	}
	return execute("rules.tmpl", map[string]any{"Marks": marks, "Flags": Flags, "Examples": shown, "Report": reportList, "Explain": explainList})
}()

// reportList and explainList are the words of prose as prompts show them.
var (
	reportList  = strings.Join(reportWords, " ")
	explainList = strings.Join(slices.Compact(slices.Sorted(slices.Values(slices.Concat(explainNouns, explainVerbs, explainOthers)))), " ")
)

// Agent is the strict prompt in its Markdown form, for any agent, with the
// Facts filled in. What is written after it is for [CheckMarkdown] to verify.
func Agent(f Facts) string {
	type shownExample struct{ About, Markdown string }
	type shownRule struct {
		*analysis.Rule
		First string
	}
	var worked []shownExample
	for _, e := range examples {
		worked = append(worked, shownExample{e.About, rendered(e.Facts, e.Words)})
	}
	var rules []shownRule
	for _, r := range analysis.Rules {
		if !slices.ContainsFunc(f.Findings, func(d FindingFact) bool { return d.Rule == r.Name }) {
			continue
		}
		rules = append(rules, shownRule{r, firstParagraph(r.Doc)})
	}
	return execute("agent.tmpl", map[string]any{
		"Sections": Sections, "Flags": Flags, "Marks": marks, "Report": reportList, "Explain": explainList, "Rules": rules, "Examples": worked,
		"Facts": f, "FactLines": agentFacts(f), "Skeleton": rendered(f, skeleton(f)),
	})
}

func firstParagraph(doc string) string {
	first, _, _ := strings.Cut(doc, "\n\n")
	return strings.Join(strings.Fields(first), " ")
}

func rendered(f Facts, w Words) string {
	var b strings.Builder
	must(0, Markdown(&b, f, w))
	return b.String()
}

// skeleton has a placeholder in every slot.
func skeleton(f Facts) Words {
	mark := func(name string) string { return "SLOT " + name }
	w := Words{Overview: mark("overview"), Configuration: mark("configuration"), Health: mark("health"), Summary: mark("summary"), Findings: map[string]FindingWords{}, Changes: map[string]ChangeWords{}}
	for _, d := range f.Findings {
		w.Findings[d.Rule] = FindingWords{d.Flag, mark("explanation")}
	}
	for _, c := range f.Changes {
		w.Changes[c.Key] = ChangeWords{mark("explanation"), mark("impact")}
	}
	return w
}

// agentFacts are the facts that the skeleton does not show by themselves: what
// may be said in which slot, and beside which words.
func agentFacts(f Facts) string {
	var b strings.Builder
	for _, fact := range f.all() {
		fmt.Fprintf(&b, "- %s %s: %s", fact.Role, fact.Label, code(fact.Text))
		if len(fact.Say) > 0 {
			fmt.Fprintf(&b, "; say: %s", strings.Join(fact.Say, ", "))
		}
		if fact.Foreign {
			b.WriteString("; foreign")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// An example shows what a good answer is. Its answer passes the check.
type example struct {
	About string
	Facts Facts
	Words Words
}

var examples = func() []example {
	var out []example
	must(0, json.Unmarshal(must(templateFiles.ReadFile("templates/examples.json")), &out))
	return out
}()

func execute(name string, data any) string {
	var b strings.Builder
	must(0, templates.ExecuteTemplate(&b, name, data))
	return b.String()
}

// harmless are the values of others that a model may see: sizes, numbers,
// switches, versions.
var harmless = regexp.MustCompile(`^([0-9]{1,9}(\.[0-9]{1,9}){0,3}[A-Za-z]{0,2}|true|false)$`)

// shown is a fact's value as a model sees it. What others wrote it never sees:
// it refers to it.
func shown(f Fact) string {
	if f.Foreign && !harmless.MatchString(f.Text) {
		return "(withheld)"
	}
	return f.Text
}

func indent(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ")
}

type promptSlot struct {
	Name      string
	May, Must []string
}

func promptSlots(f Facts) []promptSlot {
	var out []promptSlot
	for _, s := range slots(f) {
		if s.flag != "" {
			continue // one line says it of all findings
		}
		p := promptSlot{Name: s.name}
		for _, prefix := range s.may {
			p.May = append(p.May, prefix+"*")
		}
		for _, any := range s.must {
			p.Must = append(p.Must, strings.Join(any, " or "))
		}
		out = append(out, p)
	}
	return out
}

// answerSchema is the JSON Schema of the Words for the Facts: every finding and
// change must be there, and nothing else can be.
func answerSchema(f Facts) json.RawMessage {
	type object = map[string]any
	closed := func(properties object, order []string) object {
		return object{"type": "object", "additionalProperties": false, "required": order, "properties": properties}
	}
	prose := object{"type": "string"}
	findings, changes := object{}, object{}
	rules, keys := []string{}, []string{}
	for _, d := range f.Findings {
		rules = append(rules, d.Rule)
		findings[d.Rule] = closed(object{"flag": object{"enum": []Flag{FlagOK, FlagAction, FlagNotMeasured, FlagWaits, FlagAbstained}}, "explanation": prose}, []string{"flag", "explanation"})
	}
	for _, c := range f.Changes {
		keys = append(keys, c.Key)
		changes[c.Key] = closed(object{"explanation": prose, "impact": prose}, []string{"explanation", "impact"})
	}
	return must(json.Marshal(closed(object{
		"overview": prose, "configuration": prose, "health": prose, "summary": prose,
		"findings": closed(findings, rules), "changes": closed(changes, keys),
	}, []string{"overview", "configuration", "health", "findings", "changes", "summary"})))
}
