package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sparktune/sparktune"

// layers says which of our packages each package may import. A package that is
// not in the table may not exist: adding one is a decision, with its reason in
// the commit that adds the row.
var layers = map[string][]string{
	"analysis":            {},
	"analysis/eventlog":   {"analysis"},
	"analysis/lake":       {"analysis"},
	"patcher":             {},
	"prompts":             {"analysis"},
	"prompts/bedrock":     {"prompts"},
	"bot":                 {"analysis", "patcher", "prompts", "bot/policy"},
	"bot/ghapp":           {"bot"},
	"bot/ghapp/ghtest":    {},
	"bot/policy":          {"analysis", "patcher"},
	"bot/store":           {"bot"},
	"bot/store/storetest": {"bot"},
	"webhooks":            {},
	"cmd/sparktune":       {"analysis", "analysis/eventlog", "analysis/lake", "patcher", "prompts", "prompts/bedrock", "bot", "bot/ghapp", "bot/policy", "bot/store", "webhooks"},
	"lab":                 {},
}

// vendors says which of our packages may import a module: the only ones that
// know it.
var vendors = map[string][]string{
	"github.com/apache/iceberg-go":          {"analysis/lake"},
	"github.com/apache/arrow-go":            {"analysis/lake"},
	"github.com/mattn/go-sqlite3":           {"analysis/lake", "bot/store"},
	"github.com/riverqueue/river":           {"bot/store"},
	"github.com/tree-sitter/go-tree-sitter": {"patcher"},
	"mvdan.cc/sh":                           {"patcher"},
	"github.com/klauspost/compress":         {"analysis/eventlog"},
	"github.com/spf13/pflag":                {"cmd/sparktune"},
	"github.com/prometheus/client_golang":   {"cmd/sparktune"},
	"github.com/yuin/goldmark":              {"prompts"},
	"github.com/aws/aws-sdk-go-v2":          {"prompts/bedrock", "cmd/sparktune"},
	"github.com/aws/smithy-go":              {"prompts/bedrock"},
	"github.com/google/go-github":           {"bot/ghapp"},
	"github.com/bradleyfalzon":              {"bot/ghapp"},
	"github.com/golang-jwt/jwt":             {"bot/ghapp", "bot/ghapp/ghtest"},
	"github.com/getkin/kin-openapi":         {"bot/ghapp/ghtest"},
	"github.com/vektah/gqlparser":           {"bot/ghapp/ghtest"},
}

// pure packages import nothing of the standard library that reaches the world.
var pure = []string{"analysis", "patcher", "prompts"}

var worldly = []string{"os", "net", "net/http", "os/exec", "context", "log", "log/slog", "math/rand", "math/rand/v2", "syscall"}

func TestLayers(t *testing.T) {
	seen := make(map[string]bool)
	for pkg, imports := range importsOf(t) {
		seen[pkg] = true
		allowed, known := layers[pkg]
		if !known {
			t.Errorf("package %s is not in the table of layers", pkg)
		}
		for _, imp := range imports {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s, which its layer does not allow", pkg, own)
			}
			for vendor, only := range vendors {
				if (imp == vendor || strings.HasPrefix(imp, vendor+"/")) && !slices.Contains(only, pkg) {
					t.Errorf("%s imports %s; only %s may", pkg, imp, strings.Join(only, ", "))
				}
			}
			// prompts hands its caller's context to a Model, and reaches nothing itself.
			if slices.Contains(pure, pkg) && slices.Contains(worldly, imp) && (pkg != "prompts" || imp != "context") {
				t.Errorf("%s is pure and imports %s", pkg, imp)
			}
		}
	}
	for pkg := range layers {
		if !seen[pkg] {
			t.Errorf("the table of layers names %s, which does not exist", pkg)
		}
	}
}

// importsOf are the imports of every package of the module, tests left out.
func importsOf(t *testing.T) map[string][]string {
	t.Helper()
	const root = "../.."
	out := make(map[string][]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(rel)
		out[pkg] = append(out[pkg], "")
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			out[pkg] = append(out[pkg], imp)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
