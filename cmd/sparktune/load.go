package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/lake"
	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/patcher"
)

// source are the flags that say what a decision is made from.
type source struct {
	lakeDir *string
	metrics *[]string
	asOf    *asOf
}

// profiles are those of runs, as far as there are any.
type profiles = map[analysis.Key]analysis.RunProfile

// load surveys a work tree: its files and the runs that the policy looks at,
// from the lake, and the profiles that a decision asks for.
func (c *cli) load(ctx context.Context, dir string, src source) (*bot.Survey, profiles, error) {
	files, err := openTree(dir)
	if err != nil {
		return nil, nil, err
	}
	pol, err := policy.Load(files)
	if err != nil {
		return nil, nil, hintError{err, "nothing was decided; mend the file, or remove it to use the defaults"}
	}
	lk, err := c.openLake(ctx, *src.lakeDir)
	if err != nil {
		return nil, nil, err
	}
	defer lk.Close()
	if src.metrics != nil && len(*src.metrics) > 0 {
		sum, err := c.ingest(ctx, lk, *src.metrics, "")
		if err != nil {
			return nil, nil, err
		}
		c.logf("%s", sum.text())
		if sum.missed > 0 {
			return nil, nil, fmt.Errorf("nothing was decided: %w", sum.err())
		}
	}
	now := src.asOf.or(c.now)
	runs, err := lk.Runs(ctx, lake.Query{From: now.Add(-pol.Gates.Lookback), To: now.Add(time.Second)})
	if err != nil {
		return nil, nil, err
	}
	if len(runs) == 0 {
		c.logf("the lake holds no runs of the last %d days before %s", int(pol.Gates.Lookback.Hours()/24), now.Format(time.DateOnly))
		c.logf("read some with --metrics PATH or 'sparktune ingest PATH'")
	}
	v, err := bot.Look(bot.Snapshot{Files: files, Commit: bot.HeadCommit(files), Runs: runs, Access: policy.Unrestricted(), Policy: pol, Now: now})
	if err != nil {
		return nil, nil, err
	}
	has, err := lk.Profiles(ctx, v.Wanted())
	return v, has, err
}

// openTree is the work tree in dir; it must be a folder with something in it.
func openTree(dir string) (fs.FS, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hintError{fmt.Errorf("%s does not exist", dir), "name the folder that holds the Airflow repository"}
	case err != nil && isFile(dir):
		return nil, hintError{fmt.Errorf("%s is not a folder", dir), "name the folder that holds the Airflow repository"}
	case err != nil:
		return nil, fmt.Errorf("read the repository: %w", err)
	case len(entries) == 0:
		return nil, hintError{fmt.Errorf("%s is empty", dir), "name the folder that holds the Airflow repository"}
	}
	return os.DirFS(dir), nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// decide loads and decides, and says on stderr what a person should know
// before reading the result.
func (c *cli) decide(ctx context.Context, dir string, src source) (bot.Decision, error) {
	v, has, err := c.load(ctx, dir, src)
	if err != nil {
		return bot.Decision{}, err
	}
	d, err := v.Decide(has)
	if err != nil {
		return bot.Decision{}, err
	}
	c.saySkipped(d.Skipped)
	if len(d.Jobs) == 0 {
		c.logf("no Spark job is declared in %s", filepath.Clean(dir))
		c.logf("looked for Spark operators in Python, spark-submit commands, SparkApplication manifests and job tables")
	}
	c.sayUnmatched(d)
	return d, nil
}

// maxSaid is how many files that were not read are named one by one.
const maxSaid = 10

func (c *cli) saySkipped(skipped []patcher.Skipped) {
	for i, f := range skipped {
		if i == maxSaid {
			c.logf("not read: %d more; 'sparktune tune --output json' names them all", len(skipped)-i)
			return
		}
		place := f.Path
		if f.Line > 0 {
			place = fmt.Sprintf("%s:%d", f.Path, f.Line)
		}
		c.logf("not read: %s: %s", place, f.Reason)
	}
}

// sayUnmatched tells which runs of the lake are nobody's here.
func (c *cli) sayUnmatched(d bot.Decision) {
	matched := 0
	for _, j := range d.Jobs {
		matched += j.Match.Runs
	}
	for _, u := range d.Unmatched {
		if len(u.Candidates) > 0 {
			c.logf("%s: %s of no job here: %s (%s)", u.App, plural(u.Runs, "run"), u.Reason, strings.Join(u.Candidates, ", "))
		}
	}
	if matched == 0 && len(d.Unmatched) > 0 && len(d.Jobs) > 0 {
		c.logf("none of the lake's runs belongs to a job of this repository; 'sparktune jobs' shows what both are called")
	}
}
