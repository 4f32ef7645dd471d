package patcher

import (
	"strings"
)

// yamlDialect adds to YAML mappings, those in a Python string too.
var yamlDialect = &dialect{add: addYAML}

// addYAML writes additions behind the last entry of a mapping.
func addYAML(adds []addition) []Edit {
	if op := adds[0].slot.op; op == opItems || op == opItemsBehind {
		return addYAMLItems(adds)
	}
	at := adds[0].slot.at
	src := at.src
	if src.text[at.start] == '{' {
		return addFlow(adds)
	}
	indent := strings.Repeat(" ", at.start-src.lineStart(at.start))
	if tab := src.indent(at.start); strings.Contains(tab, "\t") {
		indent = tab
	}
	end := src.lineEnd(at.end)
	var b strings.Builder
	for _, g := range grouped(adds) {
		if g.in == nil {
			b.WriteString(src.newline() + indent + g.name + ": " + yamlScalar(g.add))
			continue
		}
		b.WriteString(src.newline() + indent + g.name + ":")
		for _, a := range g.in {
			b.WriteString(src.newline() + indent + "  " + a.fullPath()[1] + ": " + yamlScalar(a))
		}
	}
	return []Edit{{end, end, b.String()}}
}

// addFlow writes additions into {a: b}.
func addFlow(adds []addition) []Edit {
	at := adds[0].slot.at
	src := at.src
	body := strings.TrimRight(string(src.text[at.start+1:at.end-1]), " \t\r\n")
	pos := at.start + 1 + len(body)
	sep := ", "
	if strings.TrimSpace(body) == "" || strings.HasSuffix(body, ",") {
		sep = ""
	}
	var b strings.Builder
	for _, g := range grouped(adds) {
		item := g.name + ": " + yamlScalar(g.add)
		if g.in != nil {
			var in []string
			for _, a := range g.in {
				in = append(in, a.fullPath()[1]+": "+yamlScalar(a))
			}
			item = g.name + ": {" + strings.Join(in, ", ") + "}"
		}
		b.WriteString(sep + item)
		sep = ", "
	}
	return []Edit{{pos, pos, b.String()}}
}

// yamlScalar spells a value: quoted as the one it stands for, else quoted
// where a bare one would not be text.
func yamlScalar(a addition) string {
	num := a.num
	if a.like != nil && a.like.kind == scalar {
		spelt := a.like.at.String()
		if n := len(spelt); n > 1 && (spelt[0] == '"' || spelt[0] == '\'') && spelt[n-1] == spelt[0] {
			return spelt[:1] + a.value + spelt[:1]
		}
		num = a.like.typ != text
	}
	if num || !readsAsOther(a.value) {
		return a.value
	}
	return `"` + a.value + `"`
}

// readsAsOther reports whether YAML would read s, unquoted, as something else
// than text.
func readsAsOther(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "~":
		return true
	}
	return strings.Trim(s, "0123456789.eE+-_:") == ""
}
