package analysis

import (
	"fmt"
	"strings"
)

var deadConfiguration = Rule{
	Name:  "dead_configuration",
	Title: "settings without effect, or against each other",
	Doc: `Settings that Spark does not know (spark.executors.memory), that another one
overrules (spark.executor.memoryOverheadFactor beside the overhead itself), that
need one that is off (spark.memory.offHeap.size), or that contradict each other
(more executors at least than at most; a fixed number with dynamic allocation,
where it is only the first number).

They are named and left to a person: whoever wrote them meant something.`,
	Needs:  []string{"conf"},
	Keys:   []string{keyInstances, keyMinExecs, keyMaxExecs},
	Advice: true,
	eval:   evalDeadConfiguration,
}

func evalDeadConfiguration(p *Profile, _ Policy) Finding {
	var said []string
	for _, check := range deadSettings {
		if s := check(p.Conf()); s != "" {
			said = append(said, s)
		}
	}
	if len(said) == 0 {
		return silent("every known setting has its effect")
	}
	return advises(strings.Join(said, "; "), []Evidence{{"conf", "such settings", float64(len(said)), "count"}})
}

// deadSettings say what is wrong with a configuration, "" when nothing is.
var deadSettings = []func(Conf) string{
	func(c Conf) string { return unknownKey(c, "spark.executors.memory", keyMemory) },
	func(c Conf) string { return unknownKey(c, "spark.executors.instances", keyInstances) },
	func(c Conf) string {
		if c.set("spark.executor.memoryOverheadFactor") && c.set(keyOverhead) {
			return "spark.executor.memoryOverheadFactor has no effect beside " + keyOverhead
		}
		return ""
	},
	func(c Conf) string {
		if c.Bytes("spark.memory.offHeap.size").V > 0 && !c.Bool("spark.memory.offHeap.enabled").V {
			return "spark.memory.offHeap.size has no effect while spark.memory.offHeap.enabled is not true"
		}
		return ""
	},
	func(c Conf) string {
		if c.Bool(keyDynamic).V && c.set(keyInstances) {
			return keyInstances + " is only the first number of executors under dynamic allocation"
		}
		return ""
	},
	func(c Conf) string {
		if least, most := c.Int(keyMinExecs), c.Int(keyMaxExecs); c.Bool(keyDynamic).V && most.OK && least.V > most.V {
			return fmt.Sprintf("at least %d executors contradict at most %d", least.V, most.V)
		}
		return ""
	},
	func(c Conf) string {
		if first, most := c.Int(keyInitial), c.Int(keyMaxExecs); c.Bool(keyDynamic).V && first.OK && most.OK && first.V > most.V {
			return fmt.Sprintf("%d executors at first contradict at most %d", first.V, most.V)
		}
		return ""
	},
	func(c Conf) string {
		if !c.Bool(keyDynamic).V && (c.set(keyMinExecs) || c.set(keyMaxExecs)) {
			return "bounds of dynamic allocation have no effect while it is off"
		}
		return ""
	},
	func(c Conf) string {
		if c.set(keyAdaptive) && !c.Bool(keyAdaptive).V && (c.set(keySkewJoin) && c.Bool(keySkewJoin).V || c.set(keyCoalesce) && c.Bool(keyCoalesce).V) {
			return "settings of adaptive execution have no effect while it is off"
		}
		return ""
	},
}

func unknownKey(c Conf, wrong, meant string) string {
	if !c.set(wrong) {
		return ""
	}
	return wrong + " is no property of Spark; " + meant + " is"
}

func (c Conf) set(name string) bool {
	_, ok := c[name]
	return ok
}
