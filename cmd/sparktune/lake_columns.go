package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/lake"
)

// A lostRule stays unmeasured on every job, for want of Missing.
type lostRule struct {
	Rule    string   `json:"rule"`
	Missing []string `json:"missing"`
}

// lostRules are the rules that need one of the columns missing, in their order.
func lostRules(missing []string) []lostRule {
	rules := []lostRule{}
	for _, r := range analysis.Rules {
		needs := slices.DeleteFunc(slices.Clone(r.Needs), func(c string) bool { return !slices.Contains(missing, c) })
		if len(needs) > 0 {
			rules = append(rules, lostRule{r.Name, needs})
		}
	}
	return rules
}

// lost says in a clause what the columns missing cost.
func lost(missing []string) string {
	rules := lostRules(missing)
	if len(rules) == 0 {
		return "no rule needs them"
	}
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.Rule
	}
	return fmt.Sprintf("%d of %d rules stay unmeasured (%s)", len(rules), len(analysis.Rules), strings.Join(names, ", "))
}

// columns prints what the lake's table lacks: the columns that rules need, rule
// by rule, and the others.
func (m *maintenance) columns(_ context.Context, lk *lake.Lake) error {
	missing := lk.Missing()
	rules := lostRules(missing)
	if *m.out == outputJSON {
		return writeJSON(m.stdout, map[string]any{"missing": append([]string{}, missing...), "unmeasured": rules})
	}
	if len(missing) == 0 {
		_, err := fmt.Fprintln(m.stdout, "no column is missing")
		return err
	}
	w := tabwriter.NewWriter(m.stdout, 0, 0, 2, ' ', 0)
	if len(rules) > 0 {
		fmt.Fprintln(w, "unmeasured\tfor want of")
	}
	needed := make(map[string]bool)
	for _, r := range rules {
		fmt.Fprintf(w, "%s\t%s\n", r.Rule, strings.Join(r.Missing, ", "))
		for _, c := range r.Missing {
			needed[c] = true
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(missing), func(c string) bool { return needed[c] })
	if len(others) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(m.stdout, "missing, and no rule stays unmeasured for it; evidence and details that rest on it are left out:\n  %s\n", strings.Join(others, "\n  "))
	return err
}
