package eventlog

import (
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// A workload collects the signs of an application that is no plain batch job.
type workload struct{ streaming, shared, gpu, photon bool }

// seen looks at the name of an event that is not decoded.
func (w *workload) seen(event string) {
	switch {
	case strings.HasPrefix(event, "org.apache.spark.sql.streaming."):
		w.streaming = true
	case strings.HasPrefix(event, "org.apache.spark.sql.connect."),
		strings.HasPrefix(event, "org.apache.spark.sql.hive.thriftserver."):
		w.shared = true
	case strings.HasSuffix(event, ".SparkRapidsBuildInfoEvent"):
		w.gpu = true
	}
}

// sharedClasses are the main classes of servers and interactive sessions.
var sharedClasses = []string{
	"org.apache.livy.rsc.driver.",
	"org.apache.spark.repl.",
	"org.apache.spark.sql.connect.service.",
	"org.apache.spark.sql.hive.thriftserver.",
	"org.apache.zeppelin.",
}

// name decides: what changes the meaning of the measurements first, then how
// the application is used. Without its environment an application is unknown.
func (w *workload) name(r *analysis.Run, e *environment) string {
	for _, class := range sharedClasses {
		w.shared = w.shared || strings.HasPrefix(r.MainClass, class)
	}
	if r.Cluster != "" && !strings.HasPrefix(e.spark["spark.databricks.clusterUsageTags.clusterName"], "job-") {
		w.shared = true // an all-purpose cluster
	}
	switch {
	case w.photon, e.spark["spark.databricks.clusterUsageTags.runtimeEngine"] == "PHOTON",
		strings.Contains(strings.ToLower(r.SparkVersion), "photon"):
		return analysis.WorkloadPhoton
	case w.gpu, strings.Contains(e.spark["spark.plugins"], "com.nvidia.spark.SQLPlugin"):
		return analysis.WorkloadGPU
	case w.streaming:
		return analysis.WorkloadStreaming
	case w.shared:
		return analysis.WorkloadShared
	case !e.known:
		return ""
	}
	return analysis.WorkloadBatch
}
