package patcher

import (
	"bytes"
	"path"
)

// A standing mark is a comment for sparktune with what it is written at.
type standing struct {
	line int
	at   span
}

// findStandings returns what the marks of a Python file are written at: the
// statement, block or argument below a comment of its own line; else what
// starts with the line of the comment, and what ends on it. One at the argument
// that names a job is written at the job.
func (s *source) findStandings() []standing {
	if path.Ext(s.path) != ".py" {
		return nil
	}
	var out []standing
	t := pyTrees{s, s.python()}
	above := 0 // the line of a mark that waits for what it stands above
	for start := 0; start < len(s.text); {
		end := s.lineEnd(start)
		text := s.text[start:end]
		code := start + len(text) - len(bytes.TrimLeft(text, " \t"))
		mark := marks.FindIndex(text)
		switch {
		case mark != nil && bytes.HasPrefix(s.text[code:end], []byte("#")):
			above = s.line(start)
		case mark != nil:
			behind := start + mark[0]
			last := len(bytes.TrimRight(s.text[:behind], " \t,:;")) - 1
			out = t.add(out, s.line(start), t.starting(code))
			out = t.add(out, s.line(start), t.ending(last, behind))
		}
		if above > 0 && code < end && s.text[code] != '#' {
			out = t.add(out, above, t.starting(code))
			above = 0
		}
		if start = end + 1; end < len(s.text) && s.text[end] == '\r' {
			start++
		}
	}
	return out
}

// pyTrees are the syntax trees of a file, parsed where they are asked for and
// in the order of the text.
type pyTrees struct {
	src    *source
	chunks []chunk
}

func (t *pyTrees) add(out []standing, line int, n *node) []standing {
	if n == nil {
		return out
	}
	if n.kind == "keyword_argument" && namesJob[string(t.src.text[n.start:n.child("name").end])] {
		for !n.outermost() {
			n = n.up
		}
	}
	return append(out, standing{line, span{t.src, n.start, n.end}})
}

// namesJob are the arguments at which a mark is meant for the whole job.
var namesJob = map[string]bool{"task_id": true, "application": true, "name": true}

// at returns the innermost node around an offset, nil outside of statements.
func (t *pyTrees) at(off int) *node {
	for len(t.chunks) > 0 && t.chunks[0].end <= off {
		t.chunks = t.chunks[1:]
	}
	if len(t.chunks) == 0 || off < t.chunks[0].start {
		return nil
	}
	c := &t.chunks[0]
	if c.parsed == nil {
		c.parsed = parsePython(t.src.text[c.start:c.end], c.start)
	}
	return c.parsed.around(off)
}

// around returns the innermost node around an offset.
func (n *node) around(off int) *node {
	for _, k := range n.kids {
		if k.start <= off && off < k.end {
			return k.around(off)
		}
	}
	return n
}

// starting returns the outermost node, within its block, that starts at an
// offset; nil when none does.
func (t *pyTrees) starting(off int) *node {
	n := t.at(off)
	if n == nil || n.start != off {
		return nil
	}
	for !n.outermost() && n.up.start == off {
		n = n.up
	}
	return n
}

// ending returns the outermost node, within its block, around an offset that
// ends before another; nil when none does.
func (t *pyTrees) ending(off, before int) *node {
	n := t.at(off)
	if n == nil || n.end > before {
		return nil
	}
	for !n.outermost() && n.up.end <= before {
		n = n.up
	}
	return n
}

// outermost reports whether a node is a statement of a block.
func (n *node) outermost() bool {
	return n.up == nil || n.up.kind == "block" || n.up.kind == "module"
}
