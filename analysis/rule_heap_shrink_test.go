package analysis

import "testing"

func TestStepDown(t *testing.T) {
	pol := DefaultPolicy()
	careful := pol
	careful.MaxShrink = 0.1
	for _, c := range []struct {
		name             string
		pol              Policy
		heap, need, want string
	}{
		{"two shares far above the need", pol, "8g", "1g", "4g"},
		{"no more than half where both are more", pol, "20g", "1g", "10g"},
		{"half as much again as the need stays", pol, "4g", "1536m", "2304m"},
		{"one share near the need", pol, "4g", "2g", "3g"},
		{"shares are the policy's", careful, "10g", "1g", "8448m"},
		{"a share smaller than the step of memory is that step", pol, "768m", "400m", "512m"},
		{"a step larger than half the heap is none", pol, "256m", "100m", "256m"},
	} {
		got := c.pol.stepDown(ParseBytes(c.heap, 0).V, ParseBytes(c.need, 0).V)
		if FormatMemory(got) != c.want {
			t.Errorf("%s: from %s of which %s are needed to %s, want %s", c.name, c.heap, c.need, FormatMemory(got), c.want)
		}
	}
}
