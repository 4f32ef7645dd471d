package policy

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sparktune/sparktune/patcher"
)

// pythonName matches what a class, a function or an argument may be called.
const pythonName = `^[A-Za-z_][A-Za-z0-9_]*$`

// sparkProperty matches the name of a Spark property.
const sparkProperty = `^spark\.[A-Za-z0-9_.-]+$`

var (
	isName     = regexp.MustCompile(pythonName)
	isProperty = regexp.MustCompile(sparkProperty)
)

// operatorArguments are what the file may say of an operator besides its
// settings: the argument that holds it.
var operatorArguments = map[string]struct {
	doc   string
	field func(*patcher.Operator) *string
}{
	"application": {"Argument that is the script or jar.", func(o *patcher.Operator) *string { return &o.Application }},
	"conf":        {"Argument that is a mapping of Spark properties.", func(o *patcher.Operator) *string { return &o.Conf }},
	"main_class":  {"Argument that is the main class.", func(o *patcher.Operator) *string { return &o.MainClass }},
	"name":        {"Argument that is the application's name.", func(o *patcher.Operator) *string { return &o.Name }},
	"options":     {"Argument that holds spark-submit options: a text, a list, or a list of pairs.", func(o *patcher.Operator) *string { return &o.Options }},
}

// operator reads one house operator of the section "operators".
func (p *Policy) operator(key, value *yaml.Node) error {
	if !isName.MatchString(key.Value) {
		return at(key, "%q is not the name of a class or function", key.Value)
	}
	op := patcher.Operator{Class: key.Value, Settings: map[string]string{}}
	err := eachPair(value, "an operator", func(key, value *yaml.Node) error {
		if key.Value == "settings" {
			return eachPair(value, "settings", func(arg, prop *yaml.Node) error { return setting(op.Settings, arg, prop) })
		}
		a, ok := operatorArguments[key.Value]
		switch {
		case !ok:
			names := append(slices.Collect(maps.Keys(operatorArguments)), "settings")
			slices.Sort(names)
			return at(key, "unknown name %q; known are %s", key.Value, strings.Join(names, ", "))
		case value.Kind != yaml.ScalarNode || !isName.MatchString(value.Value):
			return at(value, "%s must be the name of an argument", key.Value)
		}
		*a.field(&op) = value.Value
		return nil
	})
	if err == nil && len(op.Settings) == 0 && op.Conf == "" && op.Options == "" {
		err = at(value, "an operator needs settings, conf or options: without them nothing of it can be read")
	}
	p.Operators = append(p.Operators, op)
	return err
}

// setting reads "argument: property".
func setting(into map[string]string, arg, prop *yaml.Node) error {
	switch {
	case !isName.MatchString(arg.Value):
		return at(arg, "%q is not the name of an argument", arg.Value)
	case prop.Kind != yaml.ScalarNode || !isProperty.MatchString(prop.Value):
		return at(prop, "%s must be the name of a Spark property such as spark.executor.memory", arg.Value)
	}
	into[arg.Value] = prop.Value
	return nil
}

// operatorsSchema is the section "operators" in the schema of the file.
func operatorsSchema() map[string]any {
	text := func(doc, pattern string) map[string]any {
		return map[string]any{"type": "string", "description": doc, "pattern": pattern}
	}
	props := map[string]any{"settings": map[string]any{
		"type": "object", "description": "Arguments that stand for one Spark property each.",
		"propertyNames": map[string]any{"pattern": pythonName}, "additionalProperties": map[string]any{"type": "string", "pattern": sparkProperty},
	}}
	for name, a := range operatorArguments {
		props[name] = text(a.doc, pythonName)
	}
	needs := []any{}
	for _, name := range []string{"settings", "conf", "options"} {
		needs = append(needs, map[string]any{"required": []string{name}})
	}
	return map[string]any{
		"type": "object", "description": "Operators and helpers that a house wrote itself, by their name: what the arguments of a call say. See docs/patch.md.",
		"propertyNames":        map[string]any{"pattern": pythonName},
		"additionalProperties": map[string]any{"type": "object", "additionalProperties": false, "properties": props, "anyOf": needs},
	}
}

// tellOperators is the section as YAML.
func tellOperators(ops []patcher.Operator) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, op := range ops {
		said := map[string]any{}
		for name, a := range operatorArguments {
			if v := *a.field(&op); v != "" {
				said[name] = v
			}
		}
		if len(op.Settings) > 0 {
			said["settings"] = op.Settings
		}
		n.Content = append(n.Content, tell(op.Class), tell(said)) // sorted by name
	}
	return n
}
