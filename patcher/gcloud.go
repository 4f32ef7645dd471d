package patcher

import (
	"slices"
	"strings"
)

// gcloudSpark are the kinds of jobs and batches of Dataproc that run Spark.
var gcloudSpark = map[string]bool{"spark": true, "pyspark": true, "spark-sql": true, "spark-r": true}

// gcloudCLI returns the job that a call of Google's command line submits to
// Dataproc: gcloud dataproc jobs submit pyspark x.py --properties=k=v,k=v.
func (d *declared) gcloudCLI(c command) []*declared {
	kind := slices.IndexFunc(c.words, func(w word) bool { return gcloudSpark[w.text()] })
	if kind < 2 || c.words[kind-1].text() != "submit" {
		return nil
	}
	d.Operator = "gcloud dataproc"
	words := c.words[kind+1:]
	if end := slices.IndexFunc(words, func(w word) bool { return w.text() == "--" }); end >= 0 {
		words = words[:end]
	}
	opts := cliOptions(words)
	d.Hints.Class = optionText(opts, "class")
	d.Hints.Application = firstOf(optionText(opts, "jar"), optionText(opts, "file"))
	if i := slices.IndexFunc(words, func(w word) bool { return strings.HasSuffix(w.text(), ".py") && !strings.HasPrefix(w.text(), "-") }); i >= 0 {
		d.Hints.Application = words[i].from(0).template()
	}
	g := gap{at: d.at, num: func(property) bool { return false }, names: func(p property) []string { return []string{p.key} }}
	var sl slot
	var ok bool
	if list := opts["properties"]; len(list) > 0 && len(list[0].pieces) > 0 && !strings.HasPrefix(list[0].text(), "^") {
		d.propertyList(list[0])
		sl, ok = behind(list[0].pieces)
		sl.dial = propertiesDialect(",")
	} else if len(list) == 0 {
		sl, ok = behind(c.words[kind].pieces)
		sl.dial = propertiesDialect(" --properties=")
	} else {
		d.open = append(d.open, open{why: "the properties are written in a way that is not followed", at: d.at})
	}
	if sl.op = opText; ok {
		g.slots = []slot{sl}
	} else {
		g.shut = "the end of the properties is computed at run time"
	}
	d.gaps = append(d.gaps, g)
	return []*declared{d}
}

func optionText(opts map[string][]word, name string) string {
	if list := opts[name]; len(list) > 0 {
		return list[0].from(0).template()
	}
	return ""
}

// propertyList reads k=v,k=v.
func (d *declared) propertyList(w word) {
	t, at := w.text(), 0
	for part := range strings.SplitSeq(t, ",") {
		key, _, ok := strings.Cut(part, "=")
		switch {
		case strings.Contains(key, holeText):
			d.open = append(d.open, open{why: "a property is computed at run time: " + shorten(part), at: spanOf(w.pieces)})
		case ok && strings.HasPrefix(key, "spark."):
			ps := cut(w.pieces, at+len(key)+1, at+len(part))
			d.add(key, "--properties "+key, byConf, textValue(spanOf(ps), ps), nil)
		}
		at += len(part) + 1
	}
}

// propertiesDialect adds properties to a list that commas part, or begins it.
func propertiesDialect(lead string) *dialect {
	return &dialect{add: func(adds []addition) []Edit {
		var all []string
		for _, a := range adds {
			all = append(all, a.path[0]+"="+a.value)
		}
		at := adds[0].slot.at
		return []Edit{{at.start, at.start, lead + strings.Join(all, ",")}}
	}}
}
