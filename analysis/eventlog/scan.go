package eventlog

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
)

// The events that make up nearly all of a log's bytes are read by hand:
// their keys in any order, as Spark writes them, without looking at what the
// row does not need. Whatever looks unusual (white space, escapes in a needed
// text, a number that is no plain integer, a key in another case) makes the scan
// give up, and the strict decoder reads the line instead. For every valid line
// both give the same event.
//
// What is not needed is checked as well: a line that is damaged, or is two that
// were glued together, is no event, as encoding/json has it. Two things are too
// many bytes for that and are only counted through (skipAccumulables and
// wholeStart). There, damage inside one number, one text or one true is
// accepted: it changes nothing that is read. A hole that joins the inside of
// one line to that of another is found there nearly as often as encoding/json
// finds it, for which, too, a part of them is valid; a line that has the start of
// another in it is always refused.
//
// Of a line of more than a batch that is cut while it is read (longLine), what
// is cut away is not checked.

// A scan is a position in a line. Its methods say false when they give up.
type scan struct {
	b     []byte
	i     int
	depth int // of what is passed over
	// words holds the few short texts that repeat in every line, operators the
	// names of plans.
	words     map[string]string
	operators map[string]string
	zeros     zeros
}

// zeros are the parts of a task that are often those of the task before: zeros.
type zeros struct {
	executor memo[executorMetrics]
	read     memo[shuffleRead]
	write    memo[shuffleWrite]
	input    memo[inputMetrics]
	output   memo[outputMetrics]
}

// A memo is the text of an object and what it was read to.
type memo[T comparable] struct {
	text  []byte
	value T
}

// maxMemo bounds a memo's text. Spark's are up to 800 bytes.
const maxMemo = 2 << 10

// same is object for one that may have the text of the last.
func same[T comparable, P interface {
	*T
	scanned
}](s *scan, last *memo[T], v *T) bool {
	if *v != *new(T) {
		return s.object(P(v)) // the key comes twice: what it says now is added
	}
	if len(last.text) > 0 && bytes.HasPrefix(s.b[s.i:], last.text) {
		s.i += len(last.text)
		*v = last.value
		return true
	}
	start := s.i
	if !s.object(P(v)) {
		return false
	}
	if text := s.b[start:s.i]; len(text) <= maxMemo {
		last.text, last.value = append(last.text[:0], text...), *v
	}
	return true
}

// A scanned value takes one key's value from a scan.
type scanned interface {
	field(s *scan, key []byte) bool
}

// line reads a whole line into v.
func (s *scan) line(text []byte, v scanned) bool {
	s.b, s.i, s.depth = text, 0, 0
	return s.object(v) && s.i == len(s.b)
}

// whole passes over a whole line.
func (s *scan) whole(text []byte) bool {
	s.b, s.i, s.depth = text, 0, 0
	return s.skip() && s.i == len(s.b)
}

// object reads {"key":value,...}.
func (s *scan) object(v scanned) bool {
	if !s.next('{') {
		return false
	}
	if s.next('}') {
		return true
	}
	for {
		key, ok := s.key()
		if !ok || !v.field(s, key) {
			return false
		}
		if s.next('}') {
			return true
		}
		if !s.next(',') {
			return false
		}
	}
}

func (s *scan) next(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// key reads "key": and gives up on escapes.
func (s *scan) key() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	n := special(s.b[s.i:])
	if n < 0 || s.b[s.i+n] != '"' {
		return nil, false
	}
	key := s.b[s.i : s.i+n]
	s.i += n + 1
	return key, s.next(':')
}

// integer reads a plain integer.
func (s *scan) integer(v *int64) bool {
	i := s.i
	negative := i < len(s.b) && s.b[i] == '-'
	if negative {
		i++
	}
	first := i
	var n int64
	for i < len(s.b) && s.b[i]-'0' <= 9 {
		n = 10*n + int64(s.b[i]-'0')
		i++
	}
	digits := i - first
	if digits == 0 || digits > 18 || digits > 1 && s.b[first] == '0' || i == len(s.b) || s.b[i] != ',' && s.b[i] != '}' && s.b[i] != ']' {
		return false
	}
	if negative {
		n = -n
	}
	*v = n
	s.i = i
	return true
}

// list reads [value,value,...].
func (s *scan) list(value func() bool) bool {
	if !s.next('[') {
		return false
	}
	for first := true; !s.next(']'); first = false {
		if !first && !s.next(',') || !value() {
			return false
		}
	}
	return true
}

// ids reads [1,2,3].
func (s *scan) ids(v *idList) bool {
	start, list := s.i, (*v)[:0]
	if !s.next('[') {
		return false
	}
	for !s.next(']') {
		var n int64
		if len(list) > 0 && !s.next(',') || !s.integer(&n) || s.i-start > maxIDList {
			return false
		}
		list = append(list, n)
	}
	*v = list
	return true
}

func (s *scan) boolean(v *bool) bool {
	switch rest := s.b[s.i:]; {
	case bytes.HasPrefix(rest, []byte("true")):
		*v = true
		s.i += 4
	case bytes.HasPrefix(rest, []byte("false")):
		*v = false
		s.i += 5
	default:
		return false
	}
	return true
}

// maxWords bounds the texts that are kept; longer or later ones are copied
// each time.
const maxWords = 1 << 12

