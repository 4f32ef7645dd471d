package patcher

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A word is one argument of a command line with the bytes that spell it.
type word struct {
	pieces []piece
	item   span   // of the whole item where the command line is a list
	slots  []slot // other ways to write the item
	// opening is the first character of the word in a script, a quote too.
	opening []piece
}

func (w word) text() string { return joinPieces(w.pieces) }

// hole returns why a word is not known, "" when it is.
func (w word) hole() string { return textValue(span{}, w.pieces).hole() }

// from returns the value of a word from offset i on.
func (w word) from(i int) *value {
	ps := cut(w.pieces, i, len(w.text()))
	v := textValue(spanOf(ps), ps)
	if i == 0 && w.item.src != nil {
		v.at, v.slots = w.item, w.slots
	}
	return v
}

// isSparkSubmit reports whether a word runs spark-submit.
func isSparkSubmit(s string) bool {
	switch path.Base(s) {
	case "spark-submit", "spark2-submit", "spark3-submit", "spark-submit.sh", "spark-submit2", "dse-spark-submit":
		return true
	}
	return false
}

// flagsWithValue are spark-submit's options that take a value. Without the
// full list the application, where the options end, is not to be found.
var flagsWithValue = map[string]bool{
	"archives": true, "class": true, "conf": true, "c": true, "deploy-mode": true, "driver-class-path": true, "driver-cores": true,
	"driver-java-options": true, "driver-library-path": true, "driver-memory": true, "exclude-packages": true, "executor-cores": true,
	"executor-memory": true, "files": true, "jars": true, "keytab": true, "kill": true, "master": true, "name": true, "num-executors": true,
	"packages": true, "principal": true, "properties-file": true, "proxy-user": true, "py-files": true, "queue": true, "remote": true,
	"repositories": true, "status": true, "total-executor-cores": true,
}

// bareFlags are the ones without a value.
var bareFlags = map[string]bool{"verbose": true, "v": true, "supervise": true, "version": true, "help": true, "h": true, "usage-error": true, "load-spark-defaults": true}

// A submission is a spark-submit command line as it is read.
type submission struct {
	d       *declared
	words   []word // behind spark-submit
	end     int    // index of the application, len(words) without one
	program span   // the word spark-submit, where it is an item of a list
	joined  bool   // sizes are written --flag=value
	flags   bool   // some sizes are written as flags
	confs   bool   // some are written as --conf
}

// submission reads the options of a command line up to the application.
func (d *declared) submission(words []word) *submission {
	s := &submission{d: d, words: words}
	i := 0
	for i < len(words) {
		n := s.option(i)
		if n == 0 {
			break
		}
		i += n
	}
	s.end = i
	if i < len(words) {
		d.Hints.Application = words[i].from(0).template()
		s.strays(words[i+1:])
	}
	return s
}

// option reads the option at word i and returns how many words it has; 0 ends
// the options.
func (s *submission) option(i int) int {
	w := s.words[i]
	name, val, n := splitOption(s.words[i:])
	switch {
	case name == "" && w.hole() != "" && s.maybeOptions(i):
		s.d.open = append(s.d.open, open{why: w.hole(), at: spanOf(w.pieces)})
		for _, site := range s.d.sites {
			site.Dynamic = cmp.Or(site.Dynamic, "it may be overridden: "+w.hole())
		}
		return 1
	case name == "":
		return 0
	case val == nil:
		return 1
	}
	s.set(name, val, w)
	return n
}

// runs reports whether a command line runs an application, as far as is known:
// it does not stop, show or explain something.
func (s *submission) runs() bool {
	for _, w := range s.words[:s.end] {
		name, _, _ := strings.Cut(w.text(), "=")
		if slices.Contains([]string{"--help", "-h", "--kill", "--status", "--version"}, name) {
			return false
		}
	}
	return s.end < len(s.words) || len(s.d.open) > 0
}

