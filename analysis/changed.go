package analysis

// Changed are the settings that sparktune may write and that differ between two
// runs, in the order of [Properties]. Who changed them and why is not known.
func Changed(before, after *Run) []Change {
	var out []Change
	for i := range Properties {
		p := &Properties[i]
		if !p.Write || before.Conf.canonical(p) == after.Conf.canonical(p) {
			continue
		}
		from := before.Conf[p.Name]
		out = append(out, Change{Key: p.Name, From: from, Effective: before.Conf.text(p), To: after.Conf.text(p)})
	}
	return out
}
