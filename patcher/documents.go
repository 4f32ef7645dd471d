package patcher

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
)

// jobsOfDocuments reads the files that are not Python. Those that a DAG names
// have been read with it.
func (f *finder) jobsOfDocuments() {
	read := f.literals()
	for _, p := range f.paths {
		src := f.files[p]
		if !f.enter(p) || f.claimed[p] || path.Ext(p) == ".py" || !f.concerns(src) {
			continue
		}
		before := len(f.jobs)
		if why := f.document(src); why != "" && len(f.jobs) == before {
			f.skip(p, why)
		}
		own := slices.DeleteFunc(f.jobs[before:], func(d *declared) bool {
			return slices.ContainsFunc(d.sites, func(s *site) bool { return read[placeOf(s)] })
		})
		f.jobs = f.jobs[:before+len(own)]
	}
}

// literals are the places that the jobs of DAGs read: a row of a table that a
// DAG makes a task of is that task, not a job beside it.
func (f *finder) literals() map[placeID]bool {
	out := map[placeID]bool{}
	for _, d := range f.jobs {
		for _, s := range d.sites {
			out[placeOf(s)] = true
		}
	}
	return out
}

// placeOf is the place of a site's literal.
func placeOf(s *site) placeID {
	if len(s.val.pieces) == 0 {
		return placeID{}
	}
	return s.val.pieces[0].id()
}

// document reads one file by its name and returns why it has no jobs.
func (f *finder) document(src *source) string {
	name := strings.TrimSuffix(src.path, path.Ext(src.path))
	switch ext := path.Ext(src.path); ext {
	case ".j2", ".jinja", ".jinja2", ".tpl", ".tmpl":
		if inner := path.Ext(name); inner != "" {
			return f.documentAs(src, inner)
		}
		return f.documentAs(src, ".yaml")
	default:
		return f.documentAs(src, ext)
	}
}

// documentAs reads a file as what an extension says it is.
func (f *finder) documentAs(src *source, ext string) string {
	v := src.value()
	switch ext {
	case ".yaml", ".yml":
		docs, why := readYAML(masked(v.pieces, nil))
		for _, doc := range docs {
			f.tables(doc, src)
		}
		return why
	case ".json":
		doc, why := readJSON(v.pieces)
		if why == "" {
			f.tables(doc, src)
		}
		return why
	case ".sh", ".bash":
		return f.script(v, src)
	case ".conf", ".properties", ".hocon":
		if ext == ".hocon" || ext == ".conf" && isHOCON(src) {
			doc, why := readHOCON(src)
			if why == "" {
				f.tables(doc, src)
			}
			return why
		}
		f.clusterDefaults(src)
	}
	return ""
}

// isHOCON tells HOCON from lines of "key value": a line of it opens an object.
// A brace in a value or a comment of spark-defaults does not.
func isHOCON(src *source) bool {
	for line := range bytes.Lines(src.text) {
		line, _, _ = bytes.Cut(line, []byte("#"))
		line = bytes.TrimSpace(line)
		if bytes.HasSuffix(line, []byte("{")) || bytes.HasSuffix(line, []byte("}")) && bytes.ContainsAny(line, "=:") && !bytes.Contains(line, []byte("${")) {
			return true
		}
	}
	return false
}

// script is a shell script: every spark-submit in it is a job.
func (f *finder) script(v *value, src *source) string {
	ps := masked(v.pieces, nil)
	found, why := shellCommands(ps, 0)
	for _, c := range found {
		base := &declared{at: c.at}
		base.Operator = "spark-submit"
		for _, d := range base.command(c, nil) {
			d.passed()
			f.declare(d)
		}
	}
	return why
}

// passed tells of a script that runs whatever job its arguments name.
func (d *declared) passed() {
	if text := d.at.String(); strings.Trim(d.Hints.Application, "{} ") == "" && (strings.Contains(text, "$@") || strings.Contains(text, "$*")) {
		d.many = "the script submits whatever its caller names"
	}
}

// sections matches the head of a section of an INI file.
var sections = regexp.MustCompile(`(?m)^\[[\w .-]+\]\s*$`)

// clusterDefaults is a spark-defaults.conf: it sizes every job of a cluster.
func (f *finder) clusterDefaults(src *source) {
	if sections.Match(src.text) {
		return // a program's own INI file
	}
	d := &declared{at: span{src, 0, 0}}
	d.Operator, d.alias = "spark-defaults", "spark-defaults"
	d.many = "spark-defaults applies to every job of the cluster"
	for _, x := range propertyLines(src) {
		if strings.HasPrefix(x.key, "spark.") {
			d.add(x.key, x.key, byDefaults, x.val, nil)
		}
	}
	if len(d.sites) > 0 {
		f.declare(d)
	}
}

// propertyLines reads lines of "key value", "key=value" and "key: value".
func propertyLines(src *source) []entry {
	var out []entry
	for at := 0; at < len(src.text); {
		end := src.lineEnd(at)
		line := string(src.text[at:end])
		body := strings.TrimLeft(line, " \t")
		from := at + len(line) - len(body)
		if n := strings.IndexAny(body, " \t=:"); n > 0 && body[0] != '#' && body[0] != '!' {
			rest := strings.TrimLeft(body[n:], " \t=:")
			start := from + len(body) - len(rest)
			value := span{src, start, start + len(strings.TrimRight(rest, " \t"))}
			out = append(out, entry{
				key: body[:n], at: span{src, from, end},
				val: textValue(value, []piece{{text: value.String(), at: value, same: true}}),
			})
		}
		next := bytes.IndexByte(src.text[end:], '\n')
		if next < 0 {
			break
		}
		at = end + next + 1
	}
	return out
}