// word reads a short text that is likely to repeat.
func (s *scan) word(v *string) bool {
	raw, ok := s.plain()
	if !ok {
		return false
	}
	w, ok := s.words[string(raw)]
	if !ok {
		w = string(raw)
		if len(s.words) < maxWords && len(w) <= maxID {
			if s.words == nil {
				s.words = make(map[string]string)
			}
			s.words[w] = w
		}
	}
	*v = w
	return true
}

// plain reads a text of printable ASCII without escapes.
func (s *scan) plain() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	for i := s.i; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			text := s.b[s.i:i]
			s.i = i + 1
			return text, true
		case c < ' ' || c == '\\' || c > '~':
			return nil, false
		}
	}
	return nil, false
}

// text reads any text.
func (s *scan) text(v *string) bool {
	start := s.i
	if raw, ok := s.plain(); ok {
		*v = string(raw)
		return true
	}
	s.i = start
	return s.next('"') && s.unescape(start, v)
}

func (s *scan) unescape(start int, v *string) bool {
	s.i = start
	return s.skip() && json.Unmarshal(s.b[start:s.i], v) == nil
}

// custom reads a value that reads itself.
func (s *scan) custom(v json.Unmarshaler) bool {
	start := s.i
	return s.skip() && v.UnmarshalJSON(s.b[start:s.i]) == nil
}

// skip passes over any value, and gives up on one that is not valid.
func (s *scan) skip() bool {
	if s.i >= len(s.b) {
		return false
	}
	switch c := s.b[s.i]; {
	case c == '"':
		return s.skipText()
	case c == '{', c == '[':
		return s.skipNested()
	case c == '-', c-'0' <= 9:
		return s.skipNumber()
	}
	return s.constant("true") || s.constant("false") || s.constant("null")
}

// skipText passes over a text.
func (s *scan) skipText() bool {
	for i := s.i + 1; ; {
		n := special(s.b[i:])
		if n < 0 {
			return false
		}
		i += n
		if s.b[i] == '"' {
			s.i = i + 1
			return true
		}
		if n = escape(s.b[i:]); n == 0 {
			return false
		}
		i += n
	}
}

// special is where in a text the first byte is that does not stand for itself:
// a quote, a backslash or a control character; -1 where there is none. It looks
// at eight bytes at a time, as most texts are too short for bytes.IndexByte to be
// fast.
func special(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// Flipping the second bit puts the quote below '!' and right above the
		// control characters. A top bit says that its byte is below the bound;
		// a borrow may set only those after the first.
		w := binary.LittleEndian.Uint64(b[i:])
		low, slash := w^ones*2, w^ones*'\\'
		if m := ((low-ones*'!')&^low | (slash-ones)&^slash) & tops; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return -1
}

// Each byte's lowest bit, and its top bit.
const ones, tops = 0x0101010101010101, 0x8080808080808080

// escape is the length of the escape sequence that b starts with; 0 for none.
func escape(b []byte) int {
	if len(b) < 2 || b[0] != '\\' {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && isHex(b[2]) && isHex(b[3]) && isHex(b[4]) && isHex(b[5]) {
			return 6
		}
	}
	return 0
}

func isHex(c byte) bool { return c-'0' <= 9 || c|' ' >= 'a' && c|' ' <= 'f' }

// skipNumber passes over a number of any form.
func (s *scan) skipNumber() bool {
	s.next('-')
	first := s.i
	if n := s.skipDigits(); n == 0 || n > 1 && s.b[first] == '0' {
		return false
	}
	if s.next('.') && s.skipDigits() == 0 {
		return false
	}
	if s.next('e') || s.next('E') {
		if !s.next('-') {
			s.next('+')
		}
		return s.skipDigits() > 0
	}
	return true
}

func (s *scan) skipDigits() int {
	n := digits(s.b[s.i:])
	s.i += n
	return n
}

// digits is how many digits b starts with.
func digits(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// A byte that is no digit is more than nine when the bits of '0' are
		// flipped: its top bit is set, or will be by what lacks.
		w := binary.LittleEndian.Uint64(b[i:]) ^ ones*'0'
		if m := (w + ones*(0x80-10) | w) & tops; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// maxNested is deeper than any plan; encoding/json has a bound as well.
const maxNested = 1 << 12

// skipNested passes over an object or a list.
func (s *scan) skipNested() bool {
	if s.depth++; s.depth > maxNested {
		return false
	}
	open := s.b[s.i]
	s.i++
	end := open + 2 // as ASCII has them
	ok := s.next(end)
	for !ok {
		if open == '{' {
			if _, key := s.key(); !key {
				return false
			}
		}
		if !s.skip() {
			return false
		}
		if ok = s.next(end); !ok && !s.next(',') {
			return false
		}
	}
	s.depth--
	return true
}

// event passes over the event's name at the start of the line. One that comes
// later may be another: encoding/json takes the last.
func (s *scan) event() bool {
	return s.i == len(eventPrefix)-1 && s.skipText()
}

// unknown passes over the value of a key that is not needed. A key that a
// needed one could be meant by, as encoding/json folds case, is left to the
// strict decoder.
func (s *scan) unknown(key []byte, needed []string) bool {
	for _, k := range needed {
		if len(key) >= len(k) && bytes.EqualFold(key, []byte(k)) {
			return false
		}
	}
	return !bytes.EqualFold(key, []byte("Event")) && s.skip()
}
