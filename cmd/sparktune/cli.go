package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/sparktune/sparktune/prompts"
)

// Exit codes. They are documented and scripts depend on them.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitChanges = 3
)

// A cli is the process's surroundings.
type cli struct {
	stdout, stderr io.Writer
	now            func() time.Time
	getenv         func(string) string
}

// A command is one verb of the command line.
type command struct {
	name string
	args string // synopsis of its arguments
	help string // first line: what it does; then more, and an example
	// setup declares flags and returns what runs the command on its arguments.
	setup func(*cli, *pflag.FlagSet) func(context.Context, []string) error
}

// commands are all verbs, in the order of the help.
func commands() []command {
	return []command{tuneCommand, ingestCommand, lakeCommand, runsCommand, jobsCommand, explainCommand, verdictCommand, simulateCommand, patchCommand, promptCommand, configCommand, serveCommand, weeklyCommand, rulesCommand, metricsCommand, versionCommand}
}

// A usageError is a mistake in the command line itself.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

// A hintError adds what to do next to what went wrong.
type hintError struct {
	err  error
	hint string
}

func (e hintError) Error() string { return e.err.Error() }
func (e hintError) Unwrap() error { return e.err }

// errChanges says that tune --check found something to change.
var errChanges = errors.New("changes are proposed")

func (c *cli) run(ctx context.Context, args []string) int {
	if len(args) == 0 || args[0] == "help" && len(args) == 1 || args[0] == "-h" || args[0] == "--help" {
		c.usage()
		return exitDone
	}
	if args[0] == "help" {
		args = []string{args[1], "--help"}
	}
	for _, cmd := range commands() {
		if cmd.name == args[0] {
			return c.exitCode(c.invoke(ctx, cmd, args[1:]), cmd.name)
		}
	}
	return c.exitCode(usageError{fmt.Sprintf("unknown command %q", args[0])}, "")
}

func (c *cli) invoke(ctx context.Context, cmd command, args []string) error {
	flags := pflag.NewFlagSet(cmd.name, pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.SortFlags = false
	run := cmd.setup(c, flags)
	switch err := flags.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprintf(c.stdout, "usage: sparktune %s\n\n%s\n\nflags:\n%s", strings.TrimSpace(cmd.name+" [flags] "+cmd.args), cmd.help, flags.FlagUsages())
		return nil
	case err != nil:
		return usageError{err.Error()}
	}
	return run(ctx, flags.Args())
}

func (c *cli) exitCode(err error, name string) int {
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errChanges):
		return exitChanges
	case errors.As(err, new(usageError)):
		c.logf("%v", err)
		c.logf("try 'sparktune %s'", strings.TrimSpace("help "+name))
		return exitUsage
	}
	c.logf("%v", err)
	if hint, ok := errors.AsType[hintError](err); ok {
		c.logf("%s", hint.hint)
	}
	return exitFailed
}

// logf writes one line to stderr. Texts of others are made inert: a file name
// must not drive the terminal.
func (c *cli) logf(format string, args ...any) {
	for line := range strings.Lines(strings.TrimRight(fmt.Sprintf(format, args...), "\n")) {
		fmt.Fprintln(c.stderr, "sparktune: "+prompts.Printable(strings.TrimRight(line, "\n")))
	}
}

func (c *cli) usage() {
	fmt.Fprint(c.stdout, `sparktune tunes the Spark jobs of an Airflow repository from their measured runs.

usage: sparktune <command> [flags] [arguments]

`)
	for _, cmd := range commands() {
		first, _, _ := strings.Cut(cmd.help, "\n")
		fmt.Fprintf(c.stdout, "  %-8s  %s\n", cmd.name, first)
	}
	fmt.Fprint(c.stdout, `
example: sparktune tune path/to/airflow-repository --metrics path/to/spark-events

'sparktune help <command>' shows a command's flags. Exit codes: 0 done,
1 failed, 2 wrong usage, 3 changes are proposed (tune --check only).
`)
}

// terminal is how reports are printed to stdout.
func (c *cli) terminal() prompts.Terminal {
	t := prompts.Terminal{Width: 100}
	f, ok := c.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return t
	}
	if w, _, err := term.GetSize(int(f.Fd())); err == nil && w >= 60 {
		t.Width = min(w, 120)
	}
	t.Color = c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb"
	return t
}

// watched says whether a person sees stderr, so that progress makes sense.
func (c *cli) watched() bool {
	f, ok := c.stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

var versionCommand = command{
	name: "version",
	help: "print the version",
	setup: func(c *cli, _ *pflag.FlagSet) func(context.Context, []string) error {
		return func(_ context.Context, args []string) error {
			if len(args) > 0 {
				return usageError{"version takes no arguments"}
			}
			_, err := fmt.Fprintln(c.stdout, "sparktune "+version())
			return err
		}
	},
}

// version is the module's version as the Go toolchain recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
