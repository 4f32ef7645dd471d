package analysis

import "testing"

// Of the lab's job reconfigured: of three runs two reserved the same by chance, and
// the three after the change 4.34 GB-hours where their containers were 896/1152.
func TestUsualOfThreeRuns(t *testing.T) {
	p := &Profile{}
	for _, v := range []float64{6.933, 6.886, 6.165} {
		p.Runs = append(p.Runs, &Run{MemoryByteMs: Some(v * gib * 3.6e6)})
	}
	if next := p.usual(gbHours).times(896./1152, 896./1152); next.Low > 4.34 || next.High < 4.34 {
		t.Errorf("the next run is expected between %.2f and %.2f", next.Low, next.High)
	}
}
