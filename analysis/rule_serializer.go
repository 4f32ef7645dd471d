package analysis

import (
	"fmt"
	"strings"
)

var serializer = Rule{
	Name:  "serializer",
	Title: "serializer of RDD data",
	Doc: `A JVM application without SQL shuffles at least the policy's min_rdd_shuffle with
Java's serializer. Kryo is smaller and faster; classes that it does not know fail
at run time, so a person decides. SQL has its own format and Python pickles:
neither is touched by the setting. Source: Dr. Elephant, narrowed.`,
	Needs:  []string{"sql_executions", "shuffle_write_bytes"},
	Keys:   []string{keySerializer},
	Advice: true,
	eval:   evalSerializer,
}

func evalSerializer(p *Profile, pol Policy) Finding {
	r := p.Newest()
	written := medianOf(p.Runs, func(r *Run) Opt[int64] { return r.ShuffleWrite })
	ev := []Evidence{{"shuffle_write_bytes", "shuffle written, median", float64(written.V), "bytes"}}
	switch {
	case maxOf(p.Runs, func(r *Run) Opt[int64] { return r.SQLExecutions }).V > 0:
		return silent("SQL has its own format")
	case strings.HasSuffix(r.Application, ".py"):
		return silent("Python objects are pickled")
	case strings.Contains(p.Conf()[keySerializer], "Kryo"):
		return silent("Kryo is set")
	case written.V < pol.MinRDDShuffle:
		return silent("little is shuffled", ev...)
	}
	return advises(fmt.Sprintf("objects are shuffled with Java's serializer in %s", plural(len(p.Runs), "run")), ev,
		Change{Key: keySerializer, To: "org.apache.spark.serializer.KryoSerializer", Confidence: Low})
}
