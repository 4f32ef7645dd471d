// Package ghapp is GitHub, as a GitHub App sees it: a [bot.Forge] and
// [bot.Trees] over every installation of the App. It is the only package that
// knows GitHub's API, and it knows nothing of Spark.
//
// It refuses to write files under .github/, links, submodules and pointers to
// large storage, and to touch a branch that is not the bot's.
package ghapp

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/google/go-github/v62/github"

	"github.com/sparktune/sparktune/bot"
)

// Config says which App this is and how it may behave.
type Config struct {
	AppID int64
	Key   []byte // the App's private key, PEM
	// BaseURL is the root of the REST API: https://api.github.com when empty,
	// https://HOST/api/v3 for GitHub Enterprise Server.
	BaseURL string
	// Prefix of the branches that are the bot's: "sparktune/" when empty.
	Prefix string
	// Cache is a folder for files by their blob id; CacheBytes is about how
	// large it may grow, 1 GiB when 0.
	Cache      string
	CacheBytes int64
	// MaxFile is how large a file of a tree may be, 2 MiB when 0. Larger ones
	// are left out.
	MaxFile int64
	// Gap is how far apart writes to an installation are, 1 s when 0.
	Gap time.Duration
	// Timeout of one call, 1 minute when 0.
	Timeout   time.Duration
	Transport http.RoundTripper // http.DefaultTransport when nil
	Now       func() time.Time
	Log       *slog.Logger // of what is not worth an error
}

// App is the App on its GitHub. It is safe for concurrent use.
type App struct {
	cfg    Config
	base   *url.URL // ends in a slash
	graph  string
	key    *rsa.PrivateKey
	cache  *cache
	meter  *meter
	mu     sync.Mutex
	gates  map[int64]*gate // by installation; 0 is the App itself
	tokens map[scope]*client
}

var (
	_ bot.Forge = (*App)(nil)
	_ bot.Trees = (*App)(nil)
)

// A scope is what a token is for.
type scope struct {
	installation int64
	repo         int64 // 0 for all of the installation, to read
}

// New checks the configuration. It calls nobody.
func New(cfg Config) (*App, error) {
	cfg.Prefix = cmp.Or(cfg.Prefix, "sparktune/")
	cfg.CacheBytes = cmp.Or(cfg.CacheBytes, 1<<30)
	cfg.MaxFile = cmp.Or(cfg.MaxFile, 2<<20)
	cfg.Gap = cmp.Or(cfg.Gap, time.Second)
	cfg.Timeout = cmp.Or(cfg.Timeout, time.Minute)
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	if cfg.Now == nil || cfg.Log == nil || cfg.Cache == "" || cfg.AppID == 0 {
		return nil, errors.New("an App needs its id, a clock, a logger and a folder for its cache")
	}
	a := &App{cfg: cfg, gates: map[int64]*gate{}, tokens: map[scope]*client{}}
	var err error
	// The key is parsed here, and again by ghinstallation, so that a wrong one
	// is told at once and never printed.
	if a.key, err = jwt.ParseRSAPrivateKeyFromPEM(cfg.Key); err != nil {
		return nil, fmt.Errorf("read the App's private key: %w", err)
	}
	if a.base, err = url.Parse(strings.TrimRight(cmp.Or(cfg.BaseURL, "https://api.github.com"), "/") + "/"); err != nil {
		return nil, fmt.Errorf("read the URL of GitHub's API: %w", err)
	}
	// Enterprise Server has GraphQL beside the REST API, not below it.
	a.graph = strings.TrimSuffix(a.base.String(), "v3/") + "graphql"
	a.meter = &meter{base: cfg.Transport, calls: map[string]int{}, left: map[int64]Left{}}
	a.cache, err = openCache(cfg.Cache, cfg.CacheBytes, cfg.Now)
	return a, err
}

// Repos are the repositories that the App is installed on, for a pass over all
// of them. Suspended installations have none. What cannot be listed is in the
// error, beside what can.
func (a *App) Repos(ctx context.Context) ([]bot.Repo, error) {
	app := a.app()
	var out []bot.Repo
	var errs []error
	for page := 1; page != 0; {
		list, resp, err := app.rest.Apps.ListInstallations(ctx, &github.ListOptions{PerPage: 100, Page: page})
		if err != nil {
			return nil, a.fail(err, false)
		}
		for _, in := range list {
			if in.SuspendedAt != nil {
				a.cfg.Log.InfoContext(ctx, "installation is suspended", "installation", in.GetID(), "account", in.GetAccount().GetLogin())
				continue
			}
			repos, err := a.reposOf(ctx, in.GetID())
			out = append(out, repos...)
			errs = append(errs, err)
		}
		page = resp.NextPage
	}
	return out, errors.Join(errs...)
}

func (a *App) reposOf(ctx context.Context, installation int64) ([]bot.Repo, error) {
	c := a.reader(installation)
	var out []bot.Repo
	for page := 1; page != 0; {
		list, resp, err := c.rest.Apps.ListRepos(ctx, &github.ListOptions{PerPage: 100, Page: page})
		if err != nil {
			return out, fmt.Errorf("list the repositories of installation %d: %w", installation, a.fail(err, false))
		}
		for _, r := range list.Repositories {
			out = append(out, bot.Repo{ID: r.GetID(), Owner: r.GetOwner().GetLogin(), Name: r.GetName(), Installation: installation})
		}
		page = resp.NextPage
	}
	return out, nil
}

// Usage is what the App has called so far, and what it may still call.
func (a *App) Usage() Usage { return a.meter.usage() }
