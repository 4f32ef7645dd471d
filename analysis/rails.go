package analysis

import (
	"fmt"
	"math"
	"slices"
)

// outOfRange says why a change is none that may ever be written, whatever the
// measurements were: the key is not on the list, the value no value of its type
// within the policy's range, or no change at all; "" when it may.
func (c *Change) outOfRange(pol Policy) string {
	prop, ok := FindProperty(c.Key)
	if !ok || !prop.Write {
		return c.Key + " is never written"
	}
	to, from := Conf{c.Key: c.To}, Conf{c.Key: c.Effective}
	if to.canonical(prop) == from.canonical(prop) && c.Purpose != Keeping {
		return "it is what the runs had"
	}
	low, high := pol.rangeOf(c.Key)
	var v, was int64
	switch prop.Kind {
	case KindBool:
		return ""
	case KindBytes:
		v, was = to.Bytes(c.Key).V, from.Bytes(c.Key).V
	case KindMillis:
		v, was = to.Millis(c.Key).V, from.Millis(c.Key).V
	case KindInt:
		v, was = to.Int(c.Key).V, from.Int(c.Key).V
	case KindFloat, KindText:
		return "its type has no range"
	}
	if was > 0 {
		low = min(low, was)
	}
	if v < low || v > high {
		return fmt.Sprintf("%s of %s is out of the policy's range", c.Key, c.To)
	}
	return ""
}

// rangeOf are the least and the largest value of a property that are written;
// what the runs had may be below the least already.
func (pol Policy) rangeOf(key string) (low, high int64) {
	switch key {
	case keyMemory, keyDriver:
		return pol.MinHeap, pol.MaxHeap
	case keyOverhead:
		return minOverhead, pol.MaxOverhead
	case keyCores:
		return 1, pol.MaxCores
	case keyPartitions:
		return 1, pol.MaxPartitions
	case keyPolling:
		return 100, 60_000
	}
	return 1, max(pol.MaxExecutors, 1)
}

// outOfRange names the first change that may not be written, "" when all may.
func outOfRange(changes []Change, pol Policy) string {
	for i := range changes {
		if why := changes[i].outOfRange(pol); why != "" {
			return why
		}
	}
	return ""
}

// changed is the configuration with the changes.
func (p *Profile) changed(changes []Change) Conf {
	after := Conf{}
	for _, c := range changes {
		after[c.Key] = c.To
	}
	return after.over(p.Conf())
}

// misfit says why an executor or a driver with the changes could not be had; ""
// when they could, as far as the policy knows the nodes.
func (p *Profile) misfit(changes []Change, pol Policy) string {
	after := p.changed(changes)
	for _, of := range []struct {
		what          string
		before, after int64
	}{
		{"a driver's container", p.driverContainer(p.Conf()), p.driverContainer(after)},
		{"a container", p.container(p.Conf()), p.container(after)},
	} {
		if pol.NodeMemory > 0 && of.after > pol.NodeMemory && of.after > of.before {
			return fmt.Sprintf("%s of %s would not fit into the policy's node of %s: a person has to look at the job", of.what, FormatMemory(of.after), FormatMemory(pol.NodeMemory))
		}
	}
	return ""
}

// unseen says that a smaller heap would be taken from a container whose other
// memory was set and never measured; "" when none would.
func (p *Profile) unseen(changes []Change) string {
	for _, c := range changes {
		smaller := c.Key == keyMemory && ParseBytes(c.To, mib).V < p.Conf().Bytes(keyMemory).V
		if smaller && p.besideHeap() && missing([]string{"peak_jvm_rss_bytes"}, p.sound(), 1) != "" {
			return "off-heap or Python's memory is set, and what the executors' processes hold was not measured (" + keyProcessTree + ")"
		}
	}
	return ""
}

// besideHeap says whether a size of off-heap or Python's memory is set, whether
// the container has room for it or not.
func (p *Profile) besideHeap() bool {
	c := p.Conf()
	return c.offHeap().V > 0 || c.Bytes(keyPySpark).V > 0 && !p.Newest().ofJVM()
}

// ofExecutors are the properties of executors, and of how many there are.
var ofExecutors = []string{keyMemory, keyOverhead, keyCores, keyInstances, keyMaxExecs, keyMinExecs}

// withoutEffect says why a change would do nothing where the job runs; "" when
// all have their effect, as far as is known.
func (p *Profile) withoutEffect(changes []Change) string {
	on := p.Newest().Platform()
	for _, c := range changes {
		switch {
		case on == Local && slices.Contains(ofExecutors, c.Key):
			return "in local mode the executor is in the driver's process, where " + c.Key + " has no effect"
		case on == Standalone && c.Key == keyInstances && !p.Conf().Bool(keyDynamic).V:
			return "a standalone cluster gives executors up to spark.cores.max, and " + c.Key + " has no effect"
		}
	}
	return ""
}

// finite are the numbers that can be told.
func finite(ev []Evidence) []Evidence {
	return slices.DeleteFunc(ev, func(e Evidence) bool { return !isFinite(e.Value) })
}

func isFinite(v ...float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}
