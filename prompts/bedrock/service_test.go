package bedrock

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// A service is AWS's own description of Bedrock's runtime, as botocore has it.
// It is not made from the SDK that is tested.
type service struct {
	Operations map[string]struct {
		HTTP struct {
			Method     string `json:"method"`
			RequestURI string `json:"requestUri"`
		} `json:"http"`
	} `json:"operations"`
	Shapes map[string]shape `json:"shapes"`
}

type shape struct {
	Type     string           `json:"type"`
	Required []string         `json:"required"`
	Members  map[string]shRef `json:"members"`
	Member   shRef            `json:"member"`
	Value    shRef            `json:"value"`
	Enum     []string         `json:"enum"`
	Min      *float64         `json:"min"`
	Max      *float64         `json:"max"`
	Pattern  string           `json:"pattern"`
	Union    bool             `json:"union"`
	Document bool             `json:"document"`
	Error    struct {
		HTTPStatusCode int `json:"httpStatusCode"`
	} `json:"error"`
}

type shRef struct {
	Shape string `json:"shape"`
}

// findService is the path of the description, "" where it was not made.
func findService(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("SPARKTUNE_CACHE")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache", "sparktune")
	}
	found, err := filepath.Glob(filepath.Join(cache, "botocore/lib/*/site-packages/botocore/data/bedrock-runtime/*/service-2.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

// loadService skips the test where the description was not made. In CI it is
// made, and the test fails where that fails.
func loadService(t *testing.T) *service {
	t.Helper()
	if findService(t) == "" && os.Getenv("CI") == "true" {
		if out, err := exec.Command("testdata/setup").CombinedOutput(); err != nil {
			t.Fatalf("testdata/setup: %v\n%s", err, out)
		}
	}
	path := findService(t)
	if path == "" {
		t.Skip("botocore is not there: run prompts/bedrock/testdata/setup")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var s service
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// validate says how a value differs from a shape.
func (s *service) validate(name string, v any) []string { return s.at(name, name, v) }

func (s *service) at(path, name string, v any) []string {
	sh, ok := s.Shapes[name]
	switch {
	case !ok:
		return []string{path + ": no shape " + name}
	case sh.Document:
		return nil
	}
	switch sh.Type {
	case "structure":
		return s.structure(path, sh, v)
	case "list":
		return s.list(path, sh, v)
	case "map":
		return s.mapping(path, sh, v)
	}
	return sh.scalar(path, v)
}

func (s *service) structure(path string, sh shape, v any) []string {
	m, ok := v.(map[string]any)
	if !ok {
		return []string{path + ": not an object"}
	}
	var out []string
	for _, r := range sh.Required {
		if m[r] == nil {
			out = append(out, path+": lacks "+r)
		}
	}
	if sh.Union && len(m) != 1 {
		out = append(out, fmt.Sprintf("%s: a union of %d members", path, len(m)))
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		member, ok := sh.Members[k]
		if !ok {
			out = append(out, path+": unknown member "+k)
			continue
		}
		out = append(out, s.at(path+"."+k, member.Shape, m[k])...)
	}
	return out
}

func (s *service) list(path string, sh shape, v any) []string {
	l, ok := v.([]any)
	if !ok {
		return []string{path + ": not a list"}
	}
	out := sh.bounds(path, float64(len(l)))
	for i, e := range l {
		out = append(out, s.at(fmt.Sprintf("%s[%d]", path, i), sh.Member.Shape, e)...)
	}
	return out
}

func (s *service) mapping(path string, sh shape, v any) []string {
	m, ok := v.(map[string]any)
	if !ok {
		return []string{path + ": not a map"}
	}
	out := sh.bounds(path, float64(len(m)))
	for k, e := range m {
		out = append(out, s.at(path+"."+k, sh.Value.Shape, e)...)
	}
	return out
}

func (sh shape) scalar(path string, v any) []string {
	switch x := v.(type) {
	case string:
		return sh.text(path, x)
	case float64:
		if !slices.Contains([]string{"integer", "long", "float", "double"}, sh.Type) {
			return []string{path + ": a number for " + sh.Type}
		}
		return sh.bounds(path, x)
	case bool:
		if sh.Type != "boolean" {
			return []string{path + ": a switch for " + sh.Type}
		}
		return nil
	}
	return []string{fmt.Sprintf("%s: %T for %s", path, v, sh.Type)}
}

func (sh shape) text(path, s string) []string {
	if sh.Type != "string" && sh.Type != "blob" {
		return []string{path + ": a text for " + sh.Type}
	}
	out := sh.bounds(path, float64(utf8.RuneCountInString(s)))
	if len(sh.Enum) > 0 && !slices.Contains(sh.Enum, s) {
		out = append(out, fmt.Sprintf("%s: %q is not one of %v", path, s, sh.Enum))
	}
	if re, err := regexp.Compile("^(?:" + sh.Pattern + ")$"); sh.Pattern != "" && err == nil && !re.MatchString(s) {
		out = append(out, fmt.Sprintf("%s: %.60q does not match %s", path, s, sh.Pattern))
	}
	return out
}

func (sh shape) bounds(path string, n float64) []string {
	if sh.Min != nil && n < *sh.Min || sh.Max != nil && n > *sh.Max {
		return []string{fmt.Sprintf("%s: %v is out of bounds", path, n)}
	}
	return nil
}

// The judge finds faults: it is no judge that lets everything pass.
func TestJudgeFindsFaults(t *testing.T) {
	s := loadService(t)
	for want, v := range map[string]map[string]any{
		"unknown member": {"modelId": "m", "prompt": "x"},
		"lacks modelId":  {},
		"not a list":     {"modelId": "m", "messages": "x"},
		"not one of":     {"modelId": "m", "messages": []any{map[string]any{"role": "root", "content": []any{}}}},
		"union":          {"modelId": "m", "system": []any{map[string]any{}}},
		"does not match": {"modelId": "a b"},
		"out of bounds":  {"modelId": "m", "inferenceConfig": map[string]any{"maxTokens": float64(0)}},
		"a text for":     {"modelId": "m", "inferenceConfig": map[string]any{"maxTokens": "1"}},
		"a number for":   {"modelId": float64(1)},
	} {
		got := fmt.Sprint(s.validate("ConverseRequest", v))
		if !strings.Contains(got, want) {
			t.Errorf("%v: %s, not %q", v, got, want)
		}
	}
}
