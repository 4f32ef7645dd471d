package patcher

import (
	"cmp"
	"slices"
	"strings"
)

// A Refusal is something that would be left alone whatever is wanted: a whole
// job, or one property of it.
type Refusal struct {
	Key    string // "" for the whole job
	Path   string
	Line   int
	Reason string
	Remedy string // what a person could do
}

// refusals lists what can be said of a job before anything is wanted of it.
func (d *declared) refusals() []Refusal {
	var out []Refusal
	add := func(key string, at span, reason, remedy string) {
		out = append(out, Refusal{key, at.path(), at.line(), reason, remedy})
	}
	if d.many != "" {
		add("", d.at, d.many, "change all of them alike by hand, or give this one a declaration of its own")
	}
	if d.at.src.says().generated > 0 {
		add("", d.at, "the head of the file says that a tool writes it", "change what it is made from")
	}
	if line := marked(d.at); line > 0 {
		add("", d.at, "a comment says that sparktune leaves it alone", "remove the comment to have it changed")
	}
	for _, o := range d.open {
		if o.code {
			add("", o.at, "the application may set any property itself here, which beats every other place", "change it there")
			continue
		}
		add("", o.at, o.why+"; it may set any property that is not set here for certain", remedyFor(o.why))
	}
	if d.closed != "" && len(d.gaps) == 0 {
		reason, remedy, _ := strings.Cut(d.closed, "; ")
		add("", d.at, "nothing can be added: "+reason, cmp.Or(remedy, "add it by hand"))
	}
	for _, s := range d.sites {
		if !s.Shadowed {
			out = append(out, s.refusals(d)...)
		}
	}
	slices.SortStableFunc(out, func(a, b Refusal) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), strings.Compare(a.Reason, b.Reason))
	})
	return slices.Compact(out)
}

// refusals lists why the value that wins would be left alone.
func (s *site) refusals(d *declared) []Refusal {
	say := func(reason, remedy string) []Refusal { return []Refusal{{s.Key, s.Path, s.Line, reason, remedy}} }
	switch {
	case s.Dynamic != "":
		return say(s.Dynamic, remedyFor(s.Dynamic))
	case s.rank == byCode:
		return say("the job's own code sets it, which beats every other place", "change it there")
	case s.rank == byOverlay:
		return say("a Kustomize patch sets it wherever that overlay is built", "decide whether the patch or the manifest is meant, and change that")
	case marked(append(slices.Clip(s.scopes), s.val.at, s.literal())...) > 0:
		return say("a comment says that sparktune leaves it alone", "remove the comment to have it changed")
	case s.literal().src != d.at.src && s.literal().src.says().generated > 0 && len(s.over) == 0 && len(s.val.slots) == 0:
		return say("the head of the file says that a tool writes it", "change what it is made from")
	}
	return nil
}

// remedies are what a person could do about a value that only the run time
// knows, by what its text or the reason names; the first that fits.
var remedies = []struct{ word, remedy string }{
	{"Helm value", "change it in the values of the chart, or of the installation"},
	{"environ", "change the environment of the workers, or write the value here"},
	{"getenv", "change the environment of the workers, or write the value here"},
	{"Variable.get", "change the Airflow Variable, or write the value here"},
	{"var.", "change the Airflow Variable, or write the value here"},
	{"xcom", "change the task that computes it"},
	{"template", "change what the template reads, or write the value here"},
	{"$", "change the variable of the script where it is set, or write the value here"},
	{"expand", "change the values that the task is mapped over"},
	{"loop", "change what the loop runs over"},
	{"condition", "change it in each branch"},
	{"in a branch", "change it in each branch"},
	{"callers", "change it where the function is called"},
	{"None", "set it here, or where the default comes from"},
	{"parse", "mend the syntax first"},
}

func remedyFor(reason string) string {
	for _, r := range remedies {
		if strings.Contains(reason, r.word) {
			return r.remedy
		}
	}
	return "change it where it is computed, or write the value here"
}
