package patcher

import (
	"slices"
	"strconv"
	"strings"
)

// A property is what the patcher knows of a Spark property: how its values
// compare and the names that it goes by.
type property struct {
	key     string
	unit    unit
	flag    string // spark-submit flag, without "--"
	kwarg   string // SparkSubmitOperator's keyword argument
	aliases []string
}

type unit int

const (
	plain   unit = iota // compared as text
	bytesMB             // memory; without a unit it is MiB
	bytesB              // memory; without a unit it is bytes
	count               // a whole number
	truth               // true or false, in any case
)

// properties are in the order in which insertions are written. A key that is
// not here compares as text and only ever is a configuration entry.
var properties = []property{
	{key: "spark.executor.memory", unit: bytesMB, flag: "executor-memory", kwarg: "executor_memory"},
	{key: "spark.executor.memoryOverhead", unit: bytesMB, aliases: []string{"spark.yarn.executor.memoryOverhead", "spark.kubernetes.executor.memoryOverhead"}},
	{key: "spark.executor.memoryOverheadFactor"},
	{key: "spark.executor.cores", unit: count, flag: "executor-cores", kwarg: "executor_cores"},
	{key: "spark.executor.instances", unit: count, flag: "num-executors", kwarg: "num_executors"},
	{key: "spark.cores.max", unit: count, flag: "total-executor-cores", kwarg: "total_executor_cores"},
	{key: "spark.driver.memory", unit: bytesMB, flag: "driver-memory", kwarg: "driver_memory"},
	{key: "spark.driver.memoryOverhead", unit: bytesMB, aliases: []string{"spark.yarn.driver.memoryOverhead", "spark.kubernetes.driver.memoryOverhead"}},
	{key: "spark.driver.cores", unit: count, flag: "driver-cores"},
	{key: "spark.kubernetes.executor.request.cores"},
	{key: "spark.kubernetes.executor.limit.cores"},
	{key: "spark.kubernetes.driver.request.cores"},
	{key: "spark.kubernetes.driver.limit.cores"},
	{key: "spark.driver.maxResultSize", unit: bytesB},
	{key: "spark.memory.offHeap.size", unit: bytesB},
	{key: "spark.memory.offHeap.enabled", unit: truth},
	{key: "spark.executor.pyspark.memory", unit: bytesMB},
	{key: "spark.dynamicAllocation.enabled", unit: truth},
	{key: "spark.dynamicAllocation.minExecutors", unit: count},
	{key: "spark.dynamicAllocation.initialExecutors", unit: count},
	{key: "spark.dynamicAllocation.maxExecutors", unit: count},
	{key: "spark.sql.shuffle.partitions", unit: count},
	{key: "spark.default.parallelism", unit: count},
	{key: "spark.sql.adaptive.enabled", unit: truth},
	{key: "spark.speculation", unit: truth},
}

// propertyOf returns what is known of a property, by its name or an old one.
func propertyOf(key string) property {
	for _, p := range properties {
		if p.key == key || slices.Contains(p.aliases, key) {
			return p
		}
	}
	return property{key: key, unit: guessUnit(key)}
}

// guessUnit knows the properties that only a suffix names.
func guessUnit(key string) unit {
	if strings.HasSuffix(key, ".enabled") {
		return truth
	}
	return plain
}

// rankOf orders keys as insertions are written: known ones first.
func rankOf(key string) int {
	i := slices.IndexFunc(properties, func(p property) bool { return p.key == key })
	if i < 0 {
		return len(properties)
	}
	return i
}

