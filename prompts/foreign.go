package prompts

import (
	"math"
	"regexp"
	"strings"
	"unicode"
)

// maxForeign bounds a text of an application or a repository, in runes.
const maxForeign = 120

// Inert makes a foreign text safe to print as a value: without secrets,
// printable, and bounded.
func Inert(s string) string { return bounded(Printable(Redact(s)), maxForeign) }

// Foreign makes a foreign text fit for Facts: [Inert], and dead in Markdown, in
// HTML, in our own references and as an instruction. Characters that mean
// something there become look-alikes that mean nothing.
func Foreign(s string) string { return disarmed(s, maxForeign) }

// maxReason bounds a reason, in runes.
const maxReason = 400

// ForeignReason is [Foreign] for a sentence of ours that may quote the values
// of a configuration or a repository: longer.
func ForeignReason(s string) string { return disarmed(s, maxReason) }

func disarmed(s string, limit int) string {
	s = reference.ReplaceAllString(markup.Replace(Printable(Redact(s))), "$1‑$2")
	if instruction.MatchString(s) {
		return "(withheld: reads like an instruction)"
	}
	return bounded(s, limit)
}

var markup = strings.NewReplacer(
	"<", "‹", ">", "›", "`", "ˋ", "@", "＠", "|", "¦", "{{", "｛｛", "}}", "｝｝", "](", "] (", "![", "! [",
	"://", ":⁄⁄", "www.", "www․", "#", "＃", "~~~", "∼∼∼", "\t", " ",
)

// reference is the number of an issue as GitHub links it without a hash.
var reference = regexp.MustCompile(`(?i)\b(gh)-([0-9])`)

// instruction matches what speaks to its reader. It is one of three walls: a
// model never sees a foreign text, and what an instruction would make of an
// answer does not pass Check.
var instruction = regexp.MustCompile(`(?i)\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(instructions?|rules?|above|previous|prior|prompt|facts?|check)\b` +
	`|\b(system|assistant|user|human)\s*(:|prompt\b|message\b)` +
	`|\b(you (are|must|should|will|can|shall)|as an? (ai|assistant|language model)|respond with|answer with|reply with|instead,? (write|say|set|recommend)|(please|must|should|now|always) (set|write|say|approve|merge|recommend|raise|lower|use|add)|recommend (setting|raising|lowering|the|a|to)|approve (this|the)|merge (this|it|the))\b`)

func bounded(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

// Printable makes a foreign text one line without control or formatting
// characters, which could drive a terminal or reorder text.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// redacted stands where a secret was.
const redacted = "(redacted)"

// secrets are the shapes of credentials. What a shape keeps is in its groups:
// the name of a property or the user's part of an address says what was there.
var secrets = []struct {
	shape *regexp.Regexp
	keep  string
}{
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|$)`), ""},
	{regexp.MustCompile(`\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{12,}\b`), ""},
	{regexp.MustCompile(`(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-|dapi|AIza)[A-Za-z0-9_.\-]{16,}`), ""},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_\-]{6,}\.[A-Za-z0-9_\-.]+`), ""},
	{regexp.MustCompile(`(?i)(jdbc:oracle:[a-z]+:)[^\s/@]+/\S*@`), "$1"},
	{regexp.MustCompile(`(://)[^\s/@]*:\S*@`), "$1"},
	{regexp.MustCompile(`(?i)(\bauthorization["']?\s*[=:]\s*["']?(?:(?:bearer|basic|token|digest)\s+)?)[^\s"',;]+`), "$1"},
	{regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[A-Za-z0-9+/=_.\-]{8,}`), "$1"},
	{regexp.MustCompile(`(?i)(\b(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|[\w.\-]*webhook\.office\.com)/)[^\s"'<>]+`), "$1"},
	// A value after its name: assigned, the next argument, or the next word
	// where the name is an option or a line of a properties file.
	{regexp.MustCompile(`(?i)(` + secretName + `["']?\s*[=:]\s*)(?:"[^"]*"?|'[^']*'?|[^\s"'&;,]+)`), "$1"},
	{regexp.MustCompile(`(?i)(` + secretName + `["']\s*,\s*)(?:"[^"]*"?|'[^']*'?)`), "$1"},
	{regexp.MustCompile(`(?i)((?:(?:^|[\s"'(\[,])--?|\b(?:spark|hadoop|hive|javax|fs)\.)` + secretName + `["']?\s+)(?:"[^"]*"?|'[^']*'?|[^\s"'&;,=:(][^\s"'&;,]*)`), "$1"},
}

// secretName is the name of something that holds a credential. The short words
// count only as a word of the name: neither bypass nor authenticate does.
const secretName = `[\w.\-]*(?:secret|passw(?:or)?d|passphrase|pwd|token|credential|access[-_.]?key|api[-_.]?key|private[-_.]?key|account[-_.]?key|signature|\bsig|\bsas` +
	`|(?:\b|_)(?:pass|pw|auth)(?:\b|_)|(?-i:[a-z0-9](?:Pass|Pw|Auth)\b))[\w.\-]*`

// awsSecret is the shape of a secret access key, which may hold slashes.
var awsSecret = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

var longToken = regexp.MustCompile(`[A-Za-z0-9+/=_]{20,}`)

// Redact replaces credentials in a foreign text: those of known shape, values
// of properties that are named like one, and tokens that look random.
func Redact(s string) string {
	for _, secret := range secrets {
		s = secret.shape.ReplaceAllString(s, secret.keep+redacted)
	}
	return longToken.ReplaceAllStringFunc(s, func(token string) string {
		if awsSecret.MatchString(token) && kinds(token) == 3 && entropy(token) > 4.2 {
			return redacted
		}
		parts := strings.Split(token, "/") // of a path
		for i := range parts {
			parts[i] = redactRandom(parts[i])
		}
		return strings.Join(parts, "/")
	})
}

func redactRandom(token string) string {
	if len(token) >= 20 && (randomText(token) || len(token) >= 32 && hexText(token)) {
		return redacted
	}
	return token
}

// randomText says whether a token changes between digits, capitals and small
// letters as only random text does: names in camel case do so at word ends.
func randomText(token string) bool {
	changes, last := 0, -1
	for _, r := range token {
		class := charClass(r)
		if last >= 0 && class >= 0 && class != last {
			changes++
		}
		last = class
	}
	return float64(changes) >= 0.35*float64(len(token)) && entropy(token) >= 3.4
}

// kinds counts which of digits, capitals and small letters a token has.
func kinds(token string) int {
	var seen [3]int
	for _, r := range token {
		if class := charClass(r); class >= 0 {
			seen[class] = 1
		}
	}
	return seen[0] + seen[1] + seen[2]
}

func charClass(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return 0
	case r >= 'A' && r <= 'Z':
		return 1
	case r >= 'a' && r <= 'z':
		return 2
	}
	return -1
}

func hexText(token string) bool {
	return strings.Trim(token, "0123456789abcdefABCDEF") == "" && strings.ContainsAny(token, "abcdefABCDEF") && strings.ContainsAny(token, "0123456789")
}

// entropy is Shannon's, in bits a character.
func entropy(s string) float64 {
	n := make(map[rune]float64)
	for _, r := range s {
		n[r]++
	}
	var h float64
	for _, k := range n {
		p := k / float64(len(s))
		h -= p * math.Log2(p)
	}
	return h
}
