package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sparktune": main})
}

// The scripts of testdata/script are the command line as its users see it.
// $REPO is the sample repository, $LOGS its event logs, $AS_OF the day after
// they were made; $LAB and $LABELLED those of the lab. Beside testscript's commands they have
//
//	[!] valid SCHEMA FILE   FILE (JSON or JSON Lines) is as docs/schemas says
//	replace GLOB OLD NEW    replaces a text in files, as another version might have written it
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join(root, "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			asOf, err := os.ReadFile(filepath.Join(root, "testdata", "eventlogs", "AS_OF"))
			if err != nil {
				return err
			}
			env.Setenv("REPO", filepath.Join(root, "testdata", "repo"))
			env.Setenv("LOGS", filepath.Join(root, "testdata", "eventlogs"))
			env.Setenv("LAB", filepath.Join(root, "lab", "repo"))
			env.Setenv("LABELLED", filepath.Join(root, "testdata", "labelled", "logs"))
			env.Setenv("AS_OF", strings.TrimSpace(string(asOf)))
			env.Setenv("SCHEMAS", filepath.Join(root, "docs", "schemas"))
			env.Setenv("SPARKTUNE_STATE", filepath.Join(env.WorkDir, "state"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"valid":   valid,
			"replace": replace,
		},
	})
}

func valid(ts *testscript.TestScript, neg bool, args []string) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(ts.Getenv("SCHEMAS"), args[0]+".schema.json"))
	ts.Check(err)
	err = validate(schema, ts.ReadFile(args[1]))
	if neg && err == nil {
		ts.Fatalf("%s is a valid %s", args[1], args[0])
	}
	if !neg {
		ts.Check(err)
	}
}

func validate(schema *jsonschema.Schema, text string) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	n := 0
	for ; dec.More(); n++ {
		var v any
		if err := dec.Decode(&v); err != nil {
			return err
		}
		if err := schema.Validate(v); err != nil {
			return err
		}
	}
	if n == 0 {
		return fmt.Errorf("no JSON value")
	}
	return nil
}

func replace(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	changed := 0
	for _, f := range files {
		src, err := os.ReadFile(f)
		ts.Check(err)
		out := bytes.ReplaceAll(src, []byte(args[1]), []byte(args[2]))
		if !bytes.Equal(src, out) {
			changed++
			ts.Check(os.WriteFile(f, out, 0o644))
		}
	}
	if changed == 0 {
		ts.Fatalf("no file of %s holds %s", args[0], args[1])
	}
}
