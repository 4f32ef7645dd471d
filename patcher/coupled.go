package patcher

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// startHeap matches the option that a JVM refuses to start with when it is
// larger than the heap.
var startHeap = regexp.MustCompile(`-Xms(\d+[kKmMgG]?)`)

// heapConflict returns why a job would not start with a smaller heap, and
// where that stands.
func heapConflict(d *declared, prop property, to string) (string, span) {
	role, ok := map[string]string{"spark.executor.memory": "executor", "spark.driver.memory": "driver"}[prop.key]
	if !ok {
		return "", span{}
	}
	for _, key := range []string{"spark." + role + ".extraJavaOptions", "spark." + role + ".defaultJavaOptions"} {
		s := d.winner(key)
		if s == nil {
			continue
		}
		m := startHeap.FindStringSubmatch(joinPieces(s.val.pieces))
		if m == nil {
			continue
		}
		// The JVM reads a bare number as bytes.
		start, ok := property{unit: bytesB}.bytes(m[1])
		heap, fine := prop.bytes(to)
		if ok && fine && start > heap {
			return fmt.Sprintf("%s at %s:%d is more than %s, so the JVM would not start; change both by hand", m[0], s.Path, s.Line, to), s.literal()
		}
	}
	return "", span{}
}

// roleOf returns whose property a size is: "executor" or "driver".
func roleOf(key string) string {
	if strings.HasPrefix(key, "spark.driver.") {
		return "driver"
	}
	return "executor"
}

// isCores reports whether a property is what a pod asks for, where the pod's
// own request does not say otherwise.
func isCores(key string) bool { return key == "spark.executor.cores" || key == "spark.driver.cores" }

// limitConflict returns why Kubernetes would not take a pod of more cores, and
// where its limit stands.
func limitConflict(d *declared, prop property, to string) (string, span) {
	pod := "spark.kubernetes." + roleOf(prop.key)
	limit := d.winner(pod + ".limit.cores")
	if !isCores(prop.key) || limit == nil || d.winner(pod+".request.cores") != nil {
		return "", span{}
	}
	most, ok := cpus(limit.Value)
	cores, err := strconv.ParseFloat(to, 64)
	if !ok || err != nil || cores <= most {
		return "", span{}
	}
	return fmt.Sprintf("the limit of the pod, %s at %s:%d, is less than %s cores, so it would not start; change both by hand", limit.Value, limit.Path, limit.Line, to), limit.literal()
}

// A podLimit is the most memory that Kubernetes gives a pod.
type podLimit struct {
	role   string
	client bool // spark-submit itself runs in the pod, and the driver in it
	memory *value
}

// podLimit notes the limit of a pod, where it is known.
func (d *declared) podLimit(role string, client bool, memory *value) {
	if _, ok := memory.str(); ok {
		d.limits = append(d.limits, podLimit{role, client, memory})
	}
}

// memoryConflict returns why a pod would not hold what it is to have, and where
// its limit stands.
func memoryConflict(d *declared, prop property, to string) (string, span) {
	for _, l := range d.limits {
		heapKey := "spark." + l.role + ".memory"
		size := func(key string) (int64, bool) {
			p, text := propertyOf(key), to
			if key != prop.key {
				s := d.winner(key)
				if s == nil {
					return 0, false
				}
				text = s.Value
			}
			return p.bytes(text)
		}
		text, _ := l.memory.str()
		most, ok := quantity(text)
		heap, known := size(heapKey)
		if !ok || !known || prop.key != heapKey && prop.key != heapKey+"Overhead" {
			continue
		}
		need, what := heap, ""
		if !l.client {
			overhead, set := size(heapKey + "Overhead")
			if !set {
				overhead = max(heap/10, 384<<20) // as Spark adds it
			}
			need, what = heap+overhead, " and its overhead"
		}
		if need > most {
			at := l.memory.at
			return fmt.Sprintf("the limit of the pod, %s at %s:%d, is less than the heap%s with %s %s; change both by hand", text, at.path(), at.line(), what, prop.key, to), at
		}
	}
	return "", span{}
}

