package policy

import (
	"maps"
	"regexp"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/sparktune/sparktune/analysis"
)

// A Group says what one pull request is about.
type Group string

// The groups. They stand in files.
const (
	GroupFile       Group = "file"
	GroupRepository Group = "repository"
)

// PullRequests is what a repository's owners set about pull requests.
type PullRequests struct {
	Group   Group
	MaxOpen int // at a time; 0 opens none
	Labels  []string
}

// pullFields are the names in the section pull_requests.
var pullFields = []field[PullRequests]{
	textField("group", "What one pull request is about: a DAG file, or the whole repository. Default file.",
		kind{wants: "file or repository", pattern: regexp.MustCompile(`^(file|repository)$`)},
		func(p *PullRequests) *string { return (*string)(&p.Group) }),
	numberField("max_open", "Most pull requests that are open at a time; 0 opens none. Default 3.",
		0, 20, func(p *PullRequests) *int { return &p.MaxOpen }),
	listField("labels", "Labels that a new pull request gets. Default none.",
		kind{wants: "a label of 1 to 50 characters", pattern: regexp.MustCompile(`^[^\x00-\x1f]{1,50}$`)},
		0, 10, func(p *PullRequests) *[]string { return &p.Labels }),
}

// maxIgnore is how many patterns a file may have.
const maxIgnore = 200

// ignoreField is the section ignore.
var ignoreField = listField("ignore", "Jobs that are left alone: ids of jobs as in 'sparktune jobs', or globs of the files that declare them.",
	glob, 0, maxIgnore, func(p *Policy) *[]string { return &p.Ignore })

func ignoreSchema() map[string]any {
	s := maps.Clone(ignoreField.schema)
	s["description"] = ignoreField.doc
	return s
}

// isText says whether the gate is a text in the file: a size or a duration.
func (g Gate) isText() bool {
	var p analysis.Policy
	switch g.field(&p).(type) {
	case *time.Duration, *analysis.Goal:
		return true
	}
	return g.bytes
}

// Ignores says whether the owners keep a job from being changed: by its id, or
// by a glob of the file that declares it.
func (p Policy) Ignores(job, path string) bool {
	return slices.ContainsFunc(p.Ignore, func(pattern string) bool {
		return pattern == job || matches(pattern, path)
	})
}

// A Doc is a documented name of a file.
type Doc struct{ Name, Text string }

// RepositoryDocs document the sections of .sparktune.yaml beside the gates and
// operators.
func RepositoryDocs() []Doc {
	var out []Doc
	for _, f := range pullFields {
		out = append(out, Doc{"pull_requests." + f.name, f.doc})
	}
	return append(out, Doc{ignoreField.name, ignoreField.doc})
}

// Text is the policy as a file would say it, with every default.
func (p Policy) Text() string {
	gates := &yaml.Node{Kind: yaml.MappingNode}
	for _, g := range Gates {
		// A plain scalar: the gate knows how it is spelled.
		gates.Content = append(gates.Content, tell(g.Name), &yaml.Node{Kind: yaml.ScalarNode, Value: g.Text(p.Gates)})
	}
	doc := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		tell("version"), tell(Version),
		tell("gates"), gates,
		tell("pull_requests"), tellFields(p.Pulls, pullFields),
	}}
	if v := ignoreField.value(p); v != nil {
		doc.Content = append(doc.Content, tell(ignoreField.name), tell(v))
	}
	if len(p.Operators) > 0 {
		doc.Content = append(doc.Content, tell("operators"), tellOperators(p.Operators))
	}
	return yamlText(doc)
}
