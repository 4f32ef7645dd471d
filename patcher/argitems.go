package patcher

import "strings"

// addItems adds options to a list of arguments, one a line where the application
// has its own: before it, or behind the last option where the slot says so.
func addItems(adds []addition, spell func(string) string) []Edit {
	s := adds[0].slot
	var options []string
	for _, a := range adds {
		words := a.option()
		for i, w := range words {
			words[i] = spell(w)
		}
		options = append(options, strings.Join(words, ", "))
	}
	sep := ", "
	if s.at.src.firstOnLine(s.at.start) {
		sep = "," + s.at.src.newline() + s.at.src.indent(s.at.start)
	}
	text := strings.Join(options, sep)
	if s.op == opItemsBehind {
		return []Edit{{s.at.end, s.at.end, sep + text}}
	}
	return []Edit{{s.at.start, s.at.start, text + sep}}
}

func jsonText(s string) string { return `"` + s + `"` }

// addYAMLItems adds options to a YAML list, in the style of the item that they
// stand beside.
func addYAMLItems(adds []addition) []Edit {
	s := adds[0].slot
	src := s.at.src
	line := src.lineStart(s.at.start)
	lead := string(src.text[line:s.at.start])
	if strings.TrimSpace(lead) != "-" {
		return addItems(adds, jsonText) // [a, b]
	}
	var b strings.Builder
	for _, a := range adds {
		for _, w := range a.option() {
			b.WriteString(lead + jsonText(w) + src.newline())
		}
	}
	if s.op == opItemsBehind {
		end := src.lineEnd(s.at.end)
		return []Edit{{end, end, src.newline() + strings.TrimSuffix(b.String(), src.newline())}}
	}
	return []Edit{{line, line, b.String()}}
}

// parametersDialect begins an entry sparkSubmitParameters, which holds all that
// is added, in whatever syntax its mapping has.
func parametersDialect(in *dialect) *dialect {
	return &dialect{add: func(adds []addition) []Edit {
		var words []string
		for _, a := range adds {
			words = append(words, a.option()...)
		}
		one := adds[0]
		one.path, one.num, one.like = []string{"sparkSubmitParameters"}, false, nil
		one.value = strings.Join(words, " ")
		return in.add([]addition{one})
	}}
}
