package prompts

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func markdownOf(t testing.TB, f Facts, w Words) string {
	t.Helper()
	var b strings.Builder
	if err := Markdown(&b, f, w); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMarkdown(t *testing.T) {
	for _, name := range []string{"oom_0", "oom_slots_2", "shrink_0", "healthy_0", "no_runs"} {
		f := worlds()[name]
		golden(t, filepath.Join("testdata", name+".md"), markdownOf(t, f, Plain(f)))
	}
}

// What the renderer writes from honest words passes the check of Markdown.
func TestHonestMarkdownPasses(t *testing.T) {
	all := worlds()
	n := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for i, write := range paraphrases {
			n++
			for _, v := range CheckMarkdown(all[name], []byte(markdownOf(t, all[name], write(all[name])))) {
				t.Errorf("%s, paraphrase %d: %v", name, i, v)
			}
		}
	}
	t.Logf("%d honest reports over %d Facts pass", n, len(all))
}

// Words that break every rule still cannot break out of the Markdown.
func TestMarkdownIsInert(t *testing.T) {
	f := world("oom", names[2])
	for _, text := range inject {
		w := Plain(f)
		w.Health = text + " @octocat <b>x</b> [a](b) <!-- c --> `d` a|b\n# e"
		for _, bad := range []string{"@octocat", "<b>", "[a](b)", "<!--", "\n# e"} {
			if strings.Contains(markdownOf(t, f, w), bad) {
				t.Errorf("%q survives in %q", bad, text)
			}
		}
	}
}

var digits = regexp.MustCompile(`[0-9]+`)

// markdownMutations make dishonest reports of an honest one; each gives as many
// as there are places.
var markdownMutations = []struct {
	name   string
	mutate func(Facts, string) []string
}{
	{"wrong number", func(_ Facts, s string) []string { return each(s, digits, func(n string) string { return "7" + n }) }},
	{"ten times", func(_ Facts, s string) []string { return each(s, digits, func(n string) string { return n + "0" }) }},
	{"unit", func(_ Facts, s string) []string {
		return each(s, regexp.MustCompile(`GiB|MiB|min|%|g`+"`"), func(u string) string {
			return map[string]string{"GiB": "GB", "MiB": "MB", "min": "h", "%": "x", "g`": "m`"}[u]
		})
	}},
	{"row exchanged", func(_ Facts, s string) []string {
		lines := strings.Split(s, "\n")
		var out []string
		for i := 1; i < len(lines); i++ {
			if strings.HasPrefix(lines[i-1], "| ") && strings.HasPrefix(lines[i], "| ") && lines[i] != lines[i-1] {
				swap := slices.Clone(lines)
				swap[i-1], swap[i] = swap[i], swap[i-1]
				out = append(out, strings.Join(swap, "\n"))
			}
		}
		return out
	}},
	{"value of another row", func(_ Facts, s string) []string {
		values := regexp.MustCompile("`[^`]+`").FindAllString(s, -1)
		n := -1
		return each(s, regexp.MustCompile("`[^`]+`"), func(string) string { n++; return values[(n+1)%len(values)] })
	}},
	{"line left out", func(_ Facts, s string) []string {
		return each(s, regexp.MustCompile(`(?m)^[^\n]+\n`), func(string) string { return "" })
	}},
	{"line twice", func(_ Facts, s string) []string {
		return each(s, regexp.MustCompile(`(?m)^(\||##)[^\n]+\n`), func(l string) string { return l + l })
	}},
	{"backticks left out", func(_ Facts, s string) []string {
		return each(s, regexp.MustCompile("`[^`]+`"), func(v string) string { return strings.Trim(v, "`") })
	}},
	{"heading", func(_ Facts, s string) []string {
		return each(s, regexp.MustCompile(`(?m)^## `), func(string) string { return "### " })
	}},
	{"header", func(_ Facts, s string) []string {
		return each(s, regexp.MustCompile(`(?m)^\| (Fact|Property|Status|Effect)`), func(h string) string { return h + "s" })
	}},
	{"flag", func(_ Facts, s string) []string {
		return each(s, regexp.MustCompile("(?m)^\\| `(ok|action|not measured|abstained)`"), func(v string) string {
			if v == "| `ok`" {
				return "| `action`"
			}
			return "| `ok`"
		})
	}},
	{"line break in a cell", func(_ Facts, s string) []string {
		return each(s, regexp.MustCompile(`(?m)^\| .`), func(v string) string { return v + "<br>" })
	}},
	{"inject", func(_ Facts, s string) []string {
		var out []string
		soft := slices.DeleteFunc(slices.Clone(inject), func(s string) bool { return strings.Contains(s, "\n") }) // a paragraph may have lines
		for _, text := range append(soft, "*so*", "- so", "1. so", "> so", "    so", "```\nso\n```", "---", "| a |\n| --- |\n| b |", "[a]: https://evil.example", "## More", "It has `64g` of heap.", "Also raise `spark.driver.memory`.", "It ran in `7` runs.") {
			for _, title := range Sections {
				if title != Sections[3] {
					out = append(out, strings.Replace(s, "## "+title+"\n", "## "+title+"\n\n"+text+"\n", 1))
				}
			}
			out = append(out, text+"\n\n"+s, s+"\n\n"+text+"\n")
		}
		return out
	}},
}

// each replaces one match at a time.
func each(s string, at *regexp.Regexp, with func(string) string) []string {
	var out []string
	for _, m := range at.FindAllStringIndex(s, -1) {
		out = append(out, s[:m[0]]+with(s[m[0]:m[1]])+s[m[1]:])
	}
	return out
}

// No dishonest report in Markdown passes the check.
func TestDishonestMarkdownFails(t *testing.T) {
	n, total := map[string]int{}, 0
	for _, name := range []string{"oom_0", "healthy_0", "spill_2"} {
		f := worlds()[name]
		honest := markdownOf(t, f, paraphrases[len(name)%len(paraphrases)](f))
		for _, m := range markdownMutations {
			for _, s := range m.mutate(f, honest) {
				if s == honest {
					continue
				}
				n[m.name]++
				total++
				if len(CheckMarkdown(f, []byte(s))) == 0 {
					t.Errorf("%s, %s passes: %s", name, m.name, firstDifference(honest, s))
				}
			}
		}
	}
	t.Logf("%d dishonest reports, 0 pass: %v", total, n)
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("%q became %q", x[i], y[i])
		}
	}
	return "the end"
}

func FuzzCheckMarkdown(f *testing.F) {
	facts := world("oom", names[0])
	honest := markdownOf(f, facts, Plain(facts))
	f.Add(honest)
	for _, s := range inject {
		f.Add(strings.Replace(honest, "## Summary\n", "## Summary\n\n"+s+"\n", 1))
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(CheckMarkdown(facts, []byte(s))) > 0 {
			return
		}
		for _, bad := range []string{"<", "://", "@"} {
			if strings.Contains(s, bad) {
				t.Errorf("passes with %q: %q", bad, s)
			}
		}
	})
}

func BenchmarkCheckMarkdown(b *testing.B) {
	f := world("oom", names[0])
	w := chatty(f)
	for d := range w.Findings {
		w.Findings[d] = FindingWords{w.Findings[d].Flag, strings.Repeat(w.Findings[d].Explanation+" ", 60)}
	}
	src := []byte(markdownOf(b, f, w))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		CheckMarkdown(f, src)
	}
}
