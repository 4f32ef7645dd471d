package ghapp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v62/github"

	"github.com/sparktune/sparktune/bot"
)

// secrets are what an error of a lower layer may quote: tokens of every age,
// JSON Web Tokens, and the token in the URL of a private archive.
var secrets = regexp.MustCompile(`gh[a-z]_[A-Za-z0-9._-]+|github_pat_\w+|eyJ[\w-]+\.[\w-]+\.[\w-]+|((?:token|access_token|client_secret)=)[^&\s"]+|(?i)((?:bearer|token) )[A-Za-z0-9._-]{20,}`)

func redact(text string) string { return secrets.ReplaceAllString(text, "${1}${2}REDACTED") }

// safe is an error without secrets. Nothing of the original is left to print,
// except whether the caller gave up.
func safe(err error) error {
	text := redact(err.Error())
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s: %w", strings.TrimSuffix(text, ": "+known.Error()), known)
		}
	}
	return errors.New(text)
}

// fail says what an error of a call means to a flow. A call with an effect may
// have had it when its answer was lost.
func (a *App) fail(err error, effect bool) error {
	var (
		limit  *limitError
		mint   *ghinstallation.HTTPError
		answer *github.ErrorResponse
		graph  *graphError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limit):
		return &bot.RetryError{After: limit.after, Err: safe(err)}
	case errors.As(err, &mint) && mint.Response != nil:
		mint.Response.Body.Close() // ghinstallation leaves it open
		if mint.Response.StatusCode >= http.StatusInternalServerError {
			return &bot.RetryError{Err: safe(err)}
		}
		return denied(err) // suspended, removed, or what we need was not granted
	case errors.As(err, &mint):
		return &bot.RetryError{Err: safe(err)}
	case errors.As(err, &answer):
		return byStatus(answer.Response.StatusCode, err, effect)
	case errors.As(err, &graph):
		return byType(graph, err, effect)
	}
	return &bot.RetryError{Unsure: effect && !unsent(err), Err: safe(err)}
}

// unsent says whether the call never left us.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func byStatus(status int, err error, effect bool) error {
	switch {
	case status >= http.StatusInternalServerError:
		return &bot.RetryError{Unsure: effect, Err: safe(err)}
	case status == http.StatusConflict, status == http.StatusUnprocessableEntity, status >= 300 && status < 400:
		return stale(err)
	}
	return denied(err)
}

func byType(g *graphError, err error, effect bool) error {
	switch g.Type {
	case "NOT_FOUND", "FORBIDDEN", "INSUFFICIENT_SCOPES":
		return denied(err)
	case "UNPROCESSABLE", "STALE_DATA", "":
		// GitHub names no type when it fails itself, and says so.
		if !strings.HasPrefix(g.Message, "Something went wrong") {
			return stale(err)
		}
	}
	return &bot.RetryError{Unsure: effect, Err: safe(err)}
}

func stale(err error) error  { return fmt.Errorf("%w: %w", bot.ErrStale, safe(err)) }
func denied(err error) error { return fmt.Errorf("%w: %w", bot.ErrDenied, safe(err)) }
