package webhooks

import (
	"regexp"
	"strings"
)

// maxCommand is how long the line of a command may be, in bytes.
const maxCommand = 200

// grammar is one command a comment: the name, a verb, and the rest for the verb.
var grammar = regexp.MustCompile(`^(?i:/sparktune)(?:[ \t]+([A-Za-z-]+)(?:[ \t]+(\S.*))?)?$`)

// command reads the command of a comment: its first line that is not blank, a
// quote or code. Prose that mentions the command later is none.
func command(body string) (verb, args string, ok bool) {
	line := firstLine(body)
	if len(line) > maxCommand {
		return "", "", false
	}
	m := grammar.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	if m[1] == "" {
		return "help", "", true
	}
	return strings.ToLower(m[1]), m[2], true
}

// firstLine is the first line of Markdown that its writer says himself.
func firstLine(body string) string {
	fence := "" // the marks that opened a block of code
	for line := range strings.Lines(body) {
		line = strings.TrimRight(line, " \t\r\n")
		text := strings.TrimLeft(line, " ")
		marks := fenceMarks(text)
		switch {
		case fence != "":
			// Closed by at least as many of the same marks, and nothing else.
			if strings.HasPrefix(marks, fence) && marks == text {
				fence = ""
			}
		case line == "" || strings.HasPrefix(text, ">"):
		case strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t"): // indented code
		case marks != "":
			fence = marks
		default:
			return text
		}
	}
	return ""
}

func fenceMarks(text string) string {
	for _, mark := range []string{"`", "~"} {
		if n := len(text) - len(strings.TrimLeft(text, mark)); n >= 3 {
			return text[:n]
		}
	}
	return ""
}
