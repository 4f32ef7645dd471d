// Package analysis decides: from the measured runs of a job to advice about
// its sizes.
//
// It is pure and deterministic: the standard library only, no clock, no I/O,
// no log, no goroutine. The same runs, policy and time always give the same
// advice, in a total order.
//
// It refuses to know where runs come from and where settings are written: a
// [Run] is one application attempt as analysis/eventlog or analysis/lake
// deliver it, and a [Change] names a Spark property, not a line of a file.
//
// The spirit of the rules: grow only on symptoms (out of memory, container
// kill, spill, garbage collection); shrink only on well-covered peaks without
// symptoms; when in doubt abstain, and say which measurement is missing.
package analysis
