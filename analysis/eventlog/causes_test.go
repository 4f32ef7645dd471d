package eventlog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sparktune/sparktune/analysis"
)

// pod is what Spark on Kubernetes says of an executor's pod, from 3.2 on.
func pod(code, reason, message, container string) string {
	text := "\nThe executor with id 7 exited with exit code " + code + ".\n"
	if reason != "" {
		text += "The API gave the following brief reason: " + reason + "\nThe API gave the following message: " + message + "\n"
	}
	number, _, _ := strings.Cut(code, "(")
	return text + "\nThe API gave the following container statuses:\n\n\n\t container name: spark-kubernetes-executor\n" +
		"\t container image: registry.example.com/data/platform/spark-py:3.5.1\n\t container state: terminated\n" +
		"\t container started at: 2025-08-15T06:29:01Z\n\t container finished at: 2025-08-15T07:53:48Z\n" +
		"\t exit code: " + number + "\n\t termination reason: " + container + "\n"
}

const (
	podKilled = "137(SIGKILL, possible container OOM)"
	podTermed = "143(unexpected)"
	podGone   = "-1(unexpected)"
	badNode   = "Container from a bad node: container_1_0001_01_000002 on host: h. "
	failedYet = "Container marked as failed: container_1_0001_01_000002 on host: h. "
)

