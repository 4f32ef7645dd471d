package patcher

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sort"
)

// A target is one property of one job, the unit that a place can feed.
type target struct {
	job *declared
	key string
}

// A placeID names a place by its bytes; op is -1 for a literal itself.
type placeID struct {
	src        *source
	start, end int
	op         slotOp
	name       string
}

const opLiteral slotOp = -1

func (s slot) id() placeID  { return placeID{s.at.src, s.at.start, s.at.end, s.op, s.name} }
func (p piece) id() placeID { return placeID{p.at.src, p.at.start, p.at.end, opLiteral, ""} }

// users knows which jobs a place feeds and which reads of a name are
// understood to feed jobs.
type users struct {
	feeds map[placeID]map[target]bool
	known map[*source]map[span]bool // reads of names that lead to a site or a gap
	// index are the known reads of a source in the order of the text, joined
	// where one holds another.
	index map[*source][]span
	total map[*binding]string
	jobs  map[string][]string // what the places of a value feed
	f     *finder
}

// countUsers notes for every place which jobs it feeds.
func (f *finder) countUsers() {
	u := &users{feeds: map[placeID]map[target]bool{}, known: map[*source]map[span]bool{}, total: map[*binding]string{}, jobs: map[string][]string{}, index: map[*source][]span{}, f: f}
	for _, d := range f.jobs {
		d.settle()
		for _, s := range d.sites {
			u.site(d, s)
		}
		for _, g := range d.gaps {
			u.slots(g.slots, target{d, ""})
			u.slots(g.parts, target{d, ""})
		}
	}
	f.users = u
}

func (u *users) site(d *declared, s *site) {
	t := target{d, s.Key}
	for _, p := range runs(s.val.pieces) {
		u.read(p.under)
		u.slotReads(p.inline)
		if !s.Shadowed {
			u.feed(p.id(), t)
			for _, in := range p.inline {
				u.feed(in.id(), t)
			}
		}
	}
	for _, a := range s.over {
		u.slots([]slot{a.slot}, target{d, ""})
	}
	u.slotReads(s.val.slots)
	if !s.Shadowed {
		u.slots(s.val.slots, t)
	}
}

func (u *users) slots(ss []slot, t target) {
	u.slotReads(ss)
	for _, s := range ss {
		u.feed(s.id(), t)
	}
}

func (u *users) slotReads(ss []slot) {
	for _, s := range ss {
		u.read(s.under)
	}
}

func (u *users) feed(id placeID, t target) {
	if u.feeds[id] == nil {
		u.feeds[id] = map[target]bool{}
	}
	u.feeds[id][t] = true
}

func (u *users) read(under []use) {
	for _, x := range under {
		if u.known[x.at.src] == nil {
			u.known[x.at.src] = map[span]bool{}
		}
		u.known[x.at.src][x.at] = true
	}
}

// maxUsers is how many users of a value are named; a file may hold thousands.
const maxUsers = 20

// of returns the IDs of the jobs that a site's literal feeds, sorted: the first
// ones, and how many more there are.
func (u *users) of(s *site) ([]string, int) {
	var places []placeID
	for _, p := range runs(s.val.pieces) {
		places = append(places, p.id())
	}
	// A place of this job alone adds nothing, and what is left is the same for
	// all that share it.
	shared := slices.DeleteFunc(slices.Clone(places), func(id placeID) bool { return len(u.feeds[id]) < 2 })
	if len(shared) > 0 {
		places = shared
	}
	key := fmt.Sprint(places)
	all, ok := u.jobs[key]
	if !ok {
		for _, id := range places {
			for t := range u.feeds[id] {
				all = append(all, t.job.ID)
			}
		}
		slices.Sort(all)
		all = slices.Compact(all)
		u.jobs[key] = all
	}
	n := min(len(all), maxUsers)
	return all[:n:n], len(all) - n
}

// others returns what else than known jobs reads a place through the names
// that lead to it, "" when nothing does.
func (u *users) others(under []use) string {
	for _, x := range under {
		why, ok := u.total[x.bind]
		if !ok {
			why = u.unknownReader(x.bind)
			u.total[x.bind] = why
		}
		if why != "" {
			return why
		}
	}
	return ""
}

