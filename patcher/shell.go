package patcher

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A shellReader finds the spark-submit commands of a script.
type shellReader struct {
	pieces []piece
	text   string
	vars   *shellVars
	depth  int
	found  []command
}

// A command is one call in a script that submits jobs: spark-submit, or the
// command line of AWS.
type command struct {
	words []word // behind the program's name
	all   []piece
	at    span
	cli   string // "aws" or "gcloud", "" for spark-submit
	why   string // why it is not known what is run
}

// shellCommands returns the spark-submit commands of a script, or why it
// cannot be read.
func shellCommands(ps []piece, depth int) ([]command, string) {
	r := &shellReader{pieces: ps, text: joinPieces(ps), depth: depth}
	if tooDeep(r.text) {
		return nil, "it nests too deep"
	}
	f, err := parseBash(r.text)
	if err != nil {
		// A name that the reader is to fill in is no redirection.
		if filled, again := parseBash(placeholders.ReplaceAllStringFunc(r.text, func(s string) string { return strings.Repeat("J", len(s)) })); again == nil {
			f, err = filled, nil
		}
	}
	if err != nil {
		msg := err.Error()
		if i := strings.Index(msg, ": "); i >= 0 {
			msg = msg[i+2:]
		}
		return nil, "it does not parse as shell: " + msg
	}
	r.vars = newShellVars(f, func(w *syntax.Word) bool {
		return slices.ContainsFunc(r.cut(w.Pos(), w.End()), func(p piece) bool { return p.why != "" })
	})
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CallExpr:
			r.call(n)
		case *syntax.Stmt:
			r.stdin(n)
		}
		return true
	})
	return r.found, ""
}

// placeholders matches "<your account id>" in a script that is to be filled in.
var placeholders = regexp.MustCompile(`<[A-Za-z][^<>\n]*>`)

func parseBash(text string) (*syntax.File, error) {
	return syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
}

// runners are the commands that run what their arguments say, some of them as
// one text. Where they have subcommands, "exec" and "run" do.
var runners = setOf("bash builtin chroot command dash doas env eval exec flock gosu ionice ksh nice nohup numactl runuser setsid sh srun ssh stdbuf su " +
	"su-exec sudo taskset time timeout xargs zsh")

// hosts are the runners with subcommands.
var hosts = setOf("conda docker docker-compose kubectl mamba nerdctl oc pipenv podman poetry uv")

// talkers only name a command: they look for it, show it or stop it.
var talkers = setOf("alias awk cat chmod chown cp echo egrep fgrep grep hash kill killall ll ln logger ls man mv pgrep pkill printf readlink realpath rm rsync " +
	"scp sed stat tar tee touch type unalias whereis which zgrep")

