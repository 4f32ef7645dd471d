package eventlog

import (
	"bytes"
	"encoding/json"
)

// The events that make up nearly all of a log's bytes are read by hand:
// their keys in any order, as Spark writes them, without looking at what the
// row does not need. Whatever looks unusual (white space, escapes in a needed
// text, a number that is no plain integer, a key in another case) makes the
// scan give up, and the strict decoder reads the line instead. For every valid
// line whose keys are not repeated both give the same event; what is skipped
// is not checked.

// A scan is a position in a line. Its methods say false when they give up.
type scan struct {
	b []byte
	i int
	// words holds the few short texts that repeat in every line, operators the
	// names of plans.
	words     map[string]string
	operators map[string]string
}

// A scanned value takes one key's value from a scan.
type scanned interface {
	field(s *scan, key []byte) bool
}

// line reads a whole line into v.
func (s *scan) line(text []byte, v scanned) bool {
	s.b, s.i = text, 0
	return s.object(v) && s.i == len(s.b)
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

// key reads "key": without unescaping it.
func (s *scan) key() ([]byte, bool) {
	if !s.next('"') {
		return nil, false
	}
	n := bytes.IndexByte(s.b[s.i:], '"')
	if n < 0 {
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

// skip passes over any value.
func (s *scan) skip() bool {
	if s.i >= len(s.b) {
		return false
	}
	switch s.b[s.i] {
	case '"':
		return s.skipText()
	case '{', '[':
		return s.skipNested()
	}
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ',', '}', ']':
			return true
		}
		s.i++
	}
	return false
}

func (s *scan) skipText() bool {
	for i := s.i + 1; ; {
		n := bytes.IndexByte(s.b[i:], '"')
		if n < 0 {
			return false
		}
		i += n
		if !escaped(s.b[s.i+1 : i]) {
			s.i = i + 1
			return true
		}
		i++
	}
}

// escaped says whether what follows text in a JSON string is escaped.
func escaped(text []byte) bool {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return (len(text)-n)%2 == 1
}

func (s *scan) skipNested() bool {
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			if !s.skipText() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.i++
		if depth == 0 {
			return true
		}
	}
	return false
}

// skipTo passes over an array to its last byte, which is the first of end. The
// quote in end can only open a key: inside a text it would be escaped. Where
// the array is not followed by that key it is skipped by its brackets. Should
// end belong to something inside the array, the line has too many closing
// brackets left, and the scan gives up there.
func (s *scan) skipTo(end []byte) bool {
	if s.i >= len(s.b) || s.b[s.i] != '[' {
		return s.skip()
	}
	n := bytes.Index(s.b[s.i:], end)
	if n < 0 {
		return s.skip()
	}
	s.i += n + 1
	return true
}

// unknown passes over the value of a key that is not needed. A key that a
// needed one could be meant by, as encoding/json folds case and unescapes, is
// left to the strict decoder.
func (s *scan) unknown(key []byte, needed []string) bool {
	if bytes.IndexByte(key, '\\') >= 0 {
		return false
	}
	for _, k := range needed {
		if len(key) >= len(k) && bytes.EqualFold(key, []byte(k)) {
			return false
		}
	}
	return s.skip()
}
