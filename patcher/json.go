package patcher

import (
	"strings"

	"github.com/tailscale/hujson"
)

// readJSON returns the value of a JSON file, comments and trailing commas
// allowed, or why it has none.
func readJSON(src *source) (*value, string) {
	if tooDeep(string(src.text)) {
		return nil, "it nests too deep"
	}
	doc, err := hujson.Parse(src.text)
	if err != nil {
		return nil, "it does not parse as JSON: " + strings.TrimPrefix(err.Error(), "hujson: ")
	}
	r := jsonReader{src: src}
	return r.value(doc, 0), ""
}

type jsonReader struct{ src *source }

func (r jsonReader) value(x hujson.Value, depth int) *value {
	at := span{r.src, x.StartOffset, x.EndOffset}
	if depth > maxDepth {
		return unknownValue(at, "the document is too deep")
	}
	switch x := x.Value.(type) {
	case hujson.Literal:
		return r.literal(x, at)
	case *hujson.Array:
		v := &value{kind: sequence, at: at}
		for _, e := range x.Elements {
			v.items = append(v.items, r.value(e, depth+1))
		}
		return v
	case *hujson.Object:
		v := &value{kind: mapping, at: at, slots: []slot{{op: opEntry, at: at, dial: jsonDialect}}}
		for _, m := range x.Members {
			key := m.Name.Value.(hujson.Literal).String()
			v.entries = append(v.entries, entry{key: key, at: span{r.src, m.Name.StartOffset, m.Value.EndOffset}, val: r.value(m.Value, depth+1), home: v})
		}
		return v
	}
	return unknownValue(at, "it is empty")
}

func (r jsonReader) literal(x hujson.Literal, at span) *value {
	v := &value{kind: scalar, typ: text, at: at}
	switch x.Kind() {
	case '"':
		in := span{r.src, at.start + 1, at.end - 1}
		same := !strings.Contains(in.String(), `\`)
		if s := x.String(); s != "" || same {
			v.pieces = masked([]piece{{text: s, at: in, same: same}}, nil)
		}
		if len(v.pieces) == 0 {
			v.pieces = []piece{{at: in, same: true}}
		}
		return v
	case '0':
		v.typ = integer
	case 't', 'f':
		v.typ = boolean
	default:
		v.typ = null
		return v
	}
	v.pieces = []piece{{text: at.String(), at: at, same: true, num: true}}
	return v
}

// jsonDialect adds members to JSON objects.
var jsonDialect = &dialect{add: addJSON}

func addJSON(adds []addition) []Edit {
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
	for i, a := range adds {
		path := a.fullPath()
		item := `"` + path[len(path)-1] + `": ` + jsonScalar(a)
		if len(path) == 2 {
			item = `"` + path[0] + `": {` + item + "}"
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