// What Spark 2.4 to 4.1, YARN, Kubernetes, a standalone master and Databricks
// write when an executor goes.
var lossRows = []struct{ from, text, want string }{
	{"YarnAllocator 2.x", "Container killed by YARN for exceeding memory limits. 5.5 GB of 5.5 GB physical memory used. Consider boosting spark.yarn.executor.memoryOverhead.", analysis.LossContainerMemory},
	{"YarnAllocator 2.4", "Container killed by YARN for exceeding memory limits.  Consider boosting spark.yarn.executor.memoryOverhead or disabling yarn.nodemanager.vmem-check-enabled because of YARN-4714.", analysis.LossContainerMemory},
	{"YarnAllocator 3.x", "Container killed by YARN for exceeding physical memory limits. 1.2 GB of 1 GB physical memory used. Consider boosting spark.executor.memoryOverhead.", analysis.LossContainerMemory},
	{"YarnAllocator 3.x", "Container killed by YARN for exceeding virtual memory limits. 3.1 GB of 2.1 GB virtual memory used. Consider boosting spark.executor.memoryOverhead or boosting yarn.nodemanager.vmem-pmem-ratio or disabling yarn.nodemanager.vmem-check-enabled because of YARN-4714.", analysis.LossContainerMemory},
	{"YARN ContainersMonitorImpl 2", badNode + "Exit status: 143. Diagnostics: Container [pid=1,containerID=c] is running beyond physical memory limits. Current usage: 1.0 GB of 1 GB physical memory used; 2.6 GB of 2.1 GB virtual memory used. Killing container.", analysis.LossContainerMemory},
	{"YARN ContainersMonitorImpl 3", badNode + "Exit status: 143. Diagnostics: Container [pid=1,containerID=c] is running 9MB beyond the 'PHYSICAL' memory limit. Current usage: 1.0 GB of 1 GB.", analysis.LossContainerMemory},
	{"YARN ContainersMonitorImpl 3", badNode + "Exit status: 143. Diagnostics: Container [pid=1,containerID=c] is running 9MB beyond the 'VIRTUAL' memory limit.", analysis.LossContainerMemory},
	{"YarnAllocator, ContainerExitStatus", badNode + "Exit status: -104. Diagnostics: .", analysis.LossContainerMemory},
	{"YarnAllocator, ContainerExitStatus", badNode + "Exit status: -103. Diagnostics: .", analysis.LossContainerMemory},
	{"YarnAllocator on EMR", badNode + "Exit status: 143. Diagnostics: [2024-01-01 00:00:00.000]Container killed on request. Exit code is 143\n[2024-01-01 00:00:00.000]Container exited with a non-zero exit code 143. \n[2024-01-01 00:00:00.000]Killed by external signal\n.", analysis.LossSignal},
	{"YarnAllocator on EMR", badNode + "Exit status: 137. Diagnostics: [2024-01-01 00:00:00.000]Container killed on request. Exit code is 137\n[2024-01-01 00:00:00.000]Killed by external signal\n.", analysis.LossSignal},
	{"YarnAllocator 2.4", failedYet + "Exit status: 143. Diagnostics: Container killed on request. Exit code is 143", analysis.LossSignal},
	{"YarnAllocator", badNode + "Exit status: 52. Diagnostics: [2024-01-01]Exception from container-launch.\nContainer id: c\nExit code: 52\n.", analysis.LossHeapOOM},
	{"YarnAllocator, stderr", badNode + "Exit status: 1. Diagnostics: Exception from container-launch.\nLast 4096 bytes of stderr :\njava.lang.OutOfMemoryError: Java heap space\n\tat x", analysis.LossHeapOOM},
	{"YarnAllocator, stderr", badNode + "Exit status: 143. Diagnostics: Last 4096 bytes of stderr :\nException in thread \"x\" java.lang.OutOfMemoryError: GC overhead limit exceeded\nKilled by external signal", analysis.LossHeapOOM},
	{"YarnAllocator, stderr, ExitOnOutOfMemoryError", badNode + "Exit status: 3. Diagnostics: Terminating due to java.lang.OutOfMemoryError: Java heap space", analysis.LossHeapOOM},
	{"YarnAllocator, stderr", badNode + "Exit status: 1. Diagnostics: Last 4096 bytes of stderr :\njava.lang.OutOfMemoryError: Direct buffer memory", analysis.LossUnclear},
	{"YarnAllocator, stderr", badNode + "Exit status: 143. Diagnostics: java.lang.OutOfMemoryError: Metaspace\nKilled by external signal", analysis.LossUnclear},
	{"YarnAllocator, stderr", badNode + "Exit status: 52. Diagnostics: java.lang.OutOfMemoryError: unable to create new native thread", analysis.LossUnclear},
	{"YarnAllocator, stderr", badNode + "Exit status: 52. Diagnostics: java.lang.OutOfMemoryError: Requested array size exceeds VM limit", analysis.LossUnclear},
	{"YarnAllocator, stderr, Netty", badNode + "Exit status: 52. Diagnostics: io.netty.util.internal.OutOfDirectMemoryError: failed to allocate 16777216 byte(s) of direct memory", analysis.LossUnclear},
	{"YarnAllocator, both in stderr", badNode + "Exit status: 1. Diagnostics: java.lang.OutOfMemoryError: Metaspace\njava.lang.OutOfMemoryError: Java heap space", analysis.LossHeapOOM},
	{"ExecutorRunnable's command", badNode + "Exit status: 1. Diagnostics: /bin/bash -c java -server -Xmx2048m -XX:OnOutOfMemoryError='kill %p' org.apache.spark.executor.YarnCoarseGrainedExecutorBackend: ClassNotFoundException", analysis.LossUnclear},
	{"extraJavaOptions in a command", badNode + "Exit status: 1. Diagnostics: java -XX:+HeapDumpOnOutOfMemoryError -XX:+ExitOnOutOfMemoryError -XX:+CrashOnOutOfMemoryError: Unrecognized VM option", analysis.LossUnclear},
	{"ExecutorRunnable's command", badNode + "Exit status: 143. Diagnostics: java -XX:OnOutOfMemoryError='kill %p'\nKilled by external signal", analysis.LossSignal},
	{"YarnAllocator, lost node", failedYet + "Exit status: -100. Diagnostics: Container released on a *lost* node.", analysis.LossPreempted},
	{"YarnAllocator", "Container container_1_0001_01_000002 on host: h was preempted.", analysis.LossPreempted},
	{"YARN SchedulerUtils", failedYet + "Exit status: -102. Diagnostics: Container preempted by scheduler", analysis.LossPreempted},
	{"YARN, not localized: -1000 begins as -100 does", failedYet + "Exit status: -1000. Diagnostics: File does not exist: hdfs://h/x.jar", analysis.LossUnclear},
	{"YARN, DISKS_FAILED", failedYet + "Exit status: -101. Diagnostics: Container terminated, disks failed.", analysis.LossUnclear},
	{"YARN, KILLED_BY_RESOURCEMANAGER", failedYet + "Exit status: -106. Diagnostics: Container killed by the ResourceManager.", analysis.LossUnclear},
	{"YarnAllocator, exit 0", "Executor for container container_1 exited because of a YARN event (e.g., preemption) and not because of an error in the running job.", analysis.LossUnclear},
	{"YarnAllocator", "Executor for container container_1 exited after Application shutdown.", analysis.LossScaleDown},
	{"YarnAllocator", "Container container_1 exited from explicit termination request.", analysis.LossScaleDown},
	{"YarnAllocator, native crash", badNode + "Exit status: 134. Diagnostics: Exit code: 134", analysis.LossUnclear},

	{"ExecutorPodsLifecycleManager 3.2", pod(podKilled, "", "", "OOMKilled"), analysis.LossContainerMemory},
	{"ExecutorPodsLifecycleManager 3.0", "\nThe executor with id 1 exited with exit code 137.\nThe API gave the following brief reason: N/A\nThe API gave the following message: N/A\nThe API gave the following container statuses:\n\n\t exit code: 137\n\t termination reason: OOMKilled", analysis.LossContainerMemory},
	{"ExecutorPodsLifecycleManager 2.4", "\nThe executor with id 1 exited with exit code 137.\nThe API gave the following brief reason: null\nThe API gave the following message: null\nThe API gave the following container statuses:\n\nContainerStatus(state=ContainerState(terminated=ContainerStateTerminated(exitCode=137, reason=OOMKilled)))", analysis.LossContainerMemory},
	{"ExecutorPodsLifecycleManager.describeExitCode: every 137", pod(podKilled, "", "", "Error"), analysis.LossSignal},
	{"ExecutorPodsLifecycleManager 2.4", "\nThe executor with id 1 exited with exit code 137.\nThe API gave the following brief reason: null\nThe API gave the following message: null", analysis.LossSignal},
	{"ExecutorPodsLifecycleManager 3.0", "\nThe executor with id 1 exited with exit code 143.\nThe API gave the following brief reason: N/A\nThe API gave the following message: N/A", analysis.LossSignal},
	{"ExecutorPodsLifecycleManager", pod("52(JVM OOM)", "", "", "Error"), analysis.LossHeapOOM},
	{"ExecutorPodsLifecycleManager", pod("50(Uncaught exception)", "", "", "Error"), analysis.LossUnclear},
	{"ExecutorPodsLifecycleManager", pod("53(DiskStore failed to create temp dir)", "", "", "Error"), analysis.LossUnclear},
	{"ExecutorPodsLifecycleManager", pod("1(generic, look at logs to clarify)", "", "", "Error"), analysis.LossUnclear},
	{"kubelet, eviction", pod(podKilled, "Evicted", "The node was low on resource: ephemeral-storage. Container spark-kubernetes-executor was using 107260Ki, which exceeds its request of 0.", "Error"), analysis.LossUnclear},
	{"kubelet, eviction", pod(podTermed, "Evicted", "The node was low on resource: ephemeral-storage. Threshold quantity: 308595705, available: 265968Ki.", "Error"), analysis.LossUnclear},
	{"kubelet, eviction", "\nThe executor with id 10 exited with exit code -1.\nThe API gave the following brief reason: Evicted\nThe API gave the following message: The node was low on resource: ephemeral-storage. \n", analysis.LossUnclear},
	{"kubelet, eviction", pod(podKilled, "Evicted", "The node was low on resource: memory. Container other was using 5Gi, which exceeds its request of 1Gi.", "Error"), analysis.LossUnclear},
	{"kubelet, eviction", pod(podKilled, "Evicted", `Usage of EmptyDir volume "spark-local-dir-1" exceeds the limit "10Gi". `, "Error"), analysis.LossUnclear},
	{"kubelet, eviction", pod(podKilled, "Evicted", "Pod ephemeral local storage usage exceeds the total limit of containers 10Gi. ", "Error"), analysis.LossUnclear},
	{"kubelet, eviction", pod(podGone, "Evicted", "The node had condition: [DiskPressure]. ", "Error"), analysis.LossUnclear},
	{"kubelet, eviction of a container over its limit", pod(podKilled, "Evicted", "The node was low on resource: memory.", "OOMKilled"), analysis.LossContainerMemory},
	{"kubelet, deadline", pod(podKilled, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline", "Error"), analysis.LossUnclear},
	{"kubelet, graceful node shutdown", pod(podKilled, "Terminated", "Pod was terminated in response to imminent node shutdown.", "Error"), analysis.LossPreempted},
	{"kubelet, graceful node shutdown", pod(podTermed, "Terminated", "Pod was terminated in response to imminent node shutdown.", "Error"), analysis.LossPreempted},
	{"kubelet 1.20, graceful node shutdown", pod(podTermed, "Shutdown", "Node is shutting, evicting pods", "Error"), analysis.LossPreempted},
	{"kubelet, critical pod", pod(podGone, "Preempting", "Preempted in order to admit critical pod", "Error"), analysis.LossPreempted},
	{"node lifecycle controller", pod(podGone, "NodeLost", "Node ip-10-0-0-1 which was running pod x is unresponsive", "Error"), analysis.LossPreempted},
	{"ExecutorPodsLifecycleManager", "The executor with id 1 was deleted by a user or the framework.", analysis.LossPreempted},
	{"ExecutorPodsLifecycleManager 2.4-3.1", "The executor with ID 1 was not found in the cluster but we didn't get a reason why. Marking the executor as failed. The executor may have been deleted but the driver missed the deletion event.", analysis.LossPreempted},
	{"ExecutorPodsLifecycleManager 3.2", "The executor with ID 1 (registered at 1 ms) was not found in the cluster at the polling time (2 ms) which is after the accepted detect delta time (30000 ms) configured by `spark.kubernetes.executor.missingPodDetectDelta`. The executor may have been deleted but the driver missed the deletion event. Marking this executor as failed.", analysis.LossPreempted},

	{"ExecutorKilled", "Executor killed by driver.", analysis.LossScaleDown},
	{"ExecutorAllocationManager", "Executor decommission: spark scale down", analysis.LossScaleDown},
	{"ExecutorRollPlugin 3.3", "Executor decommission: Rolling via OUTLIER at 1700000000000", analysis.LossScaleDown},
	{"Master 3.2, Databricks", "Executor decommission: worker decommissioned because of kill request from HTTP endpoint (data migration disabled)", analysis.LossPreempted},
	{"CoarseGrainedSchedulerBackend, SIGPWR", "Executor decommission: Executor 3 is decommissioned.", analysis.LossPreempted},
	{"CoarseGrainedSchedulerBackend, host", "Executor decommission: Decommissioning all executors on h.", analysis.LossPreempted},
	{"ExecutorDecommission 3.1: a scale-down as well", "Executor decommission.", analysis.LossUnclear},
	{"ExecutorLossMessage", "Finished decommissioning", analysis.LossPreempted},
	{"Master 2.4", "worker lost", analysis.LossPreempted},
	{"Master 3.x, Databricks", "worker lost: 10.0.0.1:4040 got disassociated", analysis.LossPreempted},
	{"ExecutorRunner, Databricks", "Command exited with code 52", analysis.LossHeapOOM},
	{"ExecutorRunner, Databricks", "Command exited with code 137", analysis.LossSignal},
	{"ExecutorRunner, Databricks", "Command exited with code 143", analysis.LossSignal},
	{"ExecutorRunner", "Command exited with code 1", analysis.LossUnclear},
	{"ExecutorRunner: 152 ends as 52 does", "Command exited with code 152", analysis.LossUnclear},
	{"ExecutorExitCode", "Unknown executor exit code (137) (died from signal 9?)", analysis.LossSignal},
	{"ExecutorExitCode", "Unable to send heartbeats to driver.", analysis.LossUnclear},
	{"SlaveLost 2.4", "Slave lost", analysis.LossUnclear},
	{"ExecutorProcessLost 3.1", "Executor Process Lost", analysis.LossUnclear},
	{"HeartbeatReceiver", "Executor heartbeat timed out after 128083 ms", analysis.LossUnclear},
	{"CoarseGrainedSchedulerBackend", "Remote RPC client disassociated. Likely due to containers exceeding thresholds, or network issues. Check driver logs for WARN messages.", analysis.LossUnclear},
	{"CoarseGrainedExecutorBackend", "Unable to create executor due to Unable to register with external shuffle server due to : Failed to connect to h:7337", analysis.LossUnclear},
	{"nobody", "", analysis.LossUnclear},
}

func TestLossCauses(t *testing.T) {
	for _, r := range lossRows {
		if got := lossCause(r.text); got != r.want {
			t.Errorf("%s: %q: got %s, want %s", r.from, r.text, got, r.want)
		}
	}
}

const (
	writeFailed = "[TASK_WRITE_FAILED] Task failed while writing rows to s3://b/t."
	noAcquire   = "Unable to acquire 65536 bytes of memory, got 0"
	sparkOOM    = "org.apache.spark.memory.SparkOutOfMemoryError"
	python      = "org.apache.spark.api.python.PythonException"
)

// What tasks end with: the class of the exception, its message, the causes.
var exceptionRows = []struct {
	from, class, message string
	causes               []string
	want                 string
}{
	{"JVM", javaOOM, "Java heap space", nil, analysis.LossHeapOOM},
	{"JVM 17", javaOOM, "Java heap space: failed reallocation of scalar replaced objects", nil, analysis.LossHeapOOM},
	{"JVM", javaOOM, "GC overhead limit exceeded", nil, analysis.LossHeapOOM},
	{"TaskMemoryManager before 2.4", javaOOM, noAcquire, nil, analysis.LossHeapOOM},
	{"TaskMemoryManager", sparkOOM, noAcquire, nil, analysis.LossHeapOOM},
	{"TaskMemoryManager 4", sparkOOM, "[UNABLE_TO_ACQUIRE_MEMORY] " + noAcquire + ". SQLSTATE: 53200", nil, analysis.LossHeapOOM},
	{"HashedRelation", sparkOOM, "There is not enough memory to build hash map", nil, analysis.LossHeapOOM},
	{"FileFormatWriter", sparkException, writeFailed, []string{javaOOM + ": Java heap space"}, analysis.LossHeapOOM},
	{"FileFormatWriter", sparkException, writeFailed, []string{javaOOM + ": GC overhead limit exceeded"}, analysis.LossHeapOOM},
	{"FileFormatWriter", sparkException, writeFailed, []string{sparkOOM + ": " + noAcquire}, analysis.LossHeapOOM},
	{"FileFormatWriter before 2.4", sparkException, "Task failed while writing rows.", []string{javaOOM + ": " + noAcquire}, analysis.LossHeapOOM},
	{"a future", "java.util.concurrent.ExecutionException", "x", []string{"java.lang.RuntimeException: x", javaOOM + ": Java heap space"}, analysis.LossHeapOOM},
	{"a cause on the way", sparkException, "x", []string{javaOOM + ": Java heap space", "java.lang.IllegalStateException: x"}, analysis.LossHeapOOM},

	{"JVM", javaOOM, "Direct buffer memory", nil, analysis.LossUnclear},
	{"JVM 17", javaOOM, "Cannot reserve 8388608 bytes of direct buffer memory (allocated: 1069547520, limit: 1073741824)", nil, analysis.LossUnclear},
	{"JVM", javaOOM, "Metaspace", nil, analysis.LossUnclear},
	{"JVM", javaOOM, "unable to create native thread: possibly out of memory or process/resource limits reached", nil, analysis.LossUnclear},
	{"JVM", javaOOM, "Requested array size exceeds VM limit", nil, analysis.LossUnclear},
	{"ByteArrayOutputStream.hugeCapacity: no heap has room", javaOOM, "", nil, analysis.LossUnclear},
	{"ArraysSupport, JDK 17", javaOOM, "Required length exceeds implementation limit", nil, analysis.LossUnclear},
	{"Unsafe.allocateMemory", javaOOM, "Unable to allocate 1048576 bytes", nil, analysis.LossUnclear},
	{"rapids", javaOOM, "Could not allocate native memory: std::bad_alloc: out_of_memory: RMM failure", nil, analysis.LossUnclear},
	{"FileChannelImpl.map", "java.io.IOException", "Map failed", []string{javaOOM + ": Map failed"}, analysis.LossUnclear},
	{"FileFormatWriter", sparkException, writeFailed, []string{javaOOM + ": Direct buffer memory"}, analysis.LossUnclear},
	{"PlatformDependent", "io.netty.util.internal.OutOfDirectMemoryError", "failed to allocate 16777216 byte(s) of direct memory (used: 1, max: 2)", nil, analysis.LossUnclear},
	{"Arrow", "org.apache.arrow.memory.OutOfMemoryException", "Unable to allocate buffer of size 1048576 due to memory limit", nil, analysis.LossUnclear},
	{"TaskMemoryManager: a full disk", sparkOOM, "error while calling spill() on org.apache.spark.util.collection.unsafe.sort.UnsafeExternalSorter@5f4bb34a : No space left on device", nil, analysis.LossUnclear},
	{"TaskMemoryManager 4: a full disk", sparkOOM, "[SPILL_OUT_OF_MEMORY] Error while calling spill() on x : No space left on device", nil, analysis.LossUnclear},

	{"BasePythonRunner", sparkException, "Python worker exited unexpectedly (crashed)", []string{"java.io.EOFException"}, analysis.LossUnclear},
	{"BasePythonRunner 3.2, faulthandler", sparkException, "Python worker exited unexpectedly (crashed): Fatal Python error: Segmentation fault", []string{"java.io.EOFException"}, analysis.LossUnclear},
	{"BasePythonRunner, no trace", sparkException, "Python worker exited unexpectedly (crashed)", nil, analysis.LossUnclear},
	{"PythonWorkerFactory", sparkException, "Python worker failed to connect back.", []string{"java.net.SocketTimeoutException: Accept timed out"}, analysis.LossUnclear},
	{"PythonWorkerFactory", sparkException, "\nBad data in pyspark.daemon's standard output. Invalid port number:", nil, analysis.LossUnclear},
	{"BasePythonRunner's writer", "java.net.SocketException", "Connection reset", nil, analysis.LossUnclear},
	{"TorrentBroadcast", sparkException, "Failed to get broadcast_1_piece0 of broadcast_1", nil, analysis.LossUnclear},
	{"TorrentBroadcast", "java.io.IOException", "org.apache.spark.SparkException: Failed to get broadcast_1_piece0 of broadcast_1", []string{"org.apache.spark.SparkException: Failed to get broadcast_1_piece0 of broadcast_1"}, analysis.LossUnclear},
	{"ThreadUtils.awaitResult", sparkException, "Exception thrown in awaitResult: ", []string{"org.apache.spark.rpc.RpcTimeoutException: Futures timed out"}, analysis.LossUnclear},
	{"KryoSerializer", sparkException, "Kryo serialization failed: Buffer overflow. Available: 0, required: 8.", []string{"com.esotericsoftware.kryo.KryoException: Buffer overflow."}, analysis.LossUnclear},
	{"DiskBlockObjectWriter", "java.io.IOException", "No space left on device", nil, analysis.LossUnclear},
	{"FileFormatWriter", sparkException, "Task failed while writing rows.", []string{"java.io.IOException: No space left on device"}, analysis.LossUnclear},
	{"FileScanRDD", "org.apache.spark.SparkFileNotFoundException", "File s3://b/t/part-1 does not exist", nil, analysis.LossUnclear},
	{"FileScanRDD", "org.apache.spark.sql.execution.QueryExecutionException", "Encountered error while reading file s3://b/t/part-1. Details: ", []string{"java.net.SocketTimeoutException: Read timed out"}, analysis.LossUnclear},
	{"Parquet", "org.apache.parquet.io.ParquetDecodingException", "Can not read value at 0 in block -1 in file s3://b/t/part-1", []string{"java.lang.UnsupportedOperationException: x"}, analysis.LossUnclear},
	{"Databricks", "com.databricks.sql.io.FileReadException", "Error while reading file s3://b/t/part-1.", nil, analysis.LossUnclear},
	{"EMRFS, S3A", "com.amazonaws.services.s3.model.AmazonS3Exception", "Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown)", nil, analysis.LossUnclear},
	{"FileFormatWriter", sparkException, writeFailed, []string{"com.amazonaws.SdkClientException: Unable to execute HTTP request: timeout"}, analysis.LossUnclear},
	{"AWS SDK 2", "software.amazon.awssdk.core.exception.SdkClientException", "Unable to load credentials", nil, analysis.LossUnclear},
	{"EMR", "com.amazon.ws.emr.hadoop.fs.shaded.com.amazonaws.services.s3.model.AmazonS3Exception", "Slow Down", nil, analysis.LossUnclear},
	{"Apache HttpClient", "org.apache.http.NoHttpResponseException", "h failed to respond", nil, analysis.LossUnclear},
	{"JDK", "javax.net.ssl.SSLException", "Connection reset", nil, analysis.LossUnclear},
	{"Cloud Storage", "com.google.cloud.hadoop.repackaged.gcs.com.google.api.client.googleapis.json.GoogleJsonResponseException", "503 Service Unavailable", nil, analysis.LossUnclear},
	{"JDBC", "java.sql.SQLTransientConnectionException", "timeout", nil, analysis.LossUnclear},
	{"Kafka", "org.apache.kafka.common.errors.TimeoutException", "Timeout of 60000ms expired", nil, analysis.LossUnclear},
	{"rapids", "com.nvidia.spark.rapids.jni.GpuSplitAndRetryOOM", "GPU OutOfMemory: could not split inputs and retry", nil, analysis.LossUnclear},
	{"the code's own class around a network's", "com.example.LookupFailed", "x", []string{"java.net.SocketTimeoutException: Read timed out"}, analysis.LossUnclear},
	{"nobody", "", "", nil, analysis.LossUnclear},

	{"a UDF", "java.lang.NullPointerException", "", nil, analysis.LossUserCode},
	{"a UDF", "java.lang.ArrayIndexOutOfBoundsException", "3", nil, analysis.LossUserCode},
	{"ScalaUDF", sparkException, "Failed to execute user defined function (f$1: (string) => int)", []string{"java.lang.NumberFormatException: For input string: \"x\""}, analysis.LossUserCode},
	{"FileFormatWriter", sparkException, writeFailed, []string{"org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO] Division by zero."}, analysis.LossUserCode},
	{"QueryExecutionErrors", "org.apache.spark.SparkNumberFormatException", "[CAST_INVALID_INPUT] The value 'x' of the type \"STRING\" cannot be cast to \"INT\"", nil, analysis.LossUserCode},
	{"JVM", "java.lang.StackOverflowError", "", nil, analysis.LossUserCode},
	{"PythonRunner", python, "Traceback (most recent call last):\n  File \"/jobs/f.py\", line 9, in f\nValueError: bad\n", nil, analysis.LossUserCode},
	{"PythonRunner: what then became of the socket", python, "Traceback (most recent call last):\n  File \"/jobs/f.py\", line 9, in f\nValueError: bad\n", []string{"java.net.SocketException: Broken pipe"}, analysis.LossUserCode},
	{"PythonRunner: the user's text", python, "Traceback (most recent call last):\n  File \"/jobs/f.py\"\nValueError: java.lang.OutOfMemoryError: Java heap space\n", []string{javaOOM + ": Java heap space"}, analysis.LossUserCode},
	{"PythonRunner", python, "Traceback (most recent call last):\n  File \"/jobs/f.py\", line 9, in f\nMemoryError\n", nil, analysis.LossUnclear},
	{"NumPy", python, "Traceback (most recent call last):\n  File \"/jobs/f.py\"\nnumpy.core._exceptions._ArrayMemoryError: Unable to allocate 1.00 GiB for an array\n", nil, analysis.LossUnclear},
	{"Python's network", python, "Traceback (most recent call last):\n  File \"/jobs/f.py\"\nrequests.exceptions.ConnectionError: Max retries exceeded\n", nil, analysis.LossUnclear},
	{"Python's disk", python, "Traceback (most recent call last):\n  File \"/jobs/f.py\"\nOSError: [Errno 28] No space left on device\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/jobs/f.py\"\nRuntimeError: no lookup\n", nil, analysis.LossUnclear},
}

func ended(t *testing.T, class, message string, causes []string) endReason {
	t.Helper()
	text := class + ": " + message + "\n\tat x.Y.z(Y.java:1)\n"
	for _, c := range causes {
		text += "Caused by: " + c + "\n\tat x.Y.z(Y.java:1)\n\t... 3 more\n"
	}
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	r := endReason{Reason: endException, Class: class, Description: message}
	if err := r.Trace.UnmarshalJSON(b); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestExceptionCauses(t *testing.T) {
	for _, row := range exceptionRows {
		r := ended(t, row.class, row.message, row.causes)
		got, text := r.told(false)
		if got != row.want {
			t.Errorf("%s: %s: %s: got %s, want %s", row.from, row.class, row.message, got, row.want)
		}
		if r.heapOOM(false) != (row.want == analysis.LossHeapOOM) {
			t.Errorf("%s: %s: %s: heapOOM %t", row.from, row.class, row.message, r.heapOOM(false))
		}
		if len(text) > maxEvidenceText {
			t.Errorf("%s: evidence of %d bytes", row.from, len(text))
		}
	}
}

// Where Spark executes off the heap, what it lacks is not on it.
func TestOffHeapExecution(t *testing.T) {
	r := ended(t, sparkException, writeFailed, []string{sparkOOM + ": " + noAcquire})
	if got, _ := r.told(true); got != analysis.LossUnclear || r.heapOOM(true) {
		t.Errorf("got %s", got)
	}
	r = ended(t, javaOOM, "Java heap space", nil)
	if got, _ := r.told(true); got != analysis.LossHeapOOM {
		t.Errorf("got %s", got)
	}
}

// What YARN's ResourceManager says of an application whose driver it ran.
var diagnosticsRows = []struct{ from, text, want string }{
	{"nobody", "", analysis.LossUnclear},
	{"ApplicationMaster", "User class threw exception: java.lang.OutOfMemoryError: Java heap space\n\tat x", analysis.LossHeapOOM},
	{"ApplicationMaster", "User class threw exception: java.lang.OutOfMemoryError: GC overhead limit exceeded", analysis.LossHeapOOM},
	{"ApplicationMaster", "User class threw exception: org.apache.spark.SparkException: x\nCaused by: java.lang.OutOfMemoryError: Java heap space\n", analysis.LossHeapOOM},
	{"ApplicationMaster", "User class threw exception: java.lang.OutOfMemoryError: Metaspace", analysis.LossUnclear},
	{"ApplicationMaster", "User class threw exception: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0: Exit status: 143", ""},
	{"ApplicationMaster", "User class threw exception: org.apache.spark.sql.AnalysisException: Table or view not found: t", analysis.LossUserCode},
	{"HiveExternalCatalog", "User class threw exception: org.apache.spark.sql.AnalysisException: org.apache.hadoop.hive.ql.metadata.HiveException: Unable to fetch table t", analysis.LossUnclear},
	{"HiveExternalCatalog", "User class threw exception: org.apache.spark.sql.AnalysisException: x\n\tat x\nCaused by: org.apache.thrift.transport.TTransportException: java.net.SocketTimeoutException: Read timed out", analysis.LossUnclear},
	{"ApplicationMaster, Python", "User application exited with status 1", analysis.LossUnclear},
	{"ApplicationMaster, sys.exit(52)", "User application exited with status 52", analysis.LossUnclear},
	{"ApplicationMaster", "Max number of executor failures (6) reached", analysis.LossUnclear},
	{"YARN RMAppAttemptImpl", "AM Container for appattempt_1 exited with  exitCode: -104 ... is running 9MB beyond the 'PHYSICAL' memory limit. Killing container.", analysis.LossContainerMemory},
	{"YARN RMAppAttemptImpl", "AM Container for appattempt_1 exited with  exitCode: -104\nFailing this attempt.", analysis.LossContainerMemory},
	{"YARN RMAppAttemptImpl", "AM Container for appattempt_1 exited with  exitCode: -102. Container preempted by scheduler", analysis.LossPreempted},
	{"YARN RMAppAttemptImpl", "AM Container for appattempt_1 exited with  exitCode: -1000\nFailing this attempt.Diagnostics: File does not exist: hdfs://h/x.jar", analysis.LossUnclear},
	{"YARN RMAppAttemptImpl", "AM Container for appattempt_1 exited with  exitCode: 143\nFailing this attempt.Diagnostics: Killed by external signal", analysis.LossSignal},
	{"YARN RMAppAttemptImpl", "AM Container for appattempt_1 exited with  exitCode: 1\nlaunch context: java -server -XX:OnOutOfMemoryError='kill %p'", analysis.LossUnclear},
}

func TestDriverLoss(t *testing.T) {
	for _, r := range diagnosticsRows {
		if got := DriverLoss(r.text); got != r.want {
			t.Errorf("%s: %q: got %q, want %q", r.from, r.text, got, r.want)
		}
	}
}

// The evidence of a cause is the text that tells it, however late it comes.
func TestEvidence(t *testing.T) {
	var e evidence
	for i := range 12 {
		e.add(analysis.LossUnclear, "java.io.IOException: "+strings.Repeat("x", i+1))
	}
	e.add("", "Job aborted")
	all := []string{
		analysis.LossHeapOOM, analysis.LossContainerMemory, analysis.LossPreempted, analysis.LossSignal,
		analysis.LossScaleDown, analysis.LossFetchFailed, analysis.LossUserCode,
	}
	for _, cause := range all {
		e.add(cause, "first of "+cause)
		e.add(cause, "second of "+cause)
	}
	want := []string{"java.io.IOException: x"}
	for _, cause := range all {
		want = append(want, "first of "+cause)
	}
	if !slices.Equal(e.texts, want) {
		t.Errorf("got %q", e.texts)
	}
}

func TestExcerpt(t *testing.T) {
	reason := pod(podKilled, "", "", "OOMKilled")
	cause, end := lossSign(reason)
	got := excerpt(reason, end)
	if cause != analysis.LossContainerMemory || len(got) > maxEvidenceText || !strings.HasSuffix(got, "termination reason: OOMKilled") || !strings.Contains(got, podKilled) {
		t.Errorf("%s of %d bytes: %s", cause, len(got), got)
	}
	for _, n := range []int{0, 1, 2, 140, 299, 300} {
		text := strings.Repeat("é", n) + fmt.Sprint("\xff", strings.Repeat("é", 200), "OOMKilled", strings.Repeat("é", 200))
		if _, end := lossSign(text); !strings.HasSuffix(text[:end], "OOMKilled") || !strings.Contains(excerpt(text, end), "OOMKilled") {
			t.Errorf("%d: %s", n, excerpt(text, end))
		}
	}
}
