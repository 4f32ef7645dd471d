package analysis

import (
	"cmp"
	"testing"
)

// What may be written, whatever a rule says: a closed list of keys, and of each
// the values of a range, the default policy's. What a job had may lie below its
// range already; a step from there is allowed.
func TestRails(t *testing.T) {
	for _, c := range []struct{ key, from, to, want string }{
		{keyMemory, "4g", "1023m", "range"},
		{keyMemory, "4g", "1g", ""},
		{keyMemory, "4g", "64g", ""},
		{keyMemory, "4g", "65537m", "range"},
		{keyMemory, "512m", "600m", ""},
		{keyMemory, "512m", "511m", "range"},
		{keyMemory, "4g", "lots", "range"},
		{keyDriver, "4g", "1023m", "range"},
		{keyDriver, "4g", "1g", ""},
		{keyDriver, "4g", "64g", ""},
		{keyDriver, "4g", "65537m", "range"},
		{keyOverhead, "1g", "383m", "range"},
		{keyOverhead, "1g", "384m", ""},
		{keyOverhead, "1g", "16g", ""},
		{keyOverhead, "1g", "16385m", "range"},
		{keyCores, "4", "0", "range"},
		{keyCores, "4", "1", ""},
		{keyCores, "4", "64", ""},
		{keyCores, "4", "65", "range"},
		{keyInstances, "4", "0", "range"},
		{keyInstances, "4", "1", ""},
		{keyInstances, "4", "1000", ""},
		{keyInstances, "4", "1001", "range"},
		{keyMinExecs, "4", "-1", "range"},
		{keyMinExecs, "4", "1000", ""},
		{keyMinExecs, "4", "1001", "range"},
		{keyMaxExecs, "4", "0", "range"},
		{keyMaxExecs, "4", "1000", ""},
		{keyMaxExecs, "4", "1001", "range"},
		{keyPartitions, "200", "0", "range"},
		{keyPartitions, "200", "1", ""},
		{keyPartitions, "200", "20000", ""},
		{keyPartitions, "200", "20001", "range"},
		{keyPolling, "0", "99ms", "range"},
		{keyPolling, "0", "100ms", ""},
		{keyPolling, "0", "60s", ""},
		{keyPolling, "0", "61s", "range"},
		{keyStageMetrics, "false", "true", ""},
		{keyStageMetrics, "true", "TRUE", "same"},
		{keyMemory, "4g", "4096m", "same"},
		{keyBroadcast, "10m", "100m", "never"},
		{keySkewJoin, "false", "true", "never"},
		{keyInitial, "2", "4", "never"},
		{"spark.no.such.key", "1", "2", "never"},
	} {
		change := Change{Key: c.key, Effective: c.from, To: c.to}
		says := map[string]string{
			"":      "",
			"range": c.key + " of " + c.to + " is out of the policy's range",
			"same":  "it is what the runs had",
			"never": c.key + " is never written",
		}
		if got := change.outOfRange(DefaultPolicy()); got != says[c.want] {
			t.Errorf("%s from %s to %s: %q, want %q", c.key, c.from, c.to, cmp.Or(got, "allowed"), cmp.Or(says[c.want], "allowed"))
		}
	}
}
