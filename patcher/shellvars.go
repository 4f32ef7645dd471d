package patcher

import (
	"slices"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shellVars knows what writes the variables of a script.
type shellVars struct {
	writers map[string][]shellWriter
	// strangers may write any variable: what they run is not in the script. In
	// the order of the text.
	strangers []offsets
	anytime   bool // one of them runs at times that the text does not tell
	functions []offsets
}

// offsets are a part of the script.
type offsets struct{ start, end int }

func offsetsOf(n syntax.Node) offsets { return offsets{int(n.Pos().Offset()), int(n.End().Offset())} }

// A shellWriter writes one variable. A plain assignment decides what is read
// behind it up to where its branch, loop, function or subshell ends; others
// have none, and nobody can say what they write.
type shellWriter struct {
	assign *syntax.Assign
	until  int
}

// newShellVars reads all of a script. A word of it that is unread is a hole of
// the text that the script is in, which may hold commands too.
func newShellVars(f *syntax.File, unread func(*syntax.Word) bool) *shellVars {
	v := &shellVars{writers: map[string][]shellWriter{}}
	var around []syntax.Node
	syntax.Walk(f, func(n syntax.Node) bool {
		if n == nil {
			around = around[:len(around)-1]
			return true
		}
		switch n := n.(type) {
		case *syntax.CallExpr:
			v.call(n, around, unread)
		case *syntax.DeclClause:
			v.declare(n, around)
		case *syntax.WordIter:
			v.other(n.Name.Value)
		case *syntax.ParamExp:
			if n.Param != nil && n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
				v.other(n.Param.Value)
			}
		case *syntax.BinaryArithm:
			if strings.HasSuffix(n.Op.String(), "=") { // a comparison as well, which is the safe side
				v.arithmetic(n.X)
			}
		case *syntax.UnaryArithm:
			v.arithmetic(n.X)
		case *syntax.FuncDecl:
			v.functions = append(v.functions, offsetsOf(n))
		}
		around = append(around, n)
		return true
	})
	return v
}

func (v *shellVars) other(name string) { v.writers[name] = append(v.writers[name], shellWriter{}) }

func (v *shellVars) arithmetic(x syntax.ArithmExpr) {
	if w, ok := x.(*syntax.Word); ok && len(w.Parts) == 1 {
		switch p := w.Parts[0].(type) {
		case *syntax.Lit:
			v.other(p.Value)
		case *syntax.ParamExp:
			v.other(p.Param.Value)
		}
	}
}

func (v *shellVars) stranger(n syntax.Node, around []syntax.Node) {
	v.strangers = append(v.strangers, offsetsOf(n))
	for _, a := range around {
		switch a.(type) {
		case *syntax.FuncDecl, *syntax.ForClause, *syntax.WhileClause:
			v.anytime = true
		}
	}
}

// call notes what a simple command writes.
func (v *shellVars) call(c *syntax.CallExpr, around []syntax.Node, unread func(*syntax.Word) bool) {
	for _, a := range c.Assigns {
		switch {
		case len(c.Args) == 0:
			v.assign(a, around)
		case a.Name != nil && a.Name.Value != "IFS": // for the time of the command, which may be a function
			v.other(a.Name.Value)
		}
	}
	if len(c.Args) == 0 {
		return
	}
	args := c.Args[1:]
	name := c.Args[0].Lit()
	if (name == "command" || name == "builtin") && len(args) > 0 {
		name, args = args[0].Lit(), args[1:]
	}
	switch name {
	case "eval", "source", ".":
		v.stranger(c, around)
	case "read", "mapfile", "readarray", "getopts", "unset":
		v.names(c, args, around)
	case "printf":
		if len(args) > 1 && args[0].Lit() == "-v" {
			v.names(c, args[1:2], around)
		}
	default:
		if unread(c.Args[0]) {
			v.stranger(c, around)
		}
	}
}

// names notes the words of a builtin that name variables. Its options may be
// among them, which does no harm.
func (v *shellVars) names(c *syntax.CallExpr, args []*syntax.Word, around []syntax.Node) {
	for _, w := range args {
		v.other(w.Lit())
	}
	v.other("REPLY")
	if n := len(args); n > 0 && args[n-1].Lit() == "" && c.Args[0].Lit() != "getopts" {
		v.stranger(c, around)
	}
}

