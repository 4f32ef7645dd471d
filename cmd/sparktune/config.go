package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/bot/policy"
)

var configCommand = command{
	name: "config",
	args: "check [FILE|DIR]",
	help: `check a configuration and print it with every default

FILE is a .sparktune.yaml, DIR a folder that holds one (default: this one).
With --server, FILE is the configuration of a server. All mistakes are told,
each with its line, and its column where that is known.

example: sparktune config check path/to/airflow-repository`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		server := flags.String("server", "", "check the `FILE` of a server instead")
		return func(_ context.Context, args []string) error {
			if len(args) == 0 || args[0] != "check" {
				return usageError{"config has one verb: check"}
			}
			var text string
			var err error
			switch {
			case *server != "" && len(args) == 1:
				text, err = checkServer(*server)
			case *server == "" && len(args) <= 2:
				text, err = checkRepository(args[1:])
			default:
				return usageError{"config check takes one FILE or DIR, or --server FILE"}
			}
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.stdout, text)
			return err
		}
	},
}

func checkServer(path string) (string, error) {
	s, err := policy.LoadServer(path)
	return s.Text(), err
}

// checkRepository tells the policy of a file or a folder. A folder without a
// file has the defaults; a file that was named must be there.
func checkRepository(args []string) (string, error) {
	path := "."
	if len(args) == 1 {
		path = args[0]
	}
	if isFile(path) {
		return checkFile(path)
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("check the policy: %w", err)
	}
	text, err := checkFile(filepath.Join(path, policy.File))
	if errors.Is(err, fs.ErrNotExist) {
		return "# " + policy.File + " is not there; these are the defaults\n" + policy.Default().Text(), nil
	}
	return text, err
}

func checkFile(path string) (string, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("check the policy: %w", err)
	}
	p, err := policy.Parse(src)
	for _, e := range policy.Errors(err) {
		e.Name = path
	}
	if err != nil {
		return "", err
	}
	return p.Text(), nil
}
