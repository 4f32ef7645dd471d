package policy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"
)

// Each case of testdata/operators is a policy file and the operators, or the
// errors, that come of it. The schema agrees with the loader.
func TestOperators(t *testing.T) {
	schema := compile(t)
	files, err := filepath.Glob("testdata/operators/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			pol, loadErr := Parse(ar.Files[0].Data)
			got := operatorsText(t, pol, loadErr)
			if *update {
				ar.Files = []txtar.File{ar.Files[0], {Name: "result", Data: []byte(got)}}
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			var doc any
			if err := yaml.Unmarshal(ar.Files[0].Data, &doc); err != nil {
				return // a key that is there twice is no document at all
			}
			if schemaErr := schema.Validate(doc); (schemaErr == nil) != (loadErr == nil) {
				t.Errorf("the schema says %v, the loader %v", schemaErr, loadErr)
			}
		})
	}
}

func operatorsText(t *testing.T, pol Policy, err error) string {
	t.Helper()
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	for _, op := range pol.Operators {
		line, err := json.Marshal(op)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(string(line) + "\n")
	}
	return b.String()
}