// unknownReader returns where a name is read that no job is known to come from.
func (u *users) unknownReader(b *binding) string {
	own := b.scope.mod
	from, to := 0, len(own.text)
	if b.scope.def != nil {
		from, to = b.scope.def.start, b.scope.def.end
	}
	if why := u.unknownRead(own.source, b.name, from, to); why != "" || b.scope.def != nil {
		return why
	}
	name := b.name
	if b.kind == bindImport {
		return ""
	}
	module := []byte(baseName(own.path))
	if string(module) == "__init__" {
		module = nil
	}
	for _, p := range u.f.paths {
		src := u.f.files[p]
		if src == own.source || !bytes.HasSuffix([]byte(p), []byte(".py")) || !bytes.Contains(src.text, []byte(name)) || !bytes.Contains(src.text, module) {
			continue
		}
		if why := u.unknownRead(src, name, 0, len(src.text)); why != "" {
			return why
		}
	}
	return ""
}

// unknownRead looks for a read of name in a part of a file. It reads tokens,
// not a tree: a doubtful word counts as a reader, which is the safe side.
func (u *users) unknownRead(src *source, name string, from, to int) string {
	for _, at := range pyWords(src.text[from:to], name) {
		at += from
		if !u.isKnown(src, at) {
			return fmt.Sprintf("line %d of %s reads %s too", src.line(at), src.path, name)
		}
	}
	return ""
}

// isKnown reports whether an offset lies in a read that is understood. All
// reads are known before the first question.
func (u *users) isKnown(src *source, at int) bool {
	joined, ok := u.index[src]
	if !ok {
		all := slices.SortedFunc(maps.Keys(u.known[src]), func(a, b span) int { return a.start - b.start })
		for _, s := range all {
			if n := len(joined); n > 0 && s.start < joined[n-1].end {
				joined[n-1].end = max(joined[n-1].end, s.end)
				continue
			}
			joined = append(joined, s)
		}
		u.index[src] = joined
	}
	i := sort.Search(len(joined), func(i int) bool { return joined[i].end > at })
	return i < len(joined) && joined[i].start <= at
}

// pyWords returns the offsets where a word stands as a name that may be read:
// not in a comment, a plain string or an import, not behind a dot, and not
// where it is bound or names an argument.
func pyWords(text []byte, name string) []int {
	var out []int
	s := pyScanner{src: text}
	start := 0
	for s.pos < len(text) {
		switch c := text[s.pos]; {
		case c == '#':
			s.skipTo('\n')
		case c == '\'' || c == '"':
			from := s.pos
			format := from > 0 && (text[from-1]|0x20 == 'f' || from > 1 && text[from-2]|0x20 == 'f' && text[from-1]|0x20 == 'r')
			s.quoted(c)
			if format {
				for at := nextWord(text[:s.pos], name, from); at >= 0; at = nextWord(text[:s.pos], name, at+len(name)) {
					out = append(out, at)
				}
			}
		case isWord(c):
			n := wordLen(text[s.pos:])
			if string(text[s.pos:s.pos+n]) == name && isRead(text, s.pos, n, start) {
				out = append(out, s.pos)
			}
			s.pos += n
		case c == '\n':
			s.pos++
			start = s.pos
		default:
			s.pos++
		}
	}
	return out
}

// isRead tells a read of a name from a binding of it by its neighbours.
func isRead(text []byte, at, n, lineStart int) bool {
	before := bytes.TrimRight(text[lineStart:at], " \t")
	after := bytes.TrimLeft(text[at+n:], " \t")
	first := bytes.TrimLeft(text[lineStart:at], " \t")
	switch w := string(first[:wordLen(first)]); {
	case w == "import" || w == "from":
		return bytes.HasPrefix(after, []byte("as ")) // an alias that may be read elsewhere
	case w == "def" || w == "class":
		return len(bytes.TrimSpace(first)) > len(w)
	case bytes.HasSuffix(before, []byte(".")):
		return true
	case bytes.HasSuffix(before, []byte("len(")) && bytes.HasPrefix(after, []byte(")")):
		return false // how many there are makes no job
	case len(after) > 1 && after[0] == '=' && after[1] != '=':
		return false
	case bytes.HasSuffix(before, []byte(" as")) || len(after) > 0 && after[0] == ':' && len(before) == 0:
		return false
	}
	return true
}
