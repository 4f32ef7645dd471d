package patcher

import (
	"slices"
	"strings"
)

// stringLiteral decodes a string into pieces.
func (r *reader) stringLiteral(n *node, e env) *value {
	d := pyString{e: e, text: e.scope.mod.text}
	for _, k := range n.kids {
		switch k.kind {
		case "string_start":
			prefix := strings.ToLower(strings.TrimRight(e.scope.word(k), `'"`))
			d.raw, d.format = strings.Contains(prefix, "r"), strings.Contains(prefix, "f")
		case "string_content":
			d.content(k.start, k.end)
		case "interpolation":
			d.pieces = append(d.pieces, r.interpolation(k, e)...)
		}
	}
	if len(d.pieces) == 0 && len(n.kids) == 2 {
		d.pieces = []piece{{at: span{e.scope.mod.source, n.kids[0].end, n.kids[0].end}, same: true, under: e.under}}
	}
	v := textValue(e.span(n), d.pieces)
	if slices.ContainsFunc(n.kids, func(k *node) bool { return k.kind == "interpolation" }) {
		return v.readAt(v.at, e)
	}
	return v
}

func (r *reader) interpolation(k *node, e env) []piece {
	at := e.span(k)
	if ks := k.only(); len(ks) != 1 {
		return []piece{{text: holeText, at: at, why: "it is formatted at run time: " + shorten(at.String())}}
	}
	v := r.eval(k.only()[0], e)
	return interpolated(v, slot{op: opInterp, at: at, under: e.under, dial: pythonDialect})
}

// A pyString decodes the contents of one string literal.
type pyString struct {
	e           env
	text        []byte
	raw, format bool
	pieces      []piece
}

func (d *pyString) add(text string, start, end int, same bool) {
	if text == "" && same {
		return
	}
	d.pieces = append(d.pieces, piece{text: text, at: span{d.e.scope.mod.source, start, end}, same: same, under: d.e.under})
}

// content adds the text between two offsets: plain runs as they are, escapes
// and doubled braces as pieces that are not spliced.
func (d *pyString) content(start, end int) {
	plain := start
	for i := start; i < end; {
		c := d.text[i]
		switch {
		case c == '\\' && !d.raw && i+1 < end:
			d.add(string(d.text[plain:i]), plain, i, true)
			s, n := unescape(d.text[i:end])
			d.add(s, i, i+n, false)
			i += n
			plain = i
		case c == '\r' && i+1 < end && d.text[i+1] == '\n':
			d.add(string(d.text[plain:i]), plain, i, true)
			d.add("\n", i, i+2, false)
			i += 2
			plain = i
		case d.format && (c == '{' || c == '}') && i+1 < end && d.text[i+1] == c:
			d.add(string(d.text[plain:i]), plain, i, true)
			d.add(string(c), i, i+2, false)
			i += 2
			plain = i
		default:
			i++
		}
	}
	d.add(string(d.text[plain:end]), plain, end, true)
}

// unescape decodes the escape at the start of b and returns its length.
// Rare ones come out as themselves: they only ever are compared.
func unescape(b []byte) (string, int) {
	switch b[1] {
	case '\n':
		return "", 2
	case '\r':
		if len(b) > 2 && b[2] == '\n' {
			return "", 3
		}
		return "", 2
	case 'n':
		return "\n", 2
	case 't':
		return "\t", 2
	case 'r':
		return "\r", 2
	case '\\', '\'', '"':
		return string(b[1]), 2
	}
	return string(b[:2]), 2
}
