package patcher

import (
	"slices"
	"strings"
)

// A value is what the text of a repository says an expression is, whatever the
// syntax: the reading end of every dialect and the only thing that the forms
// know. Each part keeps the bytes that spell it, so that a form finds a
// property by meaning and an edit lands on the spelling.
type value struct {
	kind kind
	at   span // the expression
	// scalar; a sequence that is a text split at its blanks keeps the text
	typ    scalarType
	pieces []piece
	// mapping: in the order of evaluation, a later entry wins
	entries []entry
	// sequence
	items []*value
	// object
	class string // name of what is called, "" for other kinds
	file  *file  // of a path or an opened file
	args  *value // its arguments as a mapping; positional ones are items
	fn    *closure
	// unknown
	why string

	// slots are other ways to make this value different than editing its own
	// spelling, from the innermost place to the outermost: for a scalar, an
	// expression to replace; for a mapping, a place to add an entry that wins.
	slots []slot
	// parts are the places of the mappings and lists that this one is put
	// together from: what is added there reaches it too.
	parts []slot
}

type kind int

const (
	unknown  kind = iota
	scalar        // text, number, boolean or null
	mapping       // dict, YAML mapping, keyword arguments
	sequence      // list, tuple, YAML sequence
	object        // a call of something that the repository does not define
	callable      // a function or class of the repository
)

type scalarType int

const (
	text scalarType = iota
	integer
	float
	boolean
	null
)

// An entry is one key of a mapping. An empty key with a reason stands for
// entries that only the run time knows: they may override what is before them.
type entry struct {
	key  string
	at   span // key and value, as spelled
	val  *value
	why  string
	home *value // the mapping as it was read where this one was put together
	// fixed entries cannot be overridden by adding to the mapping that was
	// asked: a second keyword argument of the same name is an error.
	fixed bool
}

// A piece is a run of a scalar's text with the bytes that spell it.
type piece struct {
	text string
	at   span
	// same means that at spells text byte for byte, so that it can be cut and
	// spliced. An escape or a doubled quote is not.
	same bool
	// num means that the bytes are a bare number of the language.
	num   bool
	under []use
	// inline is a way to replace just this part of a larger text: the
	// "{MEM}" of an f-string.
	inline []slot
	why    string // a hole: only the run time knows the text, and text is holeText
	// chance says what may still replace this literal at run time: the
	// default of a shell variable. It is worth a note, not a refusal.
	chance string
}

// holeText stands for what is not known, so that a hole keeps its place in a
// word of a command or a scalar of a document.
const holeText = "\ufffc"

// A use is one read of a binding. A place that is reached through a binding
// feeds every reader of it, so all of them must be known before an edit there.
type use struct {
	bind *binding
	at   span
}

type slotOp int

const (
	opReplace     slotOp = iota // replace an expression by a literal
	opInterp                    // replace "{expr}" in an f-string by plain text
	opEntry                     // add an entry to a mapping literal
	opSpread                    // wrap a mapping expression: {**expr, ...}
	opKwarg                     // add a keyword argument to a call
	opItems                     // add command-line items to a list, before at
	opItemsBehind               // add command-line items to a list, behind at
	opList                      // a list of YAML or JSON, for its items
	opText                      // add command-line text before at
	opPairs                     // add pairs to a list of option pairs
	opAppend                    // add options to a list of options
	opConcat                    // wrap a list expression: expr + [...]
)

// A slot is a place where a literal can be written to make a value different.
type slot struct {
	op    slotOp
	at    span
	under []use
	dial  *dialect
	// name is the keyword argument of an opKwarg that stands for the value
	// itself, a parameter that the call leaves to its default.
	name string
	// joined and sep say how options are written around an opText or opItems:
	// --flag=value, and what separates one from the next.
	joined bool
	sep    string
}

// A dialect writes additions in the style of what stands around a slot. All
// additions are for one slot and in the order of their properties.
type dialect struct {
	add func([]addition) []Edit
}

func unknownValue(at span, why string) *value {
	return &value{kind: unknown, at: at, why: why}
}

// textValue is the scalar made of some pieces.
func textValue(at span, pieces []piece) *value {
	return &value{kind: scalar, typ: text, at: at, pieces: pieces}
}

