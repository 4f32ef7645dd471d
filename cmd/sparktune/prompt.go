package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/prompts"
	"github.com/sparktune/sparktune/prompts/bedrock"
)

var promptCommand = command{
	name: "prompt",
	args: "[answer] JOB [DIR] | check FILE [DIR]",
	help: `print the strict prompt for one job, or check what an agent made of it

The prompt asks any agent for a report in Markdown on JOB, with all facts that
it may use. 'prompt answer' prints sparktune's own answer to it. 'prompt check'
holds the agent's report in FILE (- for stdin) against the facts of the job that
it names: the same lake, policy and --as-of give the same facts. DIR is the
repository's work tree, the current folder when not given.

example: sparktune prompt load_orders . | my-agent > report.md
         sparktune prompt check report.md .`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		src := source{lakeDir: lakeFlag(flags), asOf: asOfFlag(flags)}
		out := outputFlag(flags)
		flags.Lookup("output").Usage = "text, or json for the facts alone (docs/schemas/facts.schema.json)"
		return func(ctx context.Context, args []string) error {
			verb := ""
			if len(args) > 1 && (args[0] == "answer" || args[0] == "check") {
				verb, args = args[0], args[1:]
			}
			if len(args) < 1 || len(args) > 2 {
				return usageError{"prompt needs a job, or 'check' and a file, and may have a folder"}
			}
			dir := "."
			if len(args) == 2 {
				dir = args[1]
			}
			if verb == "check" {
				return c.checkReport(ctx, args[0], dir, src, *out)
			}
			d, err := c.decide(ctx, dir, src)
			if err != nil {
				return err
			}
			j, err := findJob(d, args[0])
			if err != nil {
				return err
			}
			return c.showPrompt(j.Facts(), verb, *out)
		}
	},
}

func (c *cli) showPrompt(f prompts.Facts, verb string, out output) error {
	switch {
	case out == outputJSON:
		return writeJSON(c.stdout, f)
	case verb == "answer":
		return prompts.Markdown(c.stdout, f, prompts.Plain(f))
	}
	_, err := io.WriteString(c.stdout, prompts.Agent(f))
	return err
}

// checkReport prints every violation of an agent's report, one a line.
func (c *cli) checkReport(ctx context.Context, path, dir string, src source, out output) error {
	report, err := readReport(path)
	if err != nil {
		return err
	}
	d, err := c.decide(ctx, dir, src)
	if err != nil {
		return err
	}
	f, err := factsOf(d, report)
	if err != nil {
		return err
	}
	violations := prompts.CheckMarkdown(f, report)
	if out == outputJSON {
		err = writeJSONLines(c.stdout, violations)
	} else {
		err = c.showViolations(violations)
	}
	switch {
	case err != nil:
		return err
	case len(violations) > 0:
		return fmt.Errorf("the report breaks the rules of the prompt in %d places", len(violations))
	}
	c.logf("the report on %s keeps the rules of the prompt", f.Job)
	return nil
}

func (c *cli) showViolations(violations []prompts.Violation) error {
	var b strings.Builder
	for _, v := range violations {
		b.WriteString(prompts.Printable(v.String()) + "\n")
	}
	_, err := io.WriteString(c.stdout, b.String())
	return err
}

// maxReport bounds a report that is read, in bytes.
const maxReport = 1 << 20

func readReport(path string) ([]byte, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("read the report: %w", err)
		}
		defer f.Close()
	}
	b, err := io.ReadAll(io.LimitReader(f, maxReport))
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	return b, nil
}

// factsOf are those of the job that a report says it is about.
func factsOf(d bot.Decision, report []byte) (prompts.Facts, error) {
	for _, j := range d.Jobs {
		if f := j.Facts(); prompts.About(f, report) {
			return f, nil
		}
	}
	return prompts.Facts{}, hintError{errors.New("the report names no job of this repository"), "its first table must have the row '| job | `JOB` |', as the prompt's skeleton has it"}
}

// modelFlags are the flags that say which model words the reports.
type modelFlags struct {
	id, guardrail, guardrailAt, price, temperature *string
	tokens, answer                                 *int
	timeout                                        *time.Duration
	dollars                                        *float64
	fresh                                          *bool
}