func compareKeys(a, b string) int {
	if d := rankOf(a) - rankOf(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// misspelt are keys that look right and have no effect.
var misspelt = map[string]string{
	"spark.executors.memory":            "spark.executor.memory",
	"spark.executors.instances":         "spark.executor.instances",
	"spark.executors.cores":             "spark.executor.cores",
	"spark.executor.core":               "spark.executor.cores",
	"spark.executor.instance":           "spark.executor.instances",
	"spark.driver.core":                 "spark.driver.cores",
	"spark.sql.executor.memoryOverhead": "spark.executor.memoryOverhead",
	"spark.num.executors":               "spark.executor.instances",
}

// same reports whether two spellings of a property mean the same to Spark.
func (p property) same(a, b string) bool { return p.canonical(a) == p.canonical(b) }

// canonical is one text for all that spell a value alike.
func (p property) canonical(s string) string {
	s = strings.TrimSpace(s)
	switch p.unit {
	case bytesMB, bytesB:
		if n, ok := p.bytes(s); ok {
			return strconv.FormatInt(n, 10) + " bytes"
		}
	case count:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
	case truth:
		return strings.ToLower(s)
	case plain:
	}
	return s
}

// suffixes are the units of Spark's JavaUtils, in bytes.
var suffixes = map[string]int64{
	"b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30, "t": 1 << 40, "tb": 1 << 40,
}

// unitOf splits a memory text into its digits, its suffix and what that means.
func (p property) unitOf(s string) (digits, suffix string, by int64) {
	digits = strings.TrimRight(s, "bBkKmMgGtT")
	suffix = s[len(digits):]
	switch {
	case suffix != "":
		by = suffixes[strings.ToLower(suffix)]
	case p.unit == bytesMB:
		by = 1 << 20
	default:
		by = 1
	}
	return digits, suffix, by
}

// bytes returns the bytes that Spark reads from a memory text.
func (p property) bytes(s string) (int64, bool) {
	digits, _, by := p.unitOf(s)
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || by == 0 || n < 0 || n > 1<<62/by {
		return 0, false
	}
	return n * by, true
}

// respell writes value in the form of old: its unit where that holds it
// exactly, else the next smaller one, in the same case.
func (p property) respell(old, value string) string {
	switch p.unit {
	case bytesMB, bytesB:
		return p.respellMemory(old, value)
	case truth:
		return likeCase(old, value)
	case plain, count:
	}
	return value
}

func (p property) respellMemory(old, value string) string {
	n, ok := p.bytes(value)
	if _, fine := p.bytes(old); !ok || !fine {
		return value
	}
	_, suffix, by := p.unitOf(old)
	if n%by == 0 {
		return strconv.FormatInt(n/by, 10) + suffix
	}
	for _, s := range []string{"g", "m", "k", "b"} {
		if by := suffixes[s]; n%by == 0 {
			if suffix != strings.ToLower(suffix) {
				s = strings.ToUpper(s)
			}
			return strconv.FormatInt(n/by, 10) + s
		}
	}
	return value // unreachable: every number is a number of bytes
}

// likeCase writes true or false as "True", "TRUE" or "true", as old is.
func likeCase(old, value string) string {
	value = strings.ToLower(value)
	switch {
	case old == "" || value == "" || old == strings.ToLower(old):
		return value
	case old == strings.ToUpper(old):
		return strings.ToUpper(value)
	}
	return strings.ToUpper(value[:1]) + value[1:]
}

// safe reports whether a value can be written in every syntax without an
// escape, and cannot end a literal, a word or a template.
func safe(value string) bool {
	return value != "" && strings.IndexFunc(value, func(c rune) bool {
		return (c >= 0x80 || !isWord(byte(c))) && !strings.ContainsRune(".:/-+,", c)
	}) < 0
}

// nameable reports whether a key can be the name of a Spark property. Kubernetes'
// labels bring slashes into names, and sinks of metrics stars.
func nameable(key string) bool {
	return key != "" && strings.IndexFunc(key, func(c rune) bool {
		return (c >= 0x80 || !isWord(byte(c))) && !strings.ContainsRune(".-/*", c)
	}) < 0
}

// safeKey reports whether key is the name of a Spark property that can be
// written in every syntax.
func safeKey(key string) bool {
	rest, ok := strings.CutPrefix(key, "spark.")
	return ok && rest != "" && strings.IndexFunc(rest, func(c rune) bool { return c >= 0x80 || !isWord(byte(c)) && c != '.' && c != '-' }) < 0
}
