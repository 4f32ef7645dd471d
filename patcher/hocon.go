package patcher

import (
	"fmt"
	"strings"
)

// readHOCON returns the value of a HOCON file, or why it has none. Objects,
// dotted keys and plain values are read; a substitution is only known at run
// time.
func readHOCON(src *source) (*value, string) {
	r := hoconReader{src: src}
	v := &value{kind: mapping, at: span{src, 0, len(src.text)}}
	r.fields(v, 0)
	r.space()
	if r.err == "" && r.pos < len(src.text) {
		r.fail("it does not parse as HOCON")
	}
	return v, r.err
}

type hoconReader struct {
	src *source
	pos int
	err string
}

func (r *hoconReader) fail(why string) {
	if r.err == "" {
		r.err = fmt.Sprintf("%s: line %d", why, r.src.line(min(r.pos, len(r.src.text))))
	}
}

func (r *hoconReader) peek() byte {
	if r.pos < len(r.src.text) {
		return r.src.text[r.pos]
	}
	return 0
}

// space skips blanks, line ends, commas and comments between fields.
func (r *hoconReader) space() {
	for r.pos < len(r.src.text) {
		rest := string(r.src.text[r.pos:min(r.pos+3, len(r.src.text))])
		switch {
		case strings.HasPrefix(rest, "\ufeff"):
			r.pos += 3
		case strings.ContainsAny(rest[:1], " \t\r\n,"):
			r.pos++
		case rest[0] == '#' || strings.HasPrefix(rest, "//"):
			r.pos = r.src.lineEnd(r.pos)
		default:
			return
		}
	}
}

// fields reads "key = value", "key: value" and "key { ... }" up to a brace.
func (r *hoconReader) fields(v *value, depth int) {
	for r.err == "" {
		r.space()
		if r.pos >= len(r.src.text) || r.peek() == '}' {
			return
		}
		start := r.pos
		key := r.key()
		r.blanks()
		switch c := r.peek(); {
		case key == "" || depth > maxDepth:
			r.fail("a key is expected")
			return
		case c == '=' || c == ':':
			r.pos++
			r.blanks()
		case c != '{':
			r.fail("a value is expected")
			return
		}
		x := r.value(depth)
		v.entries = append(v.entries, entry{key: key, at: span{r.src, start, r.pos}, val: x, home: v})
	}
}

func (r *hoconReader) blanks() {
	for c := r.peek(); c == ' ' || c == '\t'; c = r.peek() {
		r.pos++
	}
}

// key reads a dotted key, quoted or not.
func (r *hoconReader) key() string {
	if r.peek() == '"' {
		v := r.quoted()
		s, _ := v.str()
		return s
	}
	start := r.pos
	for c := r.peek(); c != 0 && !strings.ContainsRune(" \t\r\n={}:,\"#[]$", rune(c)); c = r.peek() {
		r.pos++
	}
	return string(r.src.text[start:r.pos])
}

func (r *hoconReader) quoted() *value {
	start := r.pos
	r.pos++
	for c := r.peek(); c != '"' && c != '\n' && c != 0; c = r.peek() {
		if c == '\\' {
			r.pos++
		}
		r.pos++
	}
	if r.peek() != '"' {
		r.fail("a text is not closed")
		return unknownValue(span{r.src, start, start}, "it is not closed")
	}
	in := span{r.src, start + 1, r.pos}
	r.pos++
	return textValue(span{r.src, start, r.pos}, []piece{{text: in.String(), at: in, same: !strings.Contains(in.String(), `\`)}})
}

// value reads an object, a list, a text or a bare value. A substitution before
// an object only gives defaults that the object overrides.
func (r *hoconReader) value(depth int) *value {
	start := r.pos
	var base string
	if strings.HasPrefix(string(r.src.text[r.pos:]), "${") {
		end := strings.IndexByte(string(r.src.text[r.pos:]), '}')
		if end < 0 {
			r.fail("a substitution is not closed")
			return nil
		}
		base = string(r.src.text[r.pos : r.pos+end+1])
		r.pos += end + 1
		r.blanks()
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object(start, base, depth)
	case base != "":
		r.pos = r.src.lineEnd(r.pos)
		return unknownValue(span{r.src, start, r.pos}, "it is substituted at load time: "+shorten(base))
	case c == '[':
		return r.list(start)
	case c == '"' && strings.HasPrefix(string(r.src.text[r.pos:min(r.pos+3, len(r.src.text))]), `"""`):
		r.fail("a text of several lines is not followed")
		return nil
	case c == '"':
		return r.quoted()
	}
	return r.bare()
}

func (r *hoconReader) object(start int, base string, depth int) *value {
	r.pos++
	v := &value{kind: mapping}
	if base != "" {
		v.entries = append(v.entries, entry{at: span{r.src, start, r.pos}, why: "it is substituted at load time: " + shorten(base), home: v})
	}
	r.fields(v, depth+1)
	if r.peek() != '}' {
		r.fail("an object is not closed")
	}
	r.pos = min(r.pos+1, len(r.src.text))
	v.at = span{r.src, start, r.pos}
	return v
}

// list skips a list: no size stands in one.
func (r *hoconReader) list(start int) *value {
	for depth := 0; r.pos < len(r.src.text); r.pos++ {
		switch r.peek() {
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				r.pos++
				return unknownValue(span{r.src, start, r.pos}, "it is a list")
			}
		}
	}
	r.fail("a list is not closed")
	return nil
}

// bare reads an unquoted value up to the end of its line.
func (r *hoconReader) bare() *value {
	start := r.pos
	for c := r.peek(); c != 0 && !strings.ContainsRune("\r\n,}#$", rune(c)); c = r.peek() {
		r.pos++
	}
	at := span{r.src, start, start + len(strings.TrimRight(string(r.src.text[start:r.pos]), " \t"))}
	if r.peek() == '$' {
		r.pos = r.src.lineEnd(r.pos)
		return unknownValue(at, "it is substituted at load time")
	}
	v := textValue(at, []piece{{text: at.String(), at: at, same: true}})
	if isNumber(at.String()) {
		v.typ, v.pieces[0].num = integer, true
	}
	return v
}