func setOf(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// call looks for what a command runs in the end: spark-submit behind sudo, in a
// pod, or in a text that another shell runs.
func (r *shellReader) call(c *syntax.CallExpr) {
	var words []word
	for _, w := range c.Args {
		words = append(words, r.word(w)...)
	}
	found := command{all: r.cut(c.Pos(), c.End()), at: r.span(c.Pos(), c.End())}
	hosted, asked := false, false // by a host, and whether it is to run something
	for i, w := range words {
		t := w.text()
		name := path.Base(t)
		found.words = words[i+1:]
		switch {
		case talkers[t], i > 0 && words[i-1].text() == "command" && strings.HasPrefix(strings.ToLower(t), "-v"):
			return
		case name == "aws" && i+1 < len(words) && strings.HasPrefix(words[i+1].text(), "emr"):
			found.cli = "aws"
			r.found = append(r.found, found)
			return
		case name == "gcloud" && slices.ContainsFunc(words[i+1:], func(w word) bool { return w.text() == "dataproc" }):
			found.cli = "gcloud"
			r.found = append(r.found, found)
			return
		case isSparkSubmit(t) && (!hosted || asked):
			if found.why != "" && !hasOptions(found.words) {
				return
			}
			r.found = append(r.found, found)
			return
		case i > 0 && found.why == "" && strings.Contains(t, "spark-submit "):
			r.nested(w.pieces)
			return
		case i == 0 && r.submitsIn(c.Args[0]):
			r.found = append(r.found, command{at: found.at, why: w.hole()})
			return
		case hosts[name]:
			hosted = true
		case t == "exec" || t == "run":
			asked = true
		case i == 0 && !runners[name] && w.hole() == "":
			found.why = shorten(t) + " decides whether and how it runs spark-submit"
		}
	}
}

// nested reads a text that another shell runs.
func (r *shellReader) nested(ps []piece) {
	if r.depth >= 3 {
		return
	}
	if in, why := shellCommands(ps, r.depth+1); why == "" {
		r.found = append(r.found, in...)
	}
}

// submitsIn reports whether a word is a variable that only the run time knows
// and that some assignment gives a call of spark-submit.
func (r *shellReader) submitsIn(w *syntax.Word) bool {
	p, ok := w.Parts[0].(*syntax.ParamExp)
	if !ok || len(w.Parts) > 1 || p.Param == nil || r.vars.value(p.Param.Value, int(p.Pos().Offset())) != nil {
		return false
	}
	return slices.ContainsFunc(r.vars.writers[p.Param.Value], func(x shellWriter) bool {
		return x.assign != nil && strings.Contains(r.span(x.assign.Pos(), x.assign.End()).String(), "spark-submit")
	})
}

// scriptReaders matches the commands that read a script from their input: a
// shell without arguments, here or on a host, and a login.
var scriptReaders = regexp.MustCompile(`(?:^|[\s/])(?:(?:ba|da|k|z)?sh(?:\s+-[abd-z]+)*|(?:ba|da|k|z)?sh(?:\s+-[abd-z]+)*\s+-s(?:\s.*)?|su(?:\s+-l?)?(?:\s+[^\s-]\S*)?|` +
	`ssh(?:\s+-[bcDEeFIiJLlmOopQRSWw]\s+\S+|\s+-\S+)*\s+[^\s-]\S*)$`)

// stdin reads a here-document that a shell runs.
func (r *shellReader) stdin(s *syntax.Stmt) {
	c, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(c.Args) == 0 || len(s.Redirs) == 0 {
		return
	}
	var texts []string
	for _, a := range c.Args {
		for _, w := range r.word(a) {
			texts = append(texts, w.text())
		}
	}
	if len(texts) == 0 || !runners[path.Base(texts[0])] && !hosts[path.Base(texts[0])] || !scriptReaders.MatchString(strings.Join(texts, " ")) {
		return
	}
	for _, d := range s.Redirs {
		switch {
		case d.Op == syntax.WordHdoc:
			for _, w := range r.word(d.Word) {
				r.nested(w.pieces)
			}
		case d.Hdoc != nil:
			r.nested(r.hereDocument(d))
		}
	}
}

// hereDocument returns the text that a command reads: as it stands where the
// word that ends it is quoted.
func (r *shellReader) hereDocument(d *syntax.Redirect) []piece {
	if word := d.Word.Lit(); word == "" || strings.Contains(word, `\`) {
		return r.cut(d.Hdoc.Pos(), d.Hdoc.End())
	}
	var out []piece
	for _, p := range d.Hdoc.Parts {
		if lit, ok := p.(*syntax.Lit); ok {
			out = append(out, unescaped(r.cut(lit.Pos(), lit.End()), "$`\\\n")...)
			continue
		}
		out = append(out, r.part(p, 1)...)
	}
	return out
}

// hasOptions reports whether words begin with an option of spark-submit's.
func hasOptions(words []word) bool {
	if len(words) == 0 {
		return false
	}
	name, _, _ := splitOption(words)
	return flagsWithValue[name]
}

func (r *shellReader) cut(from, to syntax.Pos) []piece {
	return cut(r.pieces, int(from.Offset()), int(to.Offset()))
}

func (r *shellReader) span(from, to syntax.Pos) span { return spanOf(r.cut(from, to)) }

