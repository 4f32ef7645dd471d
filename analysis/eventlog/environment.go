package eventlog

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// environmentUpdate repeats for every added file or jar; the first one says
// how the application was submitted.
type environmentUpdate struct {
	Spark  properties `json:"Spark Properties"`
	Hadoop properties `json:"Hadoop Properties"`
	System properties `json:"System Properties"`
}

func (e *environmentUpdate) apply(a *app) error {
	if a.env.known {
		return nil
	}
	a.env = environment{known: true, spark: e.Spark, hadoop: e.Hadoop, system: e.System}
	return nil
}

// properties holds the few properties that the package reads. Nothing else of
// an application's environment is kept: it may hold secrets.
type properties map[string]string

// Bounds of what is kept: a value, one of the orchestrator's, and how many of
// those there are. What is beyond counts as absent.
const (
	maxValue    = 64 << 10
	maxContext  = 4 << 10
	maxContexts = 512
)

// UnmarshalJSON keeps wanted properties whose value is a text.
func (p *properties) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	*p = make(properties)
	return eachText(json.NewDecoder(bytes.NewReader(b)), func(key, value string) {
		if wanted(key) {
			p.keep(key, value)
		}
	})
}

// eachText calls keep for each value of an object that is a text.
func eachText(dec *json.Decoder, keep func(key, value string)) error {
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return err // nothing to read
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		if text := ""; value[0] == '"' && json.Unmarshal(value, &text) == nil {
			keep(key, text)
		}
	}
	return nil
}

func (p properties) keep(key, value string) {
	if _, known := analysis.FindProperty(key); value == analysis.Redacted && !known || len(value) > maxValue {
		return
	}
	if wantedKeys[key] || len(value) <= maxContext && len(p) < maxContexts {
		p[key] = value
	}
}

// wantedProperties are read beside those of analysis.Properties and the
// prefixes of wantedPrefixes.
var wantedProperties = []string{
	"spark.app.id",
	"spark.databricks.clusterUsageTags.clusterId",
	"spark.databricks.clusterUsageTags.clusterName",
	"spark.databricks.clusterUsageTags.runtimeEngine",
	"spark.jars",
	"spark.jars.packages",
	"spark.kubernetes.namespace",
	"spark.master",
	"spark.openlineage.parentJobName",
	"spark.openlineage.parentRunId",
	"spark.openlineage.rootJobName",
	"spark.openlineage.rootParentJobName",
	"spark.openlineage.rootParentRunId",
	"spark.openlineage.rootRunId",
	"spark.plugins",
	"spark.submit.deployMode",
	"spark.submit.pyFiles",
	"spark.yarn.dist.jars",
	"spark.yarn.dist.pyFiles",
	"spark.yarn.isPython",
	"spark.yarn.queue",
	"spark.yarn.tags",
	"sun.java.command",
	yarnStep,
}

// yarnStep is what YARN rounds containers up to.
const yarnStep = "yarn.scheduler.minimum-allocation-mb"

// wantedPrefixes are those of the orchestrator's context.
var wantedPrefixes = []string{
	"spark.airflow.",
	"spark.executorEnv.AIRFLOW_CTX_",
	"spark.kubernetes.driver.label.",
	"spark.kubernetes.driverEnv.AIRFLOW_CTX_",
	"spark.kubernetes.executor.label.",
	"spark.yarn.appMasterEnv.AIRFLOW_CTX_",
}

// wantedKeys are all that are read by their whole name.
var wantedKeys = func() map[string]bool {
	m := make(map[string]bool)
	for i := range analysis.Properties {
		p := &analysis.Properties[i]
		m[p.Name] = true
		for _, alias := range p.Aliases {
			m[alias] = true
		}
	}
	for _, key := range wantedProperties {
		m[key] = true
	}
	return m
}()

func wanted(key string) bool {
	return wantedKeys[key] || slices.ContainsFunc(wantedPrefixes, func(p string) bool {
		return strings.HasPrefix(key, p) && len(key) <= maxID
	})
}

// An environment is what is known of how the application was submitted.
type environment struct {
	known                 bool
	spark, hadoop, system properties
	conf                  analysis.Conf
	redacted              []string // properties that were set, but to what is not known
}

// config is the configuration under its current names. It is made once.
func (e *environment) config() analysis.Conf {
	if e.conf == nil && e.known {
		e.conf = make(analysis.Conf)
		for i := range analysis.Properties {
			p := &analysis.Properties[i]
			switch v, ok := e.find(p); {
			case v == analysis.Redacted:
				e.redacted = append(e.redacted, p.Name)
			case ok:
				e.conf[p.Name] = v
			}
		}
	}
	return e.conf
}

// find looks a property up under its current name, then under the old ones.
func (e *environment) find(p *analysis.Property) (string, bool) {
	v, ok := e.spark[p.Name]
	for i := 0; !ok && i < len(p.Aliases); i++ {
		v, ok = e.spark[p.Aliases[i]]
	}
	if ok && strings.HasSuffix(p.Name, "extraJavaOptions") {
		v = jvmFlags(v)
		return v, v != ""
	}
	return v, ok
}

// jvmFlags keeps the flags of the JVM itself (-Xss4m, -XX:+UseG1GC). System
// properties and agents may carry secrets.
func jvmFlags(options string) string {
	var flags []string
	for _, word := range words(options) {
		if strings.HasPrefix(word, "-X") {
			flags = append(flags, word)
		}
	}
	return strings.Join(flags, " ")
}

// words splits at spaces outside quotes and leaves the quotes in.
func words(s string) []string {
	var quote rune
	return strings.FieldsFunc(s, func(r rune) bool {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		default:
			return r == ' ' || r == '\t' || r == '\n'
		}
		return false
	})
}

func (e *environment) fill(r *analysis.Run) {
	if r.AppID == "" {
		r.AppID = clip(e.spark["spark.app.id"], maxText)
	}
	r.Cluster = clip(e.spark["spark.databricks.clusterUsageTags.clusterId"], maxText)
	r.Master = clip(e.spark["spark.master"], maxText)
	r.DeployMode = clip(e.spark["spark.submit.deployMode"], maxText)
	r.Queue = clip(e.spark["spark.yarn.queue"], maxText)
	r.Namespace = clip(e.spark["spark.kubernetes.namespace"], maxText)
	command := parseCommand(e.system["sun.java.command"])
	r.Application, r.MainClass = clip(command.application, maxText), clip(command.mainClass, maxText)
	r.CodeFiles = e.codeFiles(command)
	r.CodeVersion = codeVersion(r.Application, r.CodeFiles)
	r.Conf = e.config()
	if r.Master == "yarn" || strings.HasPrefix(r.Master, "yarn-") {
		r.ContainerStep = positive(analysis.ParseBytes(e.hadoop[yarnStep], mib).V)
	}
	e.identify(r)
}

// local says whether driver and executor are one process.
func (e *environment) local() bool {
	master := e.spark["spark.master"]
	return master == "local" || strings.HasPrefix(master, "local[")
}

func (e *environment) kubernetes() bool {
	return strings.HasPrefix(e.spark["spark.master"], "k8s://")
}

func (e *environment) language() analysis.Language {
	if e.spark["spark.yarn.isPython"] == "true" || e.spark["spark.kubernetes.resource.type"] == "python" {
		return analysis.Python
	}
	return analysis.LanguageOf(parseCommand(e.system["sun.java.command"]).application)
}
