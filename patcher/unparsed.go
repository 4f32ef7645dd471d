package patcher

// sayUnparsed skips the statements of a module that mention a job and do not
// parse: what is declared there is not seen, and nobody should think it is.
func (f *finder) sayUnparsed(m *module) {
	for _, c := range m.chunks {
		if c.tree == nil || !c.tree.broken || !f.hasJobWord(m.text[c.start:c.end]) {
			continue
		}
		at := firstBroken(c.tree)
		f.skipped = append(f.skipped, Skipped{
			Path: m.path, Line: m.line(at.start),
			Reason: "a statement that mentions a Spark job does not parse here; whole statements elsewhere in the file are served",
		})
		return // one mistake often breaks the rest of the file
	}
}

// firstBroken is the first innermost node that is a syntax error.
func firstBroken(n *node) *node {
	for _, k := range n.kids {
		if k.broken {
			return firstBroken(k)
		}
	}
	return n
}