// word reads one word of a script. An array is the words in it, and what the
// shell splits may be several words, or none.
func (r *shellReader) word(w *syntax.Word) []word {
	if elems := r.array(w); elems != nil {
		var out []word
		for _, e := range elems {
			if e.Value != nil {
				out = append(out, r.word(e.Value)...)
			}
		}
		return out
	}
	var out []word
	next := word{opening: cut(r.pieces, int(w.Pos().Offset()), int(w.Pos().Offset())+1)}
	begun := false
	end := func() {
		if begun {
			out, next, begun = append(out, next), word{}, false
		}
	}
	for _, p := range w.Parts {
		ps := r.part(p, 0)
		expansion, split := p.(*syntax.ParamExp)
		if !split {
			next.pieces, begun = append(next.pieces, ps...), true
			continue
		}
		if why := r.unsplit(expansion, joinPieces(ps)); why != "" {
			ps = []piece{{text: holeText, at: r.span(p.Pos(), p.End()), why: why}}
		}
		text := joinPieces(ps)
		for i := 0; i < len(text); {
			if strings.IndexByte(fieldSeparators, text[i]) >= 0 {
				end()
				i++
				continue
			}
			n := strings.IndexAny(text[i:]+" ", fieldSeparators)
			next.pieces, begun = append(next.pieces, field(ps, i, i+n)...), true
			i += n
		}
	}
	end()
	for i := range out {
		if len(out[i].pieces) == 0 {
			out[i].pieces = []piece{{at: r.span(w.Pos(), w.End())}}
		}
	}
	return out
}

// fieldSeparators are what the shell splits at, where a script does not set IFS.
const fieldSeparators = " \t\n"

// field cuts one word out of an expansion. What stands for more than this word
// is no way to write it.
func field(ps []piece, i, j int) []piece {
	out := cut(ps, i, j)
	size := func(ps []piece, in slot) int {
		n := 0
		for _, p := range ps {
			if slices.ContainsFunc(p.inline, func(s slot) bool { return s.id() == in.id() }) {
				n += len(p.text)
			}
		}
		return n
	}
	for k := range out {
		out[k].inline = slices.DeleteFunc(slices.Clone(out[k].inline), func(s slot) bool { return size(out, s) < size(ps, s) })
	}
	return out
}

// unsplit returns why it is not known into which words the shell splits an
// expansion, "" when it is.
func (r *shellReader) unsplit(p *syntax.ParamExp, text string) string {
	if len(r.vars.writers["IFS"]) > 0 && strings.ContainsFunc(text, func(c rune) bool { return !isWord(byte(c)) }) {
		return "the script sets IFS, at which the shell splits it: " + shorten(r.span(p.Pos(), p.End()).String())
	}
	if p.Exp == nil || p.Exp.Word == nil || !strings.ContainsAny(text, fieldSeparators) {
		return ""
	}
	for _, q := range p.Exp.Word.Parts {
		if lit, ok := q.(*syntax.Lit); !ok || strings.Contains(lit.Value, `\`) {
			return "quotes in its default say where the shell splits it: " + shorten(r.span(p.Pos(), p.End()).String())
		}
	}
	return ""
}

// array returns the elements that "${name[@]}" stands for.
func (r *shellReader) array(w *syntax.Word) []*syntax.ArrayElem {
	if len(w.Parts) != 1 {
		return nil
	}
	part := w.Parts[0]
	q, quoted := part.(*syntax.DblQuoted)
	if quoted && len(q.Parts) == 1 {
		part = q.Parts[0]
	}
	p, ok := part.(*syntax.ParamExp)
	if !ok || p.Index == nil || p.Param == nil || p.Slice != nil || p.Repl != nil || p.Exp != nil || p.Length || p.Excl {
		return nil
	}
	if all, ok := p.Index.(*syntax.Word); !ok || all.Lit() != "@" && (quoted || all.Lit() != "*") {
		return nil
	}
	set := r.vars.value(p.Param.Value, int(p.Pos().Offset()))
	if set == nil || set.Array == nil {
		return nil
	}
	for _, e := range set.Array.Elems {
		if e.Index != nil || !quoted && e.Value != nil && slices.ContainsFunc(r.word(e.Value), func(w word) bool { return strings.ContainsAny(w.text(), fieldSeparators) }) {
			return nil // not the words in their order
		}
	}
	return set.Array.Elems
}

// part reads a part of a word.
func (r *shellReader) part(p syntax.WordPart, depth int) []piece {
	switch p := p.(type) {
	case *syntax.Lit:
		if depth > 0 {
			return unescaped(r.cut(p.Pos(), p.End()), "$`\"\\\n")
		}
		return unescaped(r.cut(p.Pos(), p.End()), "")
	case *syntax.SglQuoted:
		ps := r.cut(p.Pos(), p.End())
		n := len(joinPieces(ps))
		if p.Dollar {
			return []piece{{text: holeText, at: spanOf(ps), why: "it is quoted as $'...'"}}
		}
		return cut(ps, 1, n-1)
	case *syntax.DblQuoted:
		var out []piece
		for _, q := range p.Parts {
			out = append(out, r.part(q, depth+1)...)
		}
		return out
	case *syntax.ParamExp:
		return r.param(p, depth)
	}
	at := r.span(p.Pos(), p.End())
	return []piece{{text: holeText, at: at, why: "the shell computes it at run time: " + shorten(at.String())}}
}