// quantity reads an amount of bytes of Kubernetes: "5Gi", "500M", "1073741824".
func quantity(s string) (int64, bool) {
	digits := strings.TrimRight(s, "kKMGTi")
	by, ok := map[string]int64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}[s[len(digits):]]
	n, err := strconv.ParseFloat(digits, 64)
	return int64(n * float64(by)), ok && err == nil && n >= 0 && n < 1<<40
}

// cpus reads a quantity of Kubernetes: "2", "0.5", "2400m".
func cpus(s string) (float64, bool) {
	digits, milli := strings.CutSuffix(s, "m")
	n, err := strconv.ParseFloat(digits, 64)
	if milli {
		n /= 1000
	}
	return n, err == nil
}

// coupled lists what stands beside the edited values and may have to change
// with them.
func (p *plan) coupled(i int) []Note {
	d, w := p.f.declared(p.wants[i].Job), p.wants[i]
	key := propertyOf(w.Key).key
	var out []Note
	add := func(at span, format string, args ...any) {
		out = append(out, Note{Path: at.path(), Line: at.line(), Text: fmt.Sprintf(format, args...)})
	}
	if s := p.sites[i]; s != nil {
		if at := commentRepeats(s.literal(), propertyOf(key), s.Value); at.src != nil {
			add(at, "a comment here still says %s", s.Value)
		}
	}
	for _, l := range d.limits {
		if key == "spark."+l.role+".memory" || key == "spark."+l.role+".memoryOverhead" {
			add(l.memory.at, "the limit of the pod's memory stands here: it may have to change with %s", key)
		}
	}
	on := d.winner("spark.dynamicAllocation.enabled")
	switch {
	case key == "spark.executor.instances" && on != nil && strings.EqualFold(on.Value, "true"):
		add(on.literal(), "with dynamic allocation spark.executor.instances is only the number at the start")
	case isCores(key):
		for _, part := range []string{".request.cores", ".limit.cores"} {
			if s := d.winner("spark.kubernetes." + roleOf(key) + part); s != nil {
				add(s.literal(), "%s says what the pod gets: it may have to change with %s", s.Form, key)
			}
		}
	case key == "spark.sql.shuffle.partitions":
		if s := d.winner("spark.default.parallelism"); s != nil && s.Value == p.wants[i].From {
			add(s.literal(), "spark.default.parallelism had the same value: it may be meant to follow")
		}
	case key == "spark.executor.memory":
		if s := d.winner("spark.executor.extraJavaOptions"); s != nil && strings.Contains(s.Value, "MaxDirectMemorySize") {
			add(s.literal(), "-XX:MaxDirectMemorySize stands beside the heap: check that both fit the container")
		}
	}
	return out
}

// commentLines is how far above a value a comment is taken to speak of it.
const commentLines = 4

// commentRepeats returns a comment that repeats a value: on the line of its
// literal or above it, without a blank line between.
func commentRepeats(at span, p property, value string) span {
	if at.src == nil || value == "" {
		return span{}
	}
	says := p.inWords(value)
	start, end := at.src.lineStart(at.start), at.src.lineEnd(at.end)
	if i := bytes.IndexByte(at.src.text[at.end:end], '#'); i >= 0 && says.Match(at.src.text[at.end+i:end]) {
		return span{at.src, at.end + i, end}
	}
	for range commentLines {
		if start == 0 {
			break
		}
		end = start - 1
		start = at.src.lineStart(end)
		line := bytes.TrimSpace(at.src.text[start:end])
		if len(line) == 0 {
			break
		}
		if line[0] == '#' && says.Match(line) {
			return span{at.src, start, end}
		}
	}
	return span{}
}

// inWords matches a value as people write it: "4g", "4 GB", "4GiB".
func (p property) inWords(value string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(value)
	if digits, suffix, _ := p.unitOf(value); suffix != "" && (p.unit == bytesMB || p.unit == bytesB) {
		pattern = regexp.QuoteMeta(digits) + `\s?` + suffix[:1] + `(?:i?b?|igs?|[ei][glr]abytes?)`
	}
	return regexp.MustCompile(`(?i)(?:^|[^\w.])` + pattern + `(?:[^\w]|$)`)
}

// literal is the bytes that a site's value is spelled with.
func (s *site) literal() span {
	if at := spanOf(s.val.pieces); at.src != nil {
		return at
	}
	return s.val.at
}
