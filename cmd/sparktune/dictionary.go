package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/bot/policy"
)

var metricsCommand = command{
	name: "metrics",
	help: `print the dictionary of the metrics table

Every column with its unit, the Spark event it comes from and its formula.

example: sparktune metrics | grep -i heap`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		return c.printer("metrics", metricsDoc)
	},
}

var rulesCommand = command{
	name: "rules",
	help: `print the rules, the gates and what may be changed

example: sparktune rules`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		return c.printer("rules", policyDoc)
	},
}

// printer is a command that prints a document of the program's own tables.
func (c *cli) printer(name string, doc func() string) func(context.Context, []string) error {
	return func(_ context.Context, args []string) error {
		if len(args) > 0 {
			return usageError{name + " takes no arguments"}
		}
		_, err := io.WriteString(c.stdout, doc())
		return err
	}
}

// metricsDoc is docs/metrics.md.
func metricsDoc() string {
	var b strings.Builder
	b.WriteString(`# The metrics table

<!-- Written by 'make golden' from the code's own tables. -->

One row per application attempt. What was not measured is NULL, never zero.
These docs are also in the Iceberg schema.
`)
	var pillar analysis.Pillar
	for _, col := range analysis.Columns {
		if col.Pillar != pillar {
			pillar = col.Pillar
			fmt.Fprintf(&b, "\n## %s\n\n| column | unit | from | meaning |\n| --- | --- | --- | --- |\n", pillar)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", col.Name, col.Unit, col.Event, col.Doc)
	}
	b.WriteString(`
## Derived elsewhere

These are no columns, because they follow from the columns and from what is asked
or priced on the day they are told.

| measure | unit | where | meaning |
| --- | --- | --- | --- |
| duration with another number of executors | ms | ` + "`explain`, `tune`" + ` | Simulated from the table ` + "`run_profiles`" + `, with the error that it has on the runs themselves. The row has what bounds it: no less than driver_only_ms + run_ms / N with N cores, and no less than driver_only_ms + critical_path_ms with any number. |
| cost | the policy's currency | ` + "`explain`, `tune`" + ` | Core hours (core_ms) and GiB hours (memory_byte_ms) times the policy's prices, or the share of its node: prices change, and are not stored. |

## Properties

Of an application's configuration only these are kept, in ` + "`conf`" + ` as spelled and
parsed in a column each. What sparktune may write is marked.

| property | column | default | written | meaning |
| --- | --- | --- | --- | --- |
`)
	for _, p := range analysis.Properties {
		write := ""
		if p.Write {
			write = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s |\n", p.Name, p.Column, p.Default, write, p.Doc)
	}
	return b.String()
}

// policyDoc is docs/policy.md.
func policyDoc() string {
	var b strings.Builder
	b.WriteString(`# Rules and policy

<!-- Written by 'make golden' from the code's own tables. -->

Every rule answers on every job: silent, unmeasured or advises. They speak in
this order; when one that may write advises, the later ones wait to see what that
did. What a rule only advises is left to a person, and holds no other rule up.

| rule | about | written |
| --- | --- | --- |

`)
	for _, r := range analysis.Rules {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", r.Name, r.Title, written(r))
	}
	for _, r := range analysis.Rules {
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s\n\nNeeds %s. %s\n", r.Name, r.Title, r.Doc, code(r.Needs), mayChange(r))
	}
	b.WriteString(`
## The policy file

` + "`.sparktune.yaml`" + ` in the root of a repository sets gates. It is strict: an unknown
name, a wrong type or a value out of range is an error with line and column, and
nothing is decided. A report names the gates that are not the defaults. The App
reads it from the base branch only. ` + "`sparktune config check`" + ` says what a file
comes to; [policy.schema.json](schemas/policy.schema.json) is for editors.

` + "```yaml" + `
version: 1
gates:
  min_runs_shrink: 10
  max_heap: 32g
pull_requests:
  max_open: 1
ignore: ["dags/legacy/**"]
` + "```" + `

| gate | default | meaning |
| --- | --- | --- |
`)
	def := policy.Default().Gates
	for _, g := range policy.Gates {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", g.Name, g.Text(def), g.Doc)
	}
	writeDocs(&b, policy.RepositoryDocs())
	b.WriteString(`
## The server's file

What only the operator of a server may set, for ` + "`sparktune serve`" + `; its path is given
with --config. It is as strict as the other, and ` + "`sparktune config check --server`" + `
checks it ([server.schema.json](schemas/server.schema.json)). It holds no secret,
only where each is. ` + "`access`" + ` decides what of the lake each repository may see,
whatever dag_id its files claim: what is not mapped gets no metrics, and where
several entries are about a repository, money and error texts are shown only
when none of them hides them.

` + "```yaml" + `
version: 1
app:
  id: 1234
  private_key: file:/run/secrets/sparktune.pem
  webhook_secrets: [env:SPARKTUNE_WEBHOOK_SECRET]
  marker_key: env:SPARKTUNE_MARKER_KEY
access:
  - repository: acme/dags
    paths: ["dags/**"]
    environments: [prod]
    dag_ids: ["sales_*"]
` + "```" + `
`)
	writeDocs(&b, policy.ServerDocs())
	return b.String()
}

func writeDocs(b *strings.Builder, docs []policy.Doc) {
	b.WriteString("\n| name | meaning |\n| --- | --- |\n")
	for _, d := range docs {
		fmt.Fprintf(b, "| `%s` | %s |\n", d.Name, d.Text)
	}
}

// written are the properties that sparktune changes on a rule's word.
func written(r *analysis.Rule) string {
	if r.Advice {
		return "no, advice"
	}
	return code(r.Keys)
}

func mayChange(r *analysis.Rule) string {
	switch {
	case !r.Advice:
		return "May change " + code(r.Keys) + "."
	case len(r.Keys) > 0:
		return "Advice only, about " + code(r.Keys) + "."
	}
	return "Advice only."
}

func code(names []string) string {
	return "`" + strings.Join(names, "`, `") + "`"
}
