package patcher

import (
	"strings"

	"github.com/tailscale/hujson"
)

// readJSON returns the value of a JSON file, comments and trailing commas
// allowed, or why it has none.
func readJSON(ps []piece) (*value, string) {
	text := joinPieces(ps)
	if tooDeep(text) {
		return nil, "it nests too deep"
	}
	doc, err := hujson.Parse([]byte(text))
	if err != nil {
		return nil, "it does not parse as JSON: " + strings.TrimPrefix(err.Error(), "hujson: ")
	}
	r := jsonReader{pieces: ps, text: text}
	if len(ps) == 1 && ps[0].same && ps[0].why == "" {
		r.src = ps[0].at.src
		r.base = ps[0].at.start
	}
	return r.value(doc, 0), ""
}

// A jsonReader gives the parser's values the bytes that they have in a file.
type jsonReader struct {
	pieces []piece
	text   string
	// src and base are set where the whole text is one run of a file.
	src  *source
	base int
}

func (r jsonReader) span(start, end int) span {
	if r.src != nil {
		return span{r.src, r.base + start, r.base + end}
	}
	return spanOf(r.cut(start, end))
}

func (r jsonReader) cut(start, end int) []piece {
	if start == end {
		return nil
	}
	if r.src != nil {
		return []piece{{text: r.text[start:end], at: r.span(start, end), same: true}}
	}
	return cut(r.pieces, start, end)
}

func (r jsonReader) value(x hujson.Value, depth int) *value {
	at := r.span(x.StartOffset, x.EndOffset)
	if depth > maxDepth {
		return unknownValue(at, "the document is too deep")
	}
	switch y := x.Value.(type) {
	case hujson.Literal:
		return r.literal(y, at, x.StartOffset, x.EndOffset)
	case *hujson.Array:
		v := &value{kind: sequence, at: at, slots: []slot{{op: opList, at: at, dial: jsonDialect}}}
		for _, e := range y.Elements {
			v.items = append(v.items, r.value(e, depth+1))
		}
		return v
	case *hujson.Object:
		v := &value{kind: mapping, at: at}
		if text := at.String(); strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") && !strings.Contains(text, `\"`) {
			v.slots = []slot{{op: opEntry, at: at, dial: jsonDialect}}
		}
		for _, m := range y.Members {
			key := m.Name.Value.(hujson.Literal).String()
			v.entries = append(v.entries, entry{key: key, at: r.span(m.Name.StartOffset, m.Value.EndOffset), val: r.value(m.Value, depth+1), home: v})
		}
		return v
	}
	return unknownValue(at, "it is empty")
}

func (r jsonReader) literal(x hujson.Literal, at span, start, end int) *value {
	v := &value{kind: scalar, typ: text, at: at}
	switch x.Kind() {
	case '"':
		v.pieces = r.content(x, start+1, end-1)
		return v
	case '0':
		v.typ = integer
	case 't', 'f':
		v.typ = boolean
	default:
		v.typ = null
		return v
	}
	v.pieces = r.cut(start, end)
	for i := range v.pieces {
		v.pieces[i].num = true
	}
	return v
}

// content is the text of a string literal between its quotes. An escape is
// known but not spliced.
func (r jsonReader) content(x hujson.Literal, start, end int) []piece {
	var out []piece
	plain := start
	for i := start; i < end; {
		if r.text[i] != '\\' {
			i++
			continue
		}
		out = append(out, r.cut(plain, i)...)
		text, n := unescape([]byte(r.text[i:end]))
		out = append(out, piece{text: text, at: r.span(i, i+n)})
		i += n
		plain = i
	}
	out = append(out, r.cut(plain, end)...)
	if start == end {
		return []piece{{at: r.span(start, end), same: true}}
	}
	if joinPieces(out) != x.String() { // an escape that unescape does not know
		out = []piece{{text: x.String(), at: r.span(start, end)}}
	}
	return masked(out, nil)
}

// jsonDialect adds members to JSON objects.
var jsonDialect = &dialect{add: addJSON}

func addJSON(adds []addition) []Edit {
	if op := adds[0].slot.op; op == opItems || op == opItemsBehind {
		return addItems(adds, jsonText)
	}
	at := adds[0].slot.at
	src := at.src
	body := strings.TrimRight(string(src.text[at.start+1:at.end-1]), " \t\r\n")
	pos := at.start + 1 + len(body)
	sep, comma := ", ", strings.HasSuffix(body, ",")
	if strings.TrimSpace(body) == "" {
		sep = ""
	} else if line := src.indent(pos); strings.Contains(string(src.text[pos:at.end]), "\n") {
		sep = "," + src.newline() + line
	}
	var b strings.Builder
	for i, g := range grouped(adds) {
		item := `"` + g.name + `": ` + jsonScalar(g.add)
		if g.in != nil {
			var in []string
			for _, a := range g.in {
				in = append(in, `"`+a.fullPath()[1]+`": `+jsonScalar(a))
			}
			item = `"` + g.name + `": {` + strings.Join(in, ", ") + "}"
		}
		if i == 0 && (comma || sep == "") {
			b.WriteString(strings.TrimPrefix(sep, ",") + item)
			continue
		}
		if sep == "" {
			sep = ", "
		}
		b.WriteString(sep + item)
	}
	return []Edit{{pos, pos, b.String()}}
}

// jsonScalar spells a value: bare where the one that it stands for is.
func jsonScalar(a addition) string {
	bare := a.num
	if a.like != nil {
		bare = a.like.typ == integer || a.like.typ == boolean
	}
	if bare && (isNumber(a.value) || a.value == "true" || a.value == "false") {
		return a.value
	}
	return `"` + a.value + `"`
}
