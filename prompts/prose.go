package prompts

import (
	"strings"
	"unicode/utf8"
)

// A token is a piece of prose as Check reads it.
type token struct {
	kind  tokenKind
	text  string // a word, one punctuation mark or stray rune, or the id of a reference
	low   string // text in small letters, with straight apostrophes
	glued bool   // no space before it
	first bool   // the first word of a sentence
	// facts are what a reference stands for: one, none when there is no such
	// fact, and several where a bare value fits several.
	facts []Fact
}

type tokenKind int

const (
	tokenWord  tokenKind = iota
	tokenMark            // punctuation that prose may have
	tokenStray           // any other rune: a digit, a letter of another script, markup
	tokenRef
)

// marks is the punctuation of prose. Letters beside it are those of ASCII: that
// alone keeps out digits of every script, look-alikes, HTML, links, mentions,
// code and line breaks.
const marks = `.,;:'"’“”()-–—`

// A lexer cuts prose into tokens.
type lexer struct {
	tokens []token
	glued  bool
	start  bool // of a sentence
}

// newLexer is one for about n bytes of prose.
func newLexer(n int) *lexer { return &lexer{start: true, tokens: make([]token, 0, n/5+1)} }

// tokensOf are the tokens of a slot with references.
func tokensOf(byID map[string][]Fact, text string) []token {
	l := newLexer(len(text))
	pieces(text, l.prose, func(id string) { l.refer(id, byID[id]) })
	return l.tokens
}

func (l *lexer) refer(id string, facts []Fact) {
	l.add(token{kind: tokenRef, text: id, facts: facts})
	l.start = false
}

func (l *lexer) add(t token) {
	t.glued = l.glued && len(l.tokens) > 0
	t.low = strings.ReplaceAll(strings.ToLower(t.text), "’", "'")
	l.tokens = append(l.tokens, t)
	l.glued = true
}

// prose cuts a stretch without references.
func (l *lexer) prose(s string) {
	for s != "" {
		switch r, n := utf8.DecodeRuneInString(s); {
		case r == ' ':
			l.glued = false
			s = s[n:]
		case isLetter(r):
			n = wordLength(s)
			l.add(token{kind: tokenWord, text: s[:n], first: l.start})
			l.start = false
			s = s[n:]
		case strings.ContainsRune(marks, r):
			l.add(token{kind: tokenMark, text: s[:n]})
			l.start = l.start || strings.ContainsRune(".:", r)
			s = s[n:]
		default:
			l.add(token{kind: tokenStray, text: s[:n]})
			s = s[n:]
		}
	}
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// wordLength is the length of the word that s begins with: letters, and
// apostrophes between letters. "e.g." and "i.e." are words.
func wordLength(s string) int {
	for _, abbreviation := range []string{"e.g.", "i.e."} {
		if strings.HasPrefix(s, abbreviation) {
			return len(abbreviation)
		}
	}
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if (r == '\'' || r == '’') && n+size < len(s) && isLetter(rune(s[n+size])) {
			n += size
			continue
		}
		if !isLetter(r) {
			break
		}
		n += size
	}
	return n
}

// sentences cuts tokens at full stops.
func sentences(tokens []token) [][]token { return split(tokens, ".") }

// clauses cuts tokens at commas, too.
func clauses(tokens []token) [][]token { return split(tokens, ".;:,()–—") }

// split cuts at marks, without copying: the parts share the tokens' memory.
func split(tokens []token, at string) [][]token {
	var out [][]token
	start := 0
	for i := range tokens {
		if tokens[i].kind == tokenMark && strings.Contains(at, tokens[i].text) {
			out = append(out, tokens[start:i:i])
			start = i + 1
		}
	}
	return append(out, tokens[start:])
}