func newModelFlags(flags *pflag.FlagSet) modelFlags {
	return modelFlags{
		id:          flags.String("model", "", "word the reports by a model on Amazon Bedrock: `ID` of a model or inference profile (default: none)"),
		guardrail:   flags.String("model-guardrail", "", "`ID` of a Bedrock guardrail"),
		guardrailAt: flags.String("model-guardrail-version", "DRAFT", "`VERSION` of the guardrail"),
		temperature: flags.String("model-temperature", "", "sample at `T`, from 0 to 1; models that reject it must not get one (default: none is sent)"),
		answer:      flags.Int("model-answer-tokens", 4096, "most tokens of one answer"),
		timeout:     flags.Duration("model-timeout", time.Minute, "longest `TIME` that one call may take with its retries"),
		tokens:      flags.Int("model-tokens", 500_000, "most tokens that one run may take, under serve each weekly pass and each command; the rest is worded without the model"),
		dollars:     flags.Float64("model-dollars", 0, "most dollars that one run may take; needs --model-price"),
		fresh:       flags.Bool("model-fresh", false, "ask the model also where it answered the same before"),
		price:       flags.String("model-price", "", "`IN,OUT` dollars for a million tokens in and out"),
	}
}

// A wording is what words the reports of one run, within one budget.
type wording struct {
	prompts.Writer
	id     string
	model  *bedrock.Model // nil for none
	priced bool
}

// afresh is the same wording for another run, with the whole budget.
func (w wording) afresh() wording {
	if w.model != nil {
		w.model = w.model.Afresh()
		w.Model = w.model
	}
	return w
}

// String says what was taken so far, of a model.
func (w wording) String() string {
	u, cost := w.model.Spent(), ""
	if w.priced {
		cost = fmt.Sprintf(", at most $%.4f", u.Dollars)
	}
	return fmt.Sprintf("%s: %d calls, %d tokens in, %d out%s", w.id, u.Calls, u.Input+u.CacheRead+u.CacheWrite, u.Output, cost)
}

func (c *cli) wording(ctx context.Context, m modelFlags) (wording, error) {
	if *m.id == "" {
		return wording{}, nil
	}
	opt, err := m.options()
	if err != nil {
		return wording{}, err
	}
	model, err := bedrock.New(ctx, opt)
	if err != nil {
		return wording{}, hintError{err, "without --model the reports are worded without AWS"}
	}
	w := wording{Writer: prompts.Writer{Model: model}, id: *m.id, model: model, priced: opt.Price != nil}
	if state, err := c.stateDir(); err == nil && !*m.fresh {
		w.Cache = answersOf(state, *m.id)
	}
	return w, nil
}

func (m modelFlags) options() (bedrock.Options, error) {
	opt := bedrock.Options{
		ID: *m.id, Guardrail: *m.guardrail, GuardrailAt: *m.guardrailAt, MaxTokens: *m.answer, Timeout: *m.timeout,
		Budget: bedrock.Budget{Tokens: *m.tokens, Dollars: *m.dollars},
	}
	if opt.MaxTokens < 1 || opt.MaxTokens > math.MaxInt32 {
		return opt, usageError{"--model-answer-tokens must be a positive number"}
	}
	if opt.Timeout <= 0 {
		return opt, usageError{"--model-timeout must be a positive time, such as 90s"}
	}
	if *m.temperature != "" {
		t, err := strconv.ParseFloat(*m.temperature, 32)
		if err != nil || !(t >= 0 && t <= 1) {
			return opt, usageError{"--model-temperature must be a number from 0 to 1"}
		}
		opt.Temperature = new(float32(t))
	}
	var err error
	opt.Price, err = parsePrice(*m.price)
	return opt, err
}

// sayUsage tells at the end of a run what it took.
func (c *cli) sayUsage(w wording) {
	if w.model != nil {
		c.logf("%s", w)
	}
}

func parsePrice(s string) (*bedrock.Price, error) {
	if s == "" {
		return nil, nil
	}
	in, out, _ := strings.Cut(s, ",")
	x, errIn := strconv.ParseFloat(in, 64)
	y, errOut := strconv.ParseFloat(out, 64)
	if errIn != nil || errOut != nil || x < 0 || y < 0 {
		return nil, usageError{"--model-price must be two numbers, such as 3,15"}
	}
	// What is read from a cache is never dearer than what is not.
	return &bedrock.Price{Input: x, Output: y, CacheRead: x, CacheWrite: 1.25 * x}, nil
}

// word is the words for one job. What went wrong with the model is said, once
// for each job: its report is the plain one.
func (c *cli) word(ctx context.Context, w prompts.Writer, f prompts.Facts) prompts.Words {
	r := w.Report(ctx, f)
	switch {
	case r.Err != nil:
		c.logf("%s is worded without the model: %v", f.Job, r.Err)
	case r.Plain && len(r.Violations) > 0:
		c.logf("%s is worded without the model: its answers broke %d rules, such as %v", f.Job, len(r.Violations), r.Violations[0])
	}
	return r.Words
}
