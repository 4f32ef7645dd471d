package ghtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// A judge knows GitHub's own descriptions of its two APIs. It also refuses
// what they let pass: fields and query keys that they do not name.
type judge struct {
	doc    *openapi3.T
	schema *ast.Schema
}

// setup is the script that makes the descriptions, beside this package.
func setup() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../testdata/setup")
}

// loadJudge reads the descriptions, once for all servers of a process.
var loadJudge = sync.OnceValues(func() (*judge, error) {
	out, err := exec.Command(setup(), "octokit").Output()
	if err != nil {
		return nil, fmt.Errorf("%s octokit: %w", setup(), err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "node_modules", "@octokit")
	rest, err := os.ReadFile(filepath.Join(dir, "openapi", "generated", "api.github.com.json"))
	if err != nil {
		return nil, err
	}
	schema, err := os.ReadFile(filepath.Join(dir, "graphql-schema", "schema.graphql"))
	if err != nil {
		return nil, err
	}
	j := &judge{}
	if j.doc, err = loadREST(rest); err != nil {
		return nil, err
	}
	j.schema, err = loadGraphQL(string(schema))
	return j, err
})

// loadGraphQL reads the schema. GitHub's has fields twice in one type, with the
// same meaning, which the reader refuses: the first counts.
func loadGraphQL(raw string) (*ast.Schema, error) {
	sources := []*ast.Source{validator.Prelude, {Name: "schema.graphql", Input: raw}}
	doc, err := parser.ParseSchemas(sources...)
	if err != nil {
		return nil, fmt.Errorf("read GitHub's schema: %w", err)
	}
	for _, def := range doc.Definitions {
		seen := make(map[string]bool, len(def.Fields))
		def.Fields = slices.DeleteFunc(def.Fields, func(f *ast.FieldDefinition) bool {
			twice := seen[f.Name]
			seen[f.Name] = true
			return twice
		})
	}
	schema, err := validator.ValidateSchemaDocument(doc)
	if err != nil {
		return nil, fmt.Errorf("validate GitHub's schema: %w", err)
	}
	return schema, nil
}

var component = regexp.MustCompile(`"#/components/([a-z-A-Z]+)/([^"]+)"`)

// bothAtOnce is a mistake of the description: the account of an installation
// in a list cannot be a user and an enterprise at once.
var bothAtOnce = regexp.MustCompile(`("account"\s*:\s*\{\s*"nullable"\s*:\s*true,\s*)"allOf"`)

// loadREST reads what our routes and webhooks need of the description: a
// twentieth of it, and of the time that all of it takes.
func loadREST(raw []byte) (*openapi3.T, error) {
	var doc struct {
		OpenAPI    string                                `json:"openapi"`
		Info       json.RawMessage                       `json:"info"`
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components map[string]map[string]json.RawMessage `json:"components"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read GitHub's description: %w", err)
	}
	paths := map[string]map[string]json.RawMessage{}
	var todo []json.RawMessage
	for _, rt := range routes {
		op, there := doc.Paths[rt.path][strings.ToLower(rt.method)]
		if !there {
			return nil, fmt.Errorf("GitHub's description has no %s %s", rt.method, rt.path)
		}
		if paths[rt.path] == nil {
			paths[rt.path] = map[string]json.RawMessage{}
		}
		op = bothAtOnce.ReplaceAll(op, []byte(`$1"anyOf"`))
		paths[rt.path][strings.ToLower(rt.method)] = op
		todo = append(todo, op)
	}
	for _, name := range webhookSchemas {
		todo = append(todo, json.RawMessage(`"#/components/schemas/`+name+`"`))
	}
	kept := map[string]map[string]json.RawMessage{}
	for len(todo) > 0 {
		last := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, hit := range component.FindAllSubmatch(last, -1) {
			section, name := string(hit[1]), string(hit[2])
			if kept[section] == nil {
				kept[section] = map[string]json.RawMessage{}
			}
			if _, done := kept[section][name]; !done {
				kept[section][name] = doc.Components[section][name]
				todo = append(todo, doc.Components[section][name])
			}
		}
	}
	small, err := json.Marshal(map[string]any{"openapi": doc.OpenAPI, "info": doc.Info, "paths": paths, "components": kept})
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(small)
}

func (j *judge) operation(rt *route) *openapi3.Operation {
	return j.doc.Paths.Value(rt.path).GetOperation(rt.method)
}

func (j *judge) input(q *request) *openapi3filter.RequestValidationInput {
	r := q.r.Clone(context.Background())
	r.Body = http.NoBody
	if len(q.raw) > 0 {
		r.Body = readAgain(q.raw)
		// GitHub takes JSON whatever it is called.
		r.Header.Set("Content-Type", "application/json")
	}
	return &openapi3filter.RequestValidationInput{
		Request: r, PathParams: q.params, QueryParams: q.query,
		Route:   &routers.Route{Spec: j.doc, Path: q.route.path, PathItem: j.doc.Paths.Value(q.route.path), Method: q.route.method, Operation: j.operation(q.route)},
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true},
	}
}

// request says what is wrong with a request.
func (j *judge) request(q *request) []string {
	op := j.operation(q.route)
	var out []string
	if err := openapi3filter.ValidateRequest(context.Background(), j.input(q)); err != nil {
		out = append(out, firstLines(err))
	}
	for key := range q.query {
		if op.Parameters.GetByInAndName("query", key) == nil {
			out = append(out, "the query key "+key+" is not declared")
		}
	}
	switch {
	case len(q.raw) == 0:
	case op.RequestBody == nil:
		out = append(out, "there is a body and none is declared")
	default:
		out = append(out, undeclared(op.RequestBody.Value.Content.Get("application/json").Schema, q.body, "")...)
	}
	slices.Sort(out)
	return out
}

// plain are the answers that every operation may give, declared or not.
var plain = []int{400, 401, 403, 404, 409, 422}

// response says what is wrong with an answer of ours.
func (j *judge) response(q *request, a *answer) []string {
	op := j.operation(q.route)
	declared := op.Responses.Status(a.status)
	if declared == nil {
		if slices.Contains(plain, a.status) {
			return nil
		}
		return []string{fmt.Sprintf("the status %d is not declared", a.status)}
	}
	input := &openapi3filter.ResponseValidationInput{RequestValidationInput: j.input(q), Status: a.status, Header: a.header.Clone()}
	input.Options = input.RequestValidationInput.Options
	if len(a.body) > 0 {
		input.Header.Set("Content-Type", "application/json")
		input.SetBodyBytes(a.body)
	}
	var out []string
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		out = append(out, firstLines(err))
	}
	content := declared.Value.Content.Get("application/json")
	if content == nil || len(a.body) == 0 || a.status >= http.StatusMultipleChoices {
		return out
	}
	var body any
	if err := json.Unmarshal(a.body, &body); err != nil {
		return append(out, err.Error())
	}
	return append(out, undeclared(content.Schema, body, "")...)
}

// undeclared are the paths of the fields that the schema does not name. Where
// it allows additional properties on purpose, all is well.
func undeclared(ref *openapi3.SchemaRef, v any, at string) []string {
	var out []string
	switch v := v.(type) {
	case map[string]any:
		fields, open := declaredFields(ref, map[*openapi3.Schema]bool{})
		for key, below := range v {
			switch field := fields[key]; {
			case field != nil:
				for _, f := range field {
					if out = append(out, undeclared(f, below, at+"."+key)...); len(out) == 0 {
						break
					}
				}
			case !open:
				out = append(out, "the field "+strings.TrimPrefix(at+"."+key, ".")+" is not declared")
			}
		}
	case []any:
		for _, item := range itemsOf(ref) {
			for i, below := range v {
				out = append(out, undeclared(item, below, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	}
	return out
}

// parts are a schema and those that it is made of.
func parts(s *openapi3.Schema) []*openapi3.SchemaRef {
	return slices.Concat(s.AllOf, s.AnyOf, s.OneOf)
}

// declaredFields are the fields that an object of the schema may have. It is
// open when it may have any.
func declaredFields(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) (fields map[string][]*openapi3.SchemaRef, open bool) {
	fields = map[string][]*openapi3.SchemaRef{}
	s := ref.Value
	if seen[s] {
		return fields, false
	}
	seen[s] = true
	for name, field := range s.Properties {
		fields[name] = append(fields[name], field)
	}
	extra := s.AdditionalProperties
	open = extra.Has != nil && *extra.Has || extra.Schema != nil || len(s.Properties) == 0 && len(parts(s)) == 0
	for _, part := range parts(s) {
		below, belowOpen := declaredFields(part, seen)
		for name, refs := range below {
			fields[name] = append(fields[name], refs...)
		}
		isObject := part.Value.Type.Is("object") || len(part.Value.Properties) > 0 || len(parts(part.Value)) > 0
		open = open || belowOpen && isObject
	}
	return fields, open
}

func itemsOf(ref *openapi3.SchemaRef) []*openapi3.SchemaRef {
	if ref.Value.Items != nil {
		return []*openapi3.SchemaRef{ref.Value.Items}
	}
	for _, part := range parts(ref.Value) {
		if items := itemsOf(part); len(items) > 0 {
			return items
		}
	}
	return nil
}

// payload says what is wrong with the body of a webhook.
func (j *judge) payload(schema string, body []byte) []string {
	ref := j.doc.Components.Schemas[schema]
	if ref == nil {
		return []string{"GitHub's description has no " + schema}
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return []string{err.Error()}
	}
	if err := ref.Value.VisitJSON(v); err != nil {
		return []string{firstLines(err)}
	}
	return nil
}

// firstLines are what an error of kin-openapi says before it prints schemas.
func firstLines(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\nSchema:")
	return text
}
