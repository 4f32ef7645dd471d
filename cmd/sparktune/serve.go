package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/lake"
	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/ghapp"
	"github.com/sparktune/sparktune/bot/policy"
	"github.com/sparktune/sparktune/bot/store"
	"github.com/sparktune/sparktune/webhooks"
)

var serveCommand = command{
	name: "serve",
	help: `run the GitHub App: webhooks, commands, reviews and weekly pull requests

Listens for GitHub's webhooks on /webhook, answers /healthz, and tells
Prometheus on /metrics. The configuration is checked by 'sparktune config check
--server FILE'. State is in a SQLite file, or in the Postgres that the variable
DATABASE_URL names. On SIGTERM it ends what is under way and loses nothing.

example: sparktune serve --config /etc/sparktune/server.yaml`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		config := configFlag(flags)
		model := newModelFlags(flags)
		return func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError{"serve takes no arguments"}
			}
			ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
			defer stop()
			s, err := c.newServer(ctx, *config, model)
			if err != nil {
				return err
			}
			defer s.store.Close()
			return s.serve(ctx)
		}
	},
}

var weeklyCommand = command{
	name: "weekly",
	help: `bring the pull requests of all repositories in line, once

For cron, where no server runs: one pass over every repository that the App is
installed on. Prints a line of JSON for each; when nothing changed it writes
nothing. With --dry-run it says what it would do, and does nothing.

example: sparktune weekly --config /etc/sparktune/server.yaml`,
	setup: func(c *cli, flags *pflag.FlagSet) func(context.Context, []string) error {
		config := configFlag(flags)
		model := newModelFlags(flags)
		dry := flags.Bool("dry-run", false, "change nothing")
		return func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError{"weekly takes no arguments"}
			}
			s, err := c.newServer(ctx, *config, model)
			if err != nil {
				return err
			}
			defer s.store.Close()
			if *dry {
				s.bot = s.bot.DryRun(func(r bot.Repo, e bot.Effect) { c.logf("would %s in %s", e.Key(), r) })
			}
			err = s.weekly(ctx)
			c.sayUsage(s.words)
			return err
		}
	},
}

func configFlag(flags *pflag.FlagSet) *string {
	return flags.String("config", "", "the server's `FILE` (required)")
}

// A server is what the App is made of.
type server struct {
	config  policy.Server
	app     *ghapp.App
	store   *store.Store
	bot     *bot.Bot
	words   wording // of a single pass; each flow of serve has its own
	hook    http.Handler
	metrics *metrics
	log     *slog.Logger
	c       *cli
}

func (c *cli) newServer(ctx context.Context, path string, model modelFlags) (*server, error) {
	if path == "" {
		return nil, usageError{"--config FILE is required"}
	}
	config, err := policy.LoadServer(path)
	if err != nil {
		return nil, hintError{err, "nothing was started"}
	}
	if config.App.ID == 0 {
		return nil, fmt.Errorf("%s: app is missing: there is no GitHub App to be", path)
	}
	s := &server{config: config, c: c, log: slog.New(slog.NewTextHandler(c.stderr, nil))}
	if err := s.connect(ctx, model); err != nil {
		return nil, err
	}
	return s, nil
}

// connect opens what the server is made of. The store comes last: nothing has to
// be closed when something before it fails.
func (s *server) connect(ctx context.Context, model modelFlags) error {
	state, err := s.c.stateDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	secrets, err := s.secrets()
	if err != nil {
		return err
	}
	s.app, err = ghapp.New(ghapp.Config{
		AppID: int64(s.config.App.ID), Key: secrets.app, BaseURL: s.config.App.APIURL,
		Cache: filepath.Join(state, "blobs"), Now: s.c.now, Log: s.log,
	})
	if err != nil {
		return err
	}
	if s.hook, err = webhooks.NewHandler(secrets.webhook, inbox{s}, s.log, s.c.now); err != nil {
		return err
	}
	if s.words, err = s.c.wording(ctx, model); err != nil {
		return err
	}
	if s.store, err = store.Open(ctx, s.database(state), store.Options{Now: s.c.now, Log: s.log}); err != nil {
		return err
	}
	s.bot = &bot.Bot{
		Forge: s.app, Trees: s.app, Source: lakeSource{s.c, s.config.Lake}, Memory: s.store,
		Server: s.config, Writer: s.words.Writer, Key: secrets.marker, Now: s.c.now, Log: s.log,
	}
	s.metrics = newMetrics(s.store, s.app)
	return nil
}

func (s *server) database(state string) string {
	if u := s.c.getenv("DATABASE_URL"); u != "" {
		return u
	}
	if s.config.Database != "" {
		return s.config.Database
	}
	return filepath.Join(state, "server.db")
}

// secrets are the values of what the configuration names.
type secrets struct {
	app, marker []byte
	webhook     []string
}

