package patcher

import (
	"strings"
)

// awsCLI returns the jobs that a call of the AWS command line submits: steps of
// an EMR cluster, and runs on EMR Serverless and EMR on EKS.
func (d *declared) awsCLI(c command, params *value) []*declared {
	d.Operator = "aws " + c.words[0].text()
	opts := cliOptions(c.words)
	if name := opts["name"]; len(name) == 1 {
		d.Hints.AppName = name[0].from(0).template()
	}
	var out []*declared
	for _, w := range opts["steps"] {
		out = append(out, d.awsStep(w, params)...)
	}
	s := &shapes{params: params, main: d, load: func(string) *value { return nil }}
	for _, name := range []string{"job-driver", "configuration-overrides", "steps"} {
		for _, w := range opts[name] {
			if doc, why := readJSON(w.pieces); why == "" {
				s.walk("", &value{kind: mapping, at: doc.at, entries: []entry{{key: name, at: doc.at, val: doc}}}, 0)
			}
		}
	}
	return append(out, s.jobs()...)
}

// cliOptions are the words behind each --option; --option=value is one.
func cliOptions(words []word) map[string][]word {
	out := map[string][]word{}
	name := ""
	for _, w := range words {
		t := w.text()
		rest, ok := strings.CutPrefix(t, "--")
		if !ok {
			out[name] = append(out[name], w)
			continue
		}
		if i := strings.IndexByte(rest, '='); i >= 0 {
			from := cut(w.pieces, i+3, len(t))
			out[rest[:i]] = append(out[rest[:i]], word{pieces: from})
			rest = rest[:i]
		}
		name = rest
	}
	return out
}

// awsStep reads the short form of a step: Name=x,Type=Spark,Args=[a,b]. For
// Type=Spark the arguments are those of spark-submit.
func (d *declared) awsStep(w word, params *value) []*declared {
	t := w.text()
	start := strings.Index(t, "Args=[")
	end := strings.LastIndexByte(t, ']')
	if start < 0 || end < start || strings.HasPrefix(t, "[") || strings.HasPrefix(t, "{") {
		return nil
	}
	x := *d
	x.at = spanOf(w.pieces)
	var words []word
	at := start + len("Args=[")
	for arg := range strings.SplitSeq(t[at:end], ",") {
		words = append(words, word{pieces: masked(cut(w.pieces, at, at+len(arg)), params)})
		at += len(arg) + 1
	}
	spark := false
	for field := range strings.SplitSeq(t[:start]+t[end+1:], ",") {
		switch name, value, _ := strings.Cut(field, "="); strings.ToLower(name) {
		case "name":
			x.Hints.AppName, x.alias = value, value
		case "type":
			spark = strings.EqualFold(value, "spark")
		}
	}
	if !spark {
		i := 0
		for i < len(words) && !isSparkSubmit(words[i].text()) {
			i++
		}
		if i == len(words) {
			return nil
		}
		words = words[i+1:]
	}
	s := x.submission(words)
	x.gaps = append(x.gaps, s.commaGap())
	return []*declared{&x}
}

// commaGap is the place before the application in a list that commas part.
func (s *submission) commaGap() gap {
	g := gap{names: s.names(false), num: func(property) bool { return false }, at: s.d.at}
	if s.end >= len(s.words) || len(s.words[s.end].pieces) == 0 {
		g.shut = "the end of the options is computed at run time"
		return g
	}
	first := s.words[s.end].pieces[0].inText()
	g.slots = []slot{{op: opText, at: span{first.src, first.start, first.start}, under: s.words[s.end].pieces[0].under, joined: s.joined, dial: commaDialect}}
	return g
}

// commaDialect adds options to a list that commas part.
var commaDialect = &dialect{add: func(adds []addition) []Edit {
	at := adds[0].slot.at
	var b strings.Builder
	for _, a := range adds {
		for _, w := range a.option() {
			b.WriteString(w + ",")
		}
	}
	return []Edit{{at.start, at.start, b.String()}}
}}
