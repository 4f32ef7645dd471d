package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
)

// The schema of a row and of the policy file follow from tables in the code:
// the files are generated, with -update, and held here.
func TestGeneratedSchemas(t *testing.T) {
	for name, want := range map[string][]byte{"runs": runsSchema(t), "policy": policy.Schema(), "server": policy.ServerSchema()} {
		path := filepath.Join("../../docs/schemas", name+".schema.json")
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not current: run 'make golden'", path)
		}
	}
}

// runsSchema describes a line of 'sparktune runs --output json'.
func runsSchema(t *testing.T) []byte {
	t.Helper()
	props := make(map[string]any)
	var names []string
	for _, c := range analysis.Columns {
		s := columnSchema(c.Field(new(analysis.Run)))
		s["description"] = c.Doc + " (" + c.Unit + ", from " + c.Event + ")"
		props[c.Name] = s
		names = append(names, c.Name)
	}
	b, err := json.MarshalIndent(map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "a line of sparktune runs --output json: one application attempt; null is not measured",
		"description":          "Experimental: may change until the metrics and rules are complete.",
		"type":                 "object",
		"additionalProperties": false,
		"required":             names,
		"properties":           props,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func columnSchema(field any) map[string]any {
	switch field.(type) {
	case *string:
		return map[string]any{"type": []string{"string", "null"}}
	case *bool:
		return map[string]any{"type": "boolean"}
	case *int64:
		return map[string]any{"type": "integer"}
	case *time.Time:
		return map[string]any{"type": []string{"string", "null"}, "format": "date-time"}
	case *analysis.Opt[int64]:
		return map[string]any{"type": []string{"integer", "null"}}
	case *analysis.Opt[float64]:
		return map[string]any{"type": []string{"number", "null"}}
	case *analysis.Opt[bool]:
		return map[string]any{"type": []string{"boolean", "null"}}
	case *[]string:
		return map[string]any{"type": []string{"array", "null"}, "items": map[string]any{"type": "string"}}
	case *map[string]int64:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": map[string]any{"type": "integer"}}
	case *analysis.Conf:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": map[string]any{"type": "string"}}
	}
	panic("no schema for a column's type") // unreachable except bug in Columns
}
