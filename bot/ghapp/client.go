package ghapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v62/github"
)

// A client calls GitHub with one token.
type client struct {
	rest  *github.Client
	http  *http.Client
	graph string
}

func (a *App) newClient(tr http.RoundTripper) *client {
	h := &http.Client{Transport: tr, Timeout: a.cfg.Timeout, CheckRedirect: sameHost}
	rest := github.NewClient(h)
	rest.BaseURL = a.base
	rest.UserAgent = "sparktune"
	return &client{rest: rest, http: h, graph: a.graph}
}

// sameHost follows redirects of reads (a renamed repository) and no others: a
// write would become a read, and another host would be sent the token.
func sameHost(r *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet || r.URL.Host != via[0].URL.Host || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// app calls as the App itself.
func (a *App) app() *client {
	g := a.gate(0)
	return a.remembered(scope{}, func() http.RoundTripper {
		t := ghinstallation.NewAppsTransportFromPrivateKey(g, a.cfg.AppID, a.key)
		t.BaseURL = strings.TrimSuffix(a.base.String(), "/")
		return t
	})
}

// reader calls with a token that can read what flows look at, in all
// repositories of the installation, and write nothing.
func (a *App) reader(installation int64) *client {
	read := new("read")
	return a.installed(scope{installation, 0}, &github.InstallationTokenOptions{
		Permissions: &github.InstallationPermissions{Contents: read, PullRequests: read, Checks: read, Metadata: read},
	})
}

// writer calls with a token that can write what effects need, in one
// repository.
func (a *App) writer(installation, repo int64) *client {
	write := new("write")
	return a.installed(scope{installation, repo}, &github.InstallationTokenOptions{
		RepositoryIDs: []int64{repo},
		Permissions:   &github.InstallationPermissions{Contents: write, PullRequests: write, Checks: write},
	})
}

func (a *App) installed(s scope, o *github.InstallationTokenOptions) *client {
	g := a.gate(s.installation)
	return a.remembered(s, func() http.RoundTripper {
		return &renewed{mint: func() *ghinstallation.Transport {
			// One AppsTransport each: ghinstallation writes to it without a lock.
			at := ghinstallation.NewAppsTransportFromPrivateKey(g, a.cfg.AppID, a.key)
			at.BaseURL = strings.TrimSuffix(a.base.String(), "/")
			t := ghinstallation.NewFromAppsTransport(at, s.installation)
			t.InstallationTokenOptions = o
			return t
		}}
	})
}

func (a *App) remembered(s scope, tr func() http.RoundTripper) *client {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.tokens[s]
	if c == nil {
		c = a.newClient(tr())
		a.tokens[s] = c
	}
	return c
}

// renewed asks for another token when GitHub does not know the one that it
// has any more: ours is not the only clock, and tokens can be revoked.
type renewed struct {
	mint func() *ghinstallation.Transport
	mu   sync.Mutex
	now  *ghinstallation.Transport
}

// RoundTrip implements http.RoundTripper. A call that was refused with 401 had
// no effect, so it may be made again.
func (t *renewed) RoundTrip(r *http.Request) (*http.Response, error) {
	was := t.current(nil)
	resp, err := was.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || r.Body != nil && r.GetBody == nil {
		return resp, err
	}
	resp.Body.Close()
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.current(was).RoundTrip(again)
}

// current is the token in use, but never the one that was refused.
func (t *renewed) current(refused *ghinstallation.Transport) *ghinstallation.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == refused {
		t.now = t.mint()
	}
	return t.now
}

// A graphError is GitHub's no to a GraphQL request; its status is 200.
type graphError struct {
	Type    string
	Message string
	Path    []any
}

func (e *graphError) Error() string {
	return strings.TrimSpace(strings.ToLower(e.Type) + " " + e.Message)
}

// graphErrors are all that one answer has.
type graphErrors []*graphError

func (e graphErrors) Error() string { return errors.Join(e.Unwrap()...).Error() }

// Unwrap makes each of them known to errors.As.
func (e graphErrors) Unwrap() []error {
	var out []error
	for _, g := range e {
		out = append(out, g)
	}
	return out
}

// query sends a GraphQL operation. What comes back beside errors is decoded all
// the same.
func (c *client) query(ctx context.Context, text string, vars map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": text, "variables": vars})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(asGraph(ctx, text), http.MethodPost, c.graph, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "sparktune")
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := github.CheckResponse(resp); err != nil {
		return err
	}
	answer := struct {
		Data   any
		Errors graphErrors
	}{Data: out}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("read GitHub's answer: %w", err)
	}
	if len(answer.Errors) > 0 {
		return answer.Errors
	}
	return nil
}
