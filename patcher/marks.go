package patcher

import (
	"bytes"
	"path"
	"regexp"
	"strings"
)

// marks are the comments by which a person keeps values as they are:
// "# sparktune: ignore" and "# sparktune: pin". One holds for what starts on
// its line, or on the next line where it has its own: a value, a block, a job.
// In YAML, blank lines may stand between; in Python it holds for all that it is
// written at ([standing]).
var marks = regexp.MustCompile(`(?:#|//)\s*sparktune:\s*(ignore|pin)\b`)

// marked returns the line of a comment that holds for one of some spans, 0
// without one.
func marked(spans ...span) int {
	for _, s := range spans {
		if s.src == nil {
			continue
		}
		if line := s.src.markOf(s.start); line > 0 {
			return line
		}
		for _, m := range s.src.says().standings {
			if m.at.contains(s) {
				return m.line
			}
		}
	}
	return 0
}

// markOf returns the line of the comment that holds for what starts at off.
func (s *source) markOf(off int) int {
	if !s.says().marks {
		return 0
	}
	start := s.lineStart(off)
	if marks.Match(s.text[start:s.lineEnd(off)]) {
		return s.line(off)
	}
	for start > 0 {
		above := s.text[s.lineStart(start-1) : start-1]
		start = s.lineStart(start - 1)
		trimmed := bytes.TrimSpace(bytes.TrimPrefix(above, []byte("\ufeff")))
		if len(trimmed) == 0 && s.isYAML() {
			continue
		}
		if !bytes.HasPrefix(trimmed, []byte("#")) && !bytes.HasPrefix(trimmed, []byte("//")) {
			return 0
		}
		if marks.Match(above) {
			return s.line(start)
		}
	}
	return 0
}

// isYAML reports whether a file is YAML, or a template of it.
func (s *source) isYAML() bool {
	name := path.Base(s.path)
	return strings.Contains(name, ".yaml") || strings.Contains(name, ".yml")
}
