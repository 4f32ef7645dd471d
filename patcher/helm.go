package patcher

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// chartOf returns the folder of the Helm chart that a file belongs to, "" when
// it belongs to none.
func (f *finder) chartOf(p string) (string, bool) {
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if f.files[path.Join(dir, "Chart.yaml")] != nil {
			return dir, true
		}
		if dir == "." || dir == "/" {
			return "", false
		}
	}
}

// isHelmValues reports whether a file holds the values of a chart: what they
// size is decided by its templates, and each installation may have its own.
func (f *finder) isHelmValues(p string) bool {
	_, in := f.chartOf(p)
	return in && strings.HasPrefix(path.Base(p), "values")
}

// helmValue matches a template that writes one value of a chart.
var helmValue = regexp.MustCompile(`\.Values\.([\w.]+)`)

// helm points the sites that a Helm value decides to where that is written.
func (f *finder) helm() {
	for _, d := range f.jobs {
		dir, in := f.chartOf(d.at.path())
		if !in {
			continue
		}
		for _, s := range d.sites {
			m := helmValue.FindStringSubmatch(s.Dynamic)
			if m == nil {
				continue
			}
			f.root = d.root
			f.helmSite(s, dir, m[1])
		}
	}
}

func (f *finder) helmSite(s *site, dir, name string) {
	src := f.files[path.Join(dir, "values.yaml")]
	if src == nil {
		return
	}
	f.touch(src.path)
	v := f.yamlOf(src).path(strings.Split(name, ".")...)
	text, ok := v.str()
	if !ok {
		return
	}
	s.Form += " from .Values." + name
	s.Path, s.Line, s.Start, s.End = v.at.path(), v.at.line(), v.at.start, v.at.end
	s.Dynamic = fmt.Sprintf("the Helm value %s decides it, %s here unless an installation has its own", name, text)
}
