package patcher

import (
	"bytes"
	"regexp"
)

// generated matches what the head of a file says when a tool writes it: a
// change would be lost with the next run of the tool.
var generated = regexp.MustCompile(`(?i)\bdo not (?:edit|modify)\b|@generated\b|\b(?:auto-?generated|automatically generated|code generated|file (?:is|was) generated) (?:by|from|with|using)\b`)

// maxHead is how much of a file's start may say that it is generated.
const maxHead = 2048

// findGenerated returns the line at which a file says that a tool writes it, 0
// when it does not.
func (s *source) findGenerated() int {
	head := s.text[:min(len(s.text), maxHead)]
	line := 0
	quote := []byte(nil) // of the module's docstring
	for text := range bytes.Lines(bytes.TrimPrefix(head, []byte("\ufeff"))) {
		line++
		text = bytes.TrimSpace(text)
		comment := quote != nil || len(text) == 0 || isComment(text)
		switch q := docQuote(text); {
		case q == nil:
		case quote != nil || bytes.Count(text, q) > 1:
			quote = nil
			comment = true
		default:
			quote, comment = q, true
		}
		switch {
		case !comment:
			return 0
		case generated.Match(text):
			return line
		}
	}
	return 0
}

func isComment(line []byte) bool {
	for _, mark := range []string{"#", "//", "/*", "*", "<!--", "---", "{#", `"_comment"`, `"//"`, "{"} {
		if bytes.HasPrefix(line, []byte(mark)) {
			return true
		}
	}
	return false
}

// docQuote returns the triple quotes that a line holds, nil without any.
func docQuote(line []byte) []byte {
	for _, q := range []string{`"""`, "'''"} {
		if bytes.Contains(line, []byte(q)) {
			return []byte(q)
		}
	}
	return nil
}

// byHand drops the choices of a want that lie in files which a tool writes, and
// refuses it when none is left.
func (p *plan) byHand(i int) {
	var kept []choice
	var why *source
	for _, c := range p.choices[i] {
		if c.id.src.says().generated > 0 {
			why = c.id.src
			continue
		}
		kept = append(kept, c)
	}
	if len(kept) == 0 && why != nil {
		p.refuse(i, span{}, "%s:%d says that a tool writes this file; change what it is made from", why.path, why.says().generated)
		for t, j := range p.open {
			if j == i {
				delete(p.open, t)
			}
		}
	}
	p.choices[i] = kept
}
