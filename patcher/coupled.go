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
		if at := s.literal(); commentRepeats(at, s.Value) {
			add(at, "a comment here still says %s", s.Value)
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

// commentRepeats reports whether a comment on the line of a literal, or on the
// line above it, repeats its value.
func commentRepeats(at span, value string) bool {
	if at.src == nil || value == "" {
		return false
	}
	start := at.src.lineStart(at.start)
	tail := string(at.src.text[at.end:at.src.lineEnd(at.end)])
	if i := strings.IndexByte(tail, '#'); i >= 0 && hasWord([]byte(tail[i:]), value) {
		return true
	}
	if start == 0 {
		return false
	}
	above := bytes.TrimSpace(at.src.text[at.src.lineStart(start-1) : start-1])
	return bytes.HasPrefix(above, []byte("#")) && hasWord(above, value)
}

// literal is the bytes that a site's value is spelled with.
func (s *site) literal() span {
	if at := spanOf(s.val.pieces); at.src != nil {
		return at
	}
	return s.val.at
}