// str returns the text of a scalar without holes.
func (v *value) str() (string, bool) {
	if v == nil || v.kind != scalar || v.typ == null || v.hole() != "" {
		return "", false
	}
	return joinPieces(v.pieces), true
}

// template returns the text of a scalar with its holes shown as templates, for
// names that are only matched.
func (v *value) template() string {
	if v == nil || v.kind != scalar || v.typ == null {
		return ""
	}
	var b strings.Builder
	for _, p := range v.pieces {
		switch spelt := p.at.String(); {
		case p.why == "":
			b.WriteString(p.text)
		case strings.HasPrefix(spelt, "{{"):
			b.WriteString(spelt)
		default:
			b.WriteString("{{ }}")
		}
	}
	return b.String()
}

// hole returns why a scalar is not known, "" when it is.
func (v *value) hole() string {
	for _, p := range v.pieces {
		if p.why != "" {
			return p.why
		}
	}
	return ""
}

func joinPieces(ps []piece) string {
	if len(ps) == 1 {
		return ps[0].text
	}
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.text)
	}
	return b.String()
}

// get returns the entry of a key that wins, or the run-time part that may set
// it: then the entry has a reason. ok is false when the key is surely absent.
func (v *value) get(key string) (e entry, ok bool) {
	if v == nil {
		return entry{}, false
	}
	var maybe entry
	for _, e := range slices.Backward(v.entries) {
		switch {
		case e.why != "" && e.fixed:
			// What **kwargs may hold cannot override a keyword argument.
			maybe, ok = e, true
		case e.key == key && (!ok || e.fixed), e.why != "" && !ok:
			return e, true
		}
	}
	return maybe, ok
}

// path walks keys of nested mappings; nil when one is absent or not known.
func (v *value) path(keys ...string) *value {
	for _, k := range keys {
		if v == nil || v.kind != mapping {
			return nil
		}
		e, ok := v.get(k)
		if !ok || e.why != "" {
			return nil
		}
		v = e.val
	}
	return v
}

// first returns the first of some keys that is set to something known.
func (v *value) first(keys ...string) *value {
	for _, k := range keys {
		if x := v.path(k); x != nil && x.kind != unknown {
			return x
		}
	}
	return nil
}

// open returns the reason of the first run-time part of a mapping.
func (v *value) open() (string, span) {
	if v == nil {
		return "", span{}
	}
	for _, e := range v.entries {
		if e.why != "" {
			return e.why, e.at
		}
	}
	return "", span{}
}

// cut returns the pieces of text[i:j] of a run of pieces.
func cut(ps []piece, i, j int) []piece {
	var out []piece
	pos := 0
	for _, p := range ps {
		lo, hi := max(i-pos, 0), min(j-pos, len(p.text))
		if lo < hi {
			out = append(out, p.cut(lo, hi))
		}
		pos += len(p.text)
	}
	return out
}

func (p piece) cut(lo, hi int) piece {
	if lo == 0 && hi == len(p.text) {
		return p
	}
	p.text = p.text[lo:hi]
	if p.same {
		p.at = span{p.at.src, p.at.start + lo, p.at.start + hi}
	}
	p.same = p.same && p.why == ""
	return p
}

// spanOf returns the bytes from the first piece to the last when they are in
// one file and in order.
func spanOf(ps []piece) span {
	if len(ps) == 0 {
		return span{}
	}
	first, last := ps[0].at, ps[len(ps)-1].at
	if first.src != last.src || last.end < first.start {
		return first
	}
	return span{first.src, first.start, last.end}
}

// runs joins neighbouring pieces whose bytes are neighbours too, so that an
// edit may replace them in one.
func runs(ps []piece) []piece {
	var out []piece
	for _, p := range ps {
		if n := len(out); n > 0 {
			q := &out[n-1]
			if q.same && p.same && !q.num && !p.num && q.why == "" && p.why == "" && q.at.src == p.at.src && q.at.end == p.at.start &&
				len(q.under) == len(p.under) {
				q.text += p.text
				q.at.end = p.at.end
				continue
			}
		}
		out = append(out, p)
	}
	return out
}
