package patcher

import (
	"slices"
	"strings"
)

// textGap is where options can be added to a command line in one text: before
// the application, or behind the last option.
func (s *submission) textGap(all []piece, params bool) gap {
	g := gap{names: s.names(params), num: func(property) bool { return false }}
	sl, ok := slot{}, false
	if s.end < len(s.words) {
		sl, ok = s.beforeWord(all)
		if ok && s.elsewhere(all, sl) {
			sl, ok = slot{}, false
			if s.end > 0 {
				sl, ok = behind(s.words[s.end-1].pieces)
			}
		}
	} else if s.end > 0 {
		sl, ok = behind(s.words[s.end-1].pieces)
	} else if len(all) > 0 {
		sl, ok = behind(all)
	}
	g.at = sl.at
	if !ok {
		g.shut = "the end of the options is computed at run time"
		if s.end < len(s.words) {
			g.at = spanOf(s.words[s.end].pieces)
		}
		return g
	}
	sl.op, sl.joined = opText, s.joined
	g.slots = []slot{sl}
	return g
}

// elsewhere reports whether a place is in a text that a name stands for and that
// says nothing of the command: the folder that its application lies in.
func (s *submission) elsewhere(all []piece, sl slot) bool {
	if len(sl.under) == 0 {
		return false
	}
	last := sl.under[len(sl.under)-1].bind
	ps := all[:1]
	for _, w := range s.words[:s.end] {
		ps = append(slices.Clip(ps), w.pieces...)
	}
	return !slices.ContainsFunc(ps, func(p piece) bool { return slices.ContainsFunc(p.under, func(u use) bool { return u.bind == last }) })
}

// beforeWord is the place before the application.
func (s *submission) beforeWord(all []piece) (slot, bool) {
	first := s.words[s.end].pieces[0]
	if o := s.words[s.end].opening; len(o) == 1 && o[0].same && o[0].why == "" {
		first = o[0]
	}
	var sl slot
	switch {
	case first.why != "" && len(first.inline) == 0 && !first.same && strings.HasPrefix(first.at.String(), "{{"),
		first.same && first.why == "" && len(first.inline) == 0 && !first.num:
		sl = slot{at: span{first.at.src, first.at.start, first.at.start}, under: first.under}
	case len(first.inline) > 0:
		in := first.inline[len(first.inline)-1]
		sl = slot{at: span{in.at.src, in.at.start, in.at.start}, under: in.under}
	default:
		return slot{}, false
	}
	sl.sep = s.separator(sl.at)
	sl.dial = textDialect
	return sl, true
}

// separator is what stands between the last option and the application, when
// that is only blanks and a line that goes on; else a blank.
func (s *submission) separator(at span) string {
	if s.end == 0 {
		return " "
	}
	last := s.words[s.end-1].pieces
	end := last[len(last)-1].inText()
	if end.src != at.src || end.end > at.start {
		return " "
	}
	between := string(at.src.text[end.end:at.start])
	between = strings.TrimLeft(between, `"'`) // of the last word itself
	if !strings.Contains(between, "\n") || strings.Trim(between, " \t\r\n\\") != "" {
		return " "
	}
	return between
}

// inText is where a piece stands in the text that it is part of: for one that
// is interpolated, the braces.
func (p piece) inText() span {
	if n := len(p.inline); n > 0 {
		return p.inline[n-1].at
	}
	return p.at
}

// behind is the place after the last of some pieces.
func behind(ps []piece) (slot, bool) {
	for i, p := range slices.Backward(ps) {
		if strings.TrimSpace(p.text) == "" && p.why == "" && i > 0 {
			continue
		}
		end := p.at.end
		switch {
		case len(p.inline) > 0:
			end = p.inline[len(p.inline)-1].at.end
		case p.why == "" && p.same && !p.num:
			end -= len(p.text) - len(strings.TrimRight(p.text, " \t\r\n"))
		case p.why == "":
			return slot{}, false
		}
		return slot{at: span{p.at.src, end, end}, under: p.under, dial: textDialect, sep: "", name: ""}, true
	}
	return slot{}, false
}

// textDialect adds options to a command line within one text.
var textDialect = &dialect{add: addText}

func addText(adds []addition) []Edit {
	sl := adds[0].slot
	var b strings.Builder
	for _, a := range adds {
		words := strings.Join(a.option(), " ")
		if sl.sep == "" {
			b.WriteString(" " + words)
			continue
		}
		b.WriteString(words + sl.sep)
	}
	return []Edit{{sl.at.start, sl.at.start, b.String()}}
}

// paramWords splits a text that holds only options, as EMR's
// sparkSubmitParameters does: blanks separate, quotes join.
func paramWords(ps []piece) []word {
	s := joinPieces(ps)
	var out []word
	for i := 0; i < len(s); {
		if isBlank(rune(s[i])) {
			i++
			continue
		}
		var w word
		start, quote := i, byte(0)
		plain := i
		for i < len(s) && (quote != 0 || !isBlank(rune(s[i]))) {
			if c := s[i]; c == quote || quote == 0 && (c == '"' || c == '\'') {
				w.pieces = append(w.pieces, cut(ps, plain, i)...)
				plain = i + 1
				if quote == 0 {
					quote = c
				} else {
					quote = 0
				}
			}
			i++
		}
		w.pieces = append(w.pieces, cut(ps, plain, i)...)
		if len(w.pieces) == 0 {
			w.pieces = cut(ps, start, i)
		}
		out = append(out, w)
	}
	return out
}
