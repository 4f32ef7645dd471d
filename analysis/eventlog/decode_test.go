package eventlog

import (
	"strings"
	"testing"
)

// White space around a line's value is none of the event's business, and of a
// key that comes twice the last counts.
func TestUnusualLines(t *testing.T) {
	const (
		started = `{"Event":"SparkListenerTaskStart","Stage ID":0}`
		sql     = `{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":0,"time":1500,"sparkPlanInfo":` +
			`{"nodeName":"BroadcastExchange","metrics":[{"name":"data size","accumulatorId":7,"metricType":"size"}]}}` + "\n"
	)
	for _, tc := range []struct {
		name, lines                   string
		events, malformed, broadcasts int64
	}{
		{"space", started + " \n" + started + "\t\r\r\n \n", 4, 0, 0},
		{"half a line", started[:30] + "\n", 2, 1, 0},
		{"a damaged event that only counts", strings.Replace(started, ":0", ":", 1) + "\n", 2, 1, 0},
		{"two in one line", started + started + "\n", 2, 1, 0},
		{"updates twice", sql + `{"Event":"org.apache.spark.sql.execution.ui.SparkListenerDriverAccumUpdates","executionId":0,"accumUpdates":[[7,1]],"accumUpdates":[[7,2]]}` + "\n", 4, 0, 1},
		{"name twice", `{"Event":"SparkListenerJobEnd","Job ID":0,"Event":5}` + "\n", 2, 1, 0},
		{"another name", `{"Event":"SparkListenerJobEnd","Job ID":0,"Event":"SparkListenerTaskEnd"}` + "\n", 3, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			runs, err := Parse(strings.NewReader(startLine + tc.lines + endLine))
			if err != nil {
				t.Fatal(err)
			}
			if r := runs[0]; r.Events != tc.events || r.MalformedLines != tc.malformed || r.Broadcasts.V != tc.broadcasts {
				t.Errorf("%d events, %d malformed, %d broadcasts; want %d, %d, %d",
					r.Events, r.MalformedLines, r.Broadcasts.V, tc.events, tc.malformed, tc.broadcasts)
			}
		})
	}
}
