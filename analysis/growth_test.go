package analysis

import "testing"

// Input that grows steadily is told from a quiet Sunday, one large run and noise.
func TestGrowth(t *testing.T) {
	for _, c := range []struct {
		name   string
		inputs []int64
		want   float64
	}{
		{"the lab's job growing", []int64{986, 1973, 2961}, 2961. / 986},
		{"a little, under noise", []int64{100, 102, 101, 104, 103, 107, 108, 107, 111}, 108. / 101},
		{"the same", []int64{5, 5, 5, 5}, 1},
		{"two runs", []int64{1, 9}, 1},
		{"a quiet Sunday", []int64{10, 11, 12, 13, 14, 15, 3, 10, 11, 12, 13, 14, 15, 3}, 1},
		{"a large last run", []int64{10, 11, 9, 10, 11, 10, 90}, 1},
		{"a month to date, and the next", []int64{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}, 1},
		{"it falls", []int64{9, 8, 7, 6}, 1},
		{"not known of one", []int64{1, 0, 3, 9}, 1},
	} {
		var runs []*Run
		for _, n := range c.inputs {
			r := new(Run)
			if n > 0 {
				r.InputBytes = Some(n)
			}
			runs = append(runs, r)
		}
		if got := growth(runs); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