// declare notes what export, local and their like write.
func (v *shellVars) declare(d *syntax.DeclClause, around []syntax.Node) {
	typed := false
	for _, a := range d.Args {
		option := ""
		if a.Name == nil && a.Value != nil {
			option = a.Value.Lit()
		}
		switch keeps := d.Variant.Value == "export" || d.Variant.Value == "readonly"; {
		case a.Name == nil && !strings.HasPrefix(option, "-") && !strings.HasPrefix(option, "+"),
			a.Name == nil && strings.Contains(option, "n") && !keeps, d.Variant.Value == "nameref":
			v.stranger(d, around) // which variable is only known at run time
		case a.Name == nil:
			typed = typed || strings.ContainsAny(option, "ciluCILU")
		case !a.Naked && !typed:
			v.assign(a, around)
		case a.Naked && keeps: // its value stays
		default:
			v.other(a.Name.Value)
		}
	}
}

// assign notes an assignment with how far it decides.
func (v *shellVars) assign(a *syntax.Assign, around []syntax.Node) {
	w := shellWriter{assign: a, until: reach(a, around)}
	if a.Append || a.Index != nil || a.Naked {
		w.assign = nil
	}
	v.writers[a.Name.Value] = append(v.writers[a.Name.Value], w)
}

// reach returns where the part of the script ends that is only run when a node
// has been run before it.
func reach(n syntax.Node, around []syntax.Node) int {
	for i, a := range slices.Backward(around) {
		child := n
		if i+1 < len(around) {
			child = around[i+1]
		}
		end := -1
		switch a := a.(type) {
		case *syntax.FuncDecl, *syntax.Subshell, *syntax.CmdSubst, *syntax.ProcSubst, *syntax.CoprocClause, *syntax.ForClause, *syntax.WhileClause, *syntax.CaseItem, *syntax.File:
			end = int(a.End().Offset())
		case *syntax.IfClause:
			end = int(a.End().Offset())
			if a.Else != nil && child != syntax.Node(a.Else) {
				end = int(a.Else.Pos().Offset())
			}
		case *syntax.Stmt:
			if a.Background || a.Coprocess {
				end = int(a.End().Offset())
			}
		case *syntax.BinaryCmd:
			end = andReach(a, child, around[:i])
		}
		if end >= 0 {
			return end
		}
	}
	return int(n.End().Offset())
}

// andReach is reach for one side of a && b, a || b and a | b; -1 where it goes
// on around them. What follows in "a && b && c" is only run behind b.
func andReach(b *syntax.BinaryCmd, child syntax.Node, around []syntax.Node) int {
	switch {
	case b.Op != syntax.AndStmt && b.Op != syntax.OrStmt:
		return int(child.End().Offset())
	case child == syntax.Node(b.X):
		return -1
	case b.Op == syntax.OrStmt:
		return int(child.End().Offset())
	}
	end := b.End()
	for n := syntax.Node(b); len(around) > 1; around = around[:len(around)-2] {
		outer, ok := around[len(around)-2].(*syntax.BinaryCmd)
		if !ok || outer.Op != syntax.AndStmt || outer.X.Cmd != n || outer.X.Negated {
			break
		}
		n, end = outer, outer.End()
	}
	return int(end.Offset())
}

// value returns the assignment that surely decides a variable at an offset, nil
// when only the run time knows.
func (v *shellVars) value(name string, at int) *syntax.Assign {
	set := v.writers[name]
	if len(set) != 1 || set[0].assign == nil {
		return nil
	}
	a := offsetsOf(set[0].assign)
	if at < a.end || at > set[0].until || v.strange(a.end, at) || v.within(at) && !v.within(a.start) && v.strange(at, set[0].until) {
		return nil
	}
	return set[0].assign
}

// environment reports whether a variable at an offset is what the environment
// has, as far as the script says: nothing writes it but an assignment of its
// own default.
func (v *shellVars) environment(name string, at int) bool {
	if !syntax.ValidName(name) || v.strange(0, at) {
		return false
	}
	for _, w := range v.writers[name] {
		if w.assign == nil {
			return false
		}
		if a := offsetsOf(w.assign); at < a.start || at > a.end {
			return false
		}
	}
	return true
}

// strange reports whether something between two offsets, or at times that are
// not known, may write any variable.
func (v *shellVars) strange(from, to int) bool {
	if v.anytime {
		return true
	}
	first := sort.Search(len(v.strangers), func(i int) bool { return v.strangers[i].start >= from })
	for _, s := range v.strangers[first:] {
		if s.start >= to {
			return false
		}
		if s.end <= to {
			return true
		}
	}
	return false
}

// within reports whether an offset is in a function, which may be called later.
func (v *shellVars) within(at int) bool {
	return slices.ContainsFunc(v.functions, func(f offsets) bool { return f.start <= at && at < f.end })
}
