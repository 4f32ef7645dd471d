package patcher

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Apply returns a copy of src with edits spliced in. The edits are sorted and
// must lie within src without overlap; of two insertions at one place the
// first comes first. Anything else is a bug of the caller and an error.
func Apply(src []byte, edits []Edit) ([]byte, error) {
	size := len(src)
	for i, e := range edits {
		switch {
		case e.Start < 0 || e.End < e.Start || e.End > len(src):
			return nil, fmt.Errorf("apply edit %d: [%d,%d) is not within %d bytes", i, e.Start, e.End, len(src))
		case i > 0 && e.Start < edits[i-1].End:
			return nil, fmt.Errorf("apply edit %d: [%d,%d) overlaps or precedes the one before, which ends at %d", i, e.Start, e.End, edits[i-1].End)
		}
		size += len(e.New) - (e.End - e.Start)
	}
	out := make([]byte, 0, max(size, 0))
	last := 0
	for _, e := range edits {
		out = append(out, src[last:e.Start]...)
		out = append(out, e.New...)
		last = e.End
	}
	return append(out, src[last:]...), nil
}

// sortEdits puts edits in the order that Apply wants and drops equal ones.
func sortEdits(edits []Edit) []Edit {
	slices.SortStableFunc(edits, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), strings.Compare(a.New, b.New))
	})
	return slices.Compact(edits)
}

// contextLines is how many unchanged lines a diff shows around a change.
const contextLines = 3

// Diff returns patches as one unified diff, as git prints it.
func Diff(patches []Patch) string {
	var b strings.Builder
	for _, p := range patches {
		b.WriteString(unified(p))
	}
	return b.String()
}

// unified is the diff of one file. The library numbers the new side of a hunk
// wrongly when an earlier hunk has two changes with lines between them
// (go-udiff v0.4.1), so the numbers are counted here.
func unified(p Patch) string {
	before := string(p.Before)
	edits := udiff.Lines(before, string(p.After))
	d, err := udiff.ToUnifiedDiff(diffName("a/"+p.Path), diffName("b/"+p.Path), before, edits, contextLines)
	if err != nil {
		panic(err) // unreachable: the library made the edits itself
	}
	shift := 0
	for _, h := range d.Hunks {
		h.ToLine = h.FromLine + shift
		for _, l := range h.Lines {
			switch l.Kind {
			case udiff.Insert:
				shift++
			case udiff.Delete:
				shift--
			case udiff.Equal:
			}
		}
	}
	return d.String()
}

// diffName writes a path in the head of a diff, quoted as git does where it
// has what would end it or stand for something else.
func diffName(name string) string {
	var b strings.Builder
	odd := false
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
			odd = true
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
			odd = true
		default:
			b.WriteByte(c)
		}
	}
	switch {
	case odd:
		return `"` + b.String() + `"`
	case strings.Contains(name, " "):
		return name + "\t" // patch reads a name up to its first blank, unless a tab ends it
	}
	return name
}