// unescaped drops backslashes: before the characters where they count, which are
// all outside of quotes.
func unescaped(ps []piece, only string) []piece {
	s := joinPieces(ps)
	var out []piece
	last := 0
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '\\' || only != "" && strings.IndexByte(only, s[i+1]) < 0 {
			continue
		}
		out = append(out, cut(ps, last, i)...)
		if s[i+1] != '\n' {
			out = append(out, piece{text: s[i+1 : i+2], at: spanOf(cut(ps, i, i+2))})
		}
		i++
		last = i + 1
	}
	return append(out, cut(ps, last, len(s))...)
}

// param reads $NAME and ${NAME:-default}: what the script surely assigns, or the
// default, which the environment may override.
func (r *shellReader) param(p *syntax.ParamExp, depth int) []piece {
	at := r.span(p.Pos(), p.End())
	hole := []piece{{text: holeText, at: at, why: "the shell computes it at run time: " + shorten(at.String())}}
	if p.Param == nil || p.Excl || p.Length || p.Width || p.Index != nil || p.Slice != nil || p.Repl != nil || depth > 5 {
		return hole
	}
	name, offset := p.Param.Value, int(p.Pos().Offset())
	switch {
	case p.Exp != nil && (p.Exp.Op == syntax.DefaultUnset || p.Exp.Op == syntax.DefaultUnsetOrNull) && p.Exp.Word != nil:
		if !r.vars.environment(name, offset) {
			return hole
		}
		return r.fallback(name, p.Exp.Word, depth)
	case p.Exp != nil:
		return hole
	}
	set := r.vars.value(name, offset)
	if set == nil || set.Value == nil {
		return hole
	}
	var out []piece
	for _, q := range set.Value.Parts {
		out = append(out, r.part(q, depth+1)...)
	}
	in := slot{op: opInterp, at: at, dial: pythonDialect}
	if len(r.pieces) > 0 {
		in.under = r.pieces[0].under
	}
	once := r.reads(name) == 1
	for i := range out {
		out[i].inline = append(out[i].inline, in)
		out[i].same = out[i].same && once
	}
	return out
}

// fallback reads the default of ${NAME:-default}.
func (r *shellReader) fallback(name string, w *syntax.Word, depth int) []piece {
	var out []piece
	for _, q := range w.Parts {
		out = append(out, r.part(q, depth+1)...)
	}
	for i := range out {
		out[i].chance = fmt.Sprintf("the environment variable %s, where it is set, overrides this default", name)
	}
	return out
}

// reads counts the places that read a variable, other than a default of its
// own: NAME="${NAME:-8g}".
func (r *shellReader) reads(name string) int {
	own := regexp.MustCompile(`\$\{` + name + `:?-`)
	all := regexp.MustCompile(`\$(?:\{[#!]?)?` + name + `\b`)
	return len(all.FindAllString(r.text, -1)) - len(own.FindAllString(r.text, -1))
}
