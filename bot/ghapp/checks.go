package ghapp

import (
	"context"
	"fmt"

	"github.com/google/go-github/v62/github"

	"github.com/sparktune/sparktune/bot"
)

// Checks are all check runs of ours on a commit.
func (a *App) Checks(ctx context.Context, r bot.Repo, commit string) ([]bot.Check, error) {
	c := a.reader(r.Installation)
	var out []bot.Check
	for page := 1; page != 0; {
		list, resp, err := c.rest.Checks.ListCheckRunsForRef(ctx, r.Owner, r.Name, commit, &github.ListCheckRunsOptions{
			AppID: &a.cfg.AppID, Filter: new("all"), ListOptions: github.ListOptions{PerPage: 100, Page: page},
		})
		if err != nil {
			return nil, fmt.Errorf("list the checks of %s: %w", commit, a.fail(err, false))
		}
		for _, run := range list.CheckRuns {
			out = append(out, bot.Check{ID: run.GetID(), ExternalID: run.GetExternalID(), Conclusion: run.GetConclusion()})
		}
		page = resp.NextPage
	}
	return out, nil
}