func (s *server) secrets() (secrets, error) {
	var out secrets
	read := func(place policy.Secret) ([]byte, error) { return place.Read(s.c.getenv) }
	key, err1 := read(s.config.App.PrivateKey)
	marker, err2 := read(s.config.App.MarkerKey)
	out.app, out.marker = key, marker
	errs := []error{err1, err2}
	for _, place := range s.config.App.WebhookSecrets {
		v, err := read(place)
		out.webhook = append(out.webhook, string(v))
		errs = append(errs, err)
	}
	return out, errors.Join(errs...)
}

// lakeSource opens the lake for every look: others write to it meanwhile.
type lakeSource struct {
	c     *cli
	place string
}

// Runs implements [bot.Source].
func (l lakeSource) Runs(ctx context.Context, from, to time.Time) ([]analysis.Run, error) {
	lk, err := l.c.openLake(ctx, l.place)
	if err != nil {
		return nil, err
	}
	defer lk.Close()
	return lk.Runs(ctx, lake.Query{From: from, To: to})
}

// Profiles implements [bot.Source].
func (l lakeSource) Profiles(ctx context.Context, runs []analysis.Key) (map[analysis.Key]analysis.RunProfile, error) {
	lk, err := l.c.openLake(ctx, l.place)
	if err != nil {
		return nil, err
	}
	defer lk.Close()
	return lk.Profiles(ctx, runs)
}

const (
	tickEvery = time.Minute      // between looks at the schedule
	syncEvery = time.Hour        // between looks at the installations
	lastWords = 10 * time.Second // that open requests get at shutdown
)

// serve runs until ctx ends or a part of it fails. New deliveries are refused
// first, then those under way end; what is left waits in the store.
func (s *server) serve(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.config.Bind)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.log.InfoContext(ctx, "serving", "address", listener.Addr().String())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.listen(ctx, listener) })
	g.Go(func() error { return s.store.Work(ctx, s.work) })
	g.Go(func() error { s.every(ctx, tickEvery, "schedule", s.due); return nil })
	g.Go(func() error { s.every(ctx, syncEvery, "installations", s.sync); return nil })
	g.Go(func() error { s.every(ctx, syncEvery, "deliveries", s.reconciler()); return nil })
	return g.Wait()
}

func (s *server) listen(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second, // GitHub gives up then
		WriteTimeout:      20 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
		defer cancel()
		stopped <- h.Shutdown(last)
	}()
	if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return <-stopped
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/webhook", s.metrics.timed(s.hook))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.store.Ping(r.Context()); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// every does something now and then again, until ctx ends. It never fails the
// server: the next time may succeed.
func (s *server) every(ctx context.Context, period time.Duration, what string, f func(context.Context) error) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "not done; it will be tried again", "what", what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *server) due(ctx context.Context) error {
	return s.store.Due(ctx, func(r bot.Repo) time.Time { return s.config.Window.Next(r.ID, s.c.now()) })
}

const (
	remembered = 3 * 24 * time.Hour // that GitHub keeps deliveries
	overlap    = 2 * time.Hour      // between looks, for what is under way
)

// reconciler has GitHub send again what it could not deliver: all that it
// still has at first, then what is new. What arrives twice is taken once.
func (s *server) reconciler() func(context.Context) error {
	since := s.c.now().Add(-remembered)
	return func(ctx context.Context) error {
		now := s.c.now()
		n, waiting, err := s.app.Redeliver(ctx, since)
		if n > 0 {
			s.log.InfoContext(ctx, "missed deliveries are sent again", "deliveries", n)
		}
		if err != nil {
			return err
		}
		since = now.Add(-overlap)
		if !waiting.IsZero() {
			s.log.WarnContext(ctx, "deliveries were refused for their signatures: is the secret that of the App's webhook?", "since", waiting)
			if waiting.Before(since) {
				since = waiting
			}
		}
		return nil
	}
}

// sync brings the schedule in line with where the App is installed. Of what
// cannot be listed now, nothing is forgotten.
func (s *server) sync(ctx context.Context) error {
	repos, listErr := s.app.Repos(ctx)
	errs := []error{listErr}
	installed := make(map[int64]bool)
	for _, r := range repos {
		installed[r.ID] = true
		errs = append(errs, s.schedule(ctx, r))
	}
	scheduled, err := s.store.Scheduled(ctx)
	errs = append(errs, err)
	for r := range scheduled {
		if listErr == nil && !installed[r.ID] {
			errs = append(errs, s.store.Unschedule(ctx, r.ID))
		}
	}
	return errors.Join(errs...)
}

func (s *server) schedule(ctx context.Context, r bot.Repo) error {
	return s.store.Schedule(ctx, r, s.config.Window.Next(r.ID, s.c.now()))
}

// weekly is one pass over all repositories. One that fails does not keep the
// others from theirs.
func (s *server) weekly(ctx context.Context) error {
	repos, err := s.app.Repos(ctx)
	errs := []error{err}
	for _, r := range repos {
		out, err := s.bot.Weekly(ctx, r)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r, err))
		}
		if err == nil || len(out.Did) > 0 {
			errs = append(errs, writeJSONLines(s.c.stdout, []bot.Outcome{out}))
		}
	}
	return errors.Join(errs...)
}
