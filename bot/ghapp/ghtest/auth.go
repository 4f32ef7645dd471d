package ghtest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v4"
)

// permissions that the App asked for when it was registered. Every installation
// granted them.
var permissions = map[string]string{
	"checks": "write", "contents": "write", "metadata": "read", "pull_requests": "write",
}

// credential is what the Authorization header carries.
func credential(h http.Header) string {
	_, text, _ := strings.Cut(h.Get("Authorization"), " ")
	return text
}

// admit checks who calls, and that they still may.
func (s *Server) admit(q *request, isGraphQL bool) {
	if !isGraphQL && q.route.as == asApp {
		s.admitApp(q.r)
		return
	}
	t := s.tokens[credential(q.r.Header)]
	switch {
	case t == nil || t.installation.gone || !s.now.Before(t.expires):
		panic(no(http.StatusUnauthorized, "Bad credentials"))
	case t.installation.suspended:
		panic(no(http.StatusForbidden, "This installation has been suspended"))
	}
	q.token = t
	s.spend(t.installation.id, creates(q, isGraphQL), isGraphQL)
}

// creates says whether the call makes content that people are told of.
func creates(q *request, isGraphQL bool) bool {
	if isGraphQL || q.route.method != http.MethodPost {
		return false
	}
	for _, end := range []string{"/pulls", "/comments", "/reactions", "/check-runs"} {
		if strings.HasSuffix(q.route.path, end) {
			return true
		}
	}
	return false
}

// admitApp verifies the App's JSON Web Token. Its times are told in the
// machine's clock, which is its issuer's.
func (s *Server) admitApp(r *http.Request) {
	var claims jwt.RegisteredClaims
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}))
	_, err := parser.ParseWithClaims(credential(r.Header), &claims, func(*jwt.Token) (any, error) { return s.key, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		panic(no(http.StatusUnauthorized, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"))
	case err != nil:
		panic(no(http.StatusUnauthorized, "A JSON web token could not be decoded"))
	case claims.Issuer != strconv.FormatInt(s.AppID, 10):
		panic(no(http.StatusUnauthorized, "Integration not found"))
	case claims.ExpiresAt == nil || claims.IssuedAt == nil || claims.ExpiresAt.Sub(claims.IssuedAt.Time) > 11*time.Minute:
		panic(no(http.StatusUnauthorized, "'Expiration time' claim ('exp') is too far in the future"))
	}
}

func (s *Server) installed(id int64) *installation {
	for _, in := range s.installations {
		if in.id == id && !in.gone {
			return in
		}
	}
	panic(errNotFound)
}

// mint answers POST access_tokens: a token for no more than was granted, for
// the repositories and permissions that are asked for.
func mint(q *request) (int, any) {
	in := q.installed(q.number("installation_id"))
	if in.suspended {
		panic(no(http.StatusForbidden, "This installation has been suspended"))
	}
	t := &token{installation: in, permissions: maps.Clone(q.granted), expires: q.now.Add(time.Hour)}
	if asked, ok := q.body["permissions"].(map[string]any); ok {
		t.permissions = q.narrowed(asked)
	}
	t.repos = q.chosen(in)
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", in.id, q.id()))
	// GitHub's tokens since 2026: ghs_, the App's id, and a JSON Web Token.
	t.text = fmt.Sprintf("ghs_%d_eyJhbGciOiJSUzI1NiJ9.%s.%s-%s", q.AppID, hex.EncodeToString(sum[:]), strings.Repeat("s", 300), hex.EncodeToString(sum[:8]))
	q.tokens[t.text] = t
	body := map[string]any{
		"token": t.text, "expires_at": stamp(machineTime().Add(time.Hour)), "permissions": t.permissions,
		"repository_selection": "all",
	}
	if t.repos != nil {
		body["repository_selection"] = "selected"
		repos := []any{}
		for _, r := range q.repos {
			if t.repos[r.ID] {
				repos = append(repos, q.repoView(r))
			}
		}
		body["repositories"] = repos
	}
	return http.StatusCreated, body
}

func (q *request) narrowed(asked map[string]any) map[string]string {
	out := map[string]string{"metadata": "read"}
	for name, level := range asked {
		text, _ := level.(string)
		if !allows(q.granted[name], text) {
			panic(no(http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation."))
		}
		out[name] = text
	}
	return out
}

// chosen are the repositories that the body names; nil for all.
func (q *request) chosen(in *installation) map[int64]bool {
	ids, byID := q.body["repository_ids"].([]any)
	names, byName := q.body["repositories"].([]any)
	if !byID && !byName {
		return nil
	}
	out := map[int64]bool{}
	for _, r := range q.repos {
		wanted := slices.ContainsFunc(ids, func(id any) bool { return id == float64(r.ID) }) ||
			slices.ContainsFunc(names, func(name any) bool { return name == r.name })
		if wanted && r.installation == in {
			out[r.ID] = true
		}
	}
	if len(out) != len(ids)+len(names) {
		panic(no(http.StatusUnprocessableEntity, "There is at least one repository that does not exist or is not accessible to the parent installation."))
	}
	return out
}

func revoke(q *request) (int, any) {
	delete(q.tokens, q.token.text)
	return http.StatusNoContent, nil
}

func getApp(q *request) (int, any) { return http.StatusOK, q.appView() }

func listInstallations(q *request) (int, any) {
	out := []any{}
	for _, in := range q.installations {
		if !in.gone {
			out = append(out, q.installationView(in))
		}
	}
	return http.StatusOK, page(q, out)
}

func getInstallation(q *request) (int, any) {
	return http.StatusOK, q.installationView(q.installed(q.number("installation_id")))
}

func listInstallationRepos(q *request) (int, any) {
	all := []any{}
	for _, r := range q.repos {
		if q.token.sees(r) {
			all = append(all, q.repoView(r))
		}
	}
	return http.StatusOK, map[string]any{"total_count": len(all), "repositories": page(q, all)}
}