// optionNames are the words in the names of variables that hold options.
var optionNames = regexp.MustCompile(`(?i)opt|arg|conf|extra|flag|param`)

// maybeOptions tells a word that only the run time knows and that may be
// options from one that is the application.
func (s *submission) maybeOptions(i int) bool {
	if i+1 < len(s.words) && strings.HasPrefix(s.words[i+1].text(), "-") {
		return true
	}
	return optionNames.MatchString(spanOf(s.words[i].pieces).String())
}

// splitOption reads --flag value, --flag=value and "--flag value" in one word.
func splitOption(words []word) (name string, val *value, n int) {
	t := words[0].text()
	if !strings.HasPrefix(t, "-") {
		return "", nil, 0
	}
	name = strings.TrimLeft(t, "-")
	if i := strings.IndexAny(name, "= "); i >= 0 {
		from := len(t) - len(name) + i
		for from < len(t) && (t[from] == '=' || t[from] == ' ') {
			from++
		}
		return name[:i], words[0].from(from), 1
	}
	if bareFlags[name] || len(words) == 1 {
		return name, nil, 1
	}
	return name, words[1].from(0), 2
}

// set records one option.
func (s *submission) set(name string, val *value, w word) {
	d := s.d
	joined := strings.Contains(w.text(), "=") && name != "conf" && name != "c"
	switch name {
	case "conf", "c":
		s.conf(val)
		return
	case "name":
		d.Hints.AppName = val.template()
		return
	case "class":
		d.Hints.Class = val.template()
		return
	case "deploy-mode":
		mode, _ := val.str()
		d.clusterMode = mode == "cluster"
		return
	case "driver-java-options":
		d.add("spark.driver.extraJavaOptions", "--"+name, byFlag, val, nil)
		return
	}
	for _, p := range properties {
		if p.flag == name && name != "" {
			s.joined, s.flags = s.joined || joined, true
			d.add(p.key, "--"+name, byFlag, val, nil)
			return
		}
	}
	if !flagsWithValue[name] {
		d.closed = "the option --" + name + " is not spark-submit's own, so it is not clear where the options end"
	}
}

// conf records --conf key=value.
func (s *submission) conf(val *value) {
	t := joinPieces(val.pieces)
	key, _, ok := strings.Cut(t, "=")
	if !ok || strings.Contains(key, holeText) || strings.Contains(key, "JJ") && !strings.HasPrefix(key, "spark.") {
		s.d.open = append(s.d.open, open{why: "a --conf is computed at run time: " + shorten(val.at.String()), at: val.at})
		return
	}
	s.confs = true
	ps := cut(val.pieces, len(key)+1, len(t))
	v := textValue(spanOf(ps), ps)
	if key == "spark.app.name" && s.d.Hints.AppName == "" {
		s.d.Hints.AppName = v.template()
	}
	s.d.add(key, "--conf "+key, byConf, v, nil)
}

// strays tells of size options behind the application.
func (s *submission) strays(args []word) {
	for i := range args {
		name, _, n := splitOption(args[i:])
		if n > 0 && slices.ContainsFunc(properties, func(p property) bool { return p.flag == name && name != "" }) {
			s.d.note(spanOf(args[i].pieces), "--%s stands behind the application: it is the program's own argument, not spark-submit's, and changes nothing", name)
		}
	}
}

// names returns how a property is added to the command line.
func (s *submission) names(confOnly bool) func(property) []string {
	return func(p property) []string {
		switch {
		case s.d.closed != "":
			return nil
		case p.flag == "" || confOnly && !s.flags || s.confs && !s.flags:
			return []string{"--conf", p.key}
		}
		return []string{"--" + p.flag}
	}
}

// spell writes additions as words of a command line.
func (a addition) option() []string {
	switch {
	case len(a.path) == 2:
		return []string{a.path[0], a.path[1] + "=" + a.value}
	case a.slot.joined:
		return []string{a.path[0] + "=" + a.value}
	}
	return []string{a.path[0], a.value}
}
