package patcher

import (
	"bytes"
	"sort"
)

// A source is the text of one file. Every span points into one, so that a
// value read through three names and an import still knows its bytes.
type source struct {
	path  string
	text  []byte
	lines []int // offsets of line starts, made on first use
	head  *head // made on first use
}

// A head is what a file says of itself as a whole.
type head struct {
	generated int  // the line that says that a tool writes it, 0 without one
	marks     bool // there are comments for sparktune
	standings []standing
}

// says returns what the file says of itself; nothing for no file.
func (s *source) says() head {
	if s == nil {
		return head{}
	}
	if s.head == nil {
		s.head = &head{generated: s.findGenerated(), marks: bytes.Contains(s.text, []byte("sparktune:"))}
		if s.head.marks {
			s.head.standings = s.findStandings()
		}
	}
	return *s.head
}

// line returns the line of a byte offset, from 1.
func (s *source) line(off int) int {
	if s.lines == nil {
		s.lines = append(s.lines, 0)
		for i := 0; ; {
			j := bytes.IndexByte(s.text[i:], '\n')
			if j < 0 {
				break
			}
			i += j + 1
			s.lines = append(s.lines, i)
		}
	}
	return sort.SearchInts(s.lines, off+1)
}

// lineStart returns the offset of the first byte of the line that holds off.
func (s *source) lineStart(off int) int {
	return bytes.LastIndexByte(s.text[:off], '\n') + 1
}

// lineEnd returns the offset of the line's end, before "\n" or "\r\n".
func (s *source) lineEnd(off int) int {
	end := len(s.text)
	if i := bytes.IndexByte(s.text[off:], '\n'); i >= 0 {
		end = off + i
	}
	if end > off && s.text[end-1] == '\r' {
		end--
	}
	return end
}

// newline returns the line end that the file uses.
func (s *source) newline() string {
	if i := bytes.IndexByte(s.text, '\n'); i > 0 && s.text[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// indent returns the blanks at the start of the line that holds off.
func (s *source) indent(off int) string {
	start := s.lineStart(off)
	end := start
	for end < len(s.text) && (s.text[end] == ' ' || s.text[end] == '\t') {
		end++
	}
	return string(s.text[start:end])
}

// firstOnLine reports whether only blanks stand before off on its line.
func (s *source) firstOnLine(off int) bool {
	return len(bytes.TrimLeft(s.text[s.lineStart(off):off], " \t")) == 0
}

// A span is a run of bytes of a source.
type span struct {
	src        *source
	start, end int
}

func (s span) String() string {
	if s.src == nil {
		return ""
	}
	return string(s.src.text[s.start:s.end])
}

func (s span) line() int {
	if s.src == nil {
		return 0
	}
	return s.src.line(s.start)
}

func (s span) path() string {
	if s.src == nil {
		return ""
	}
	return s.src.path
}

func (s span) contains(t span) bool {
	return s.src == t.src && s.start <= t.start && t.end <= s.end
}
