package webhooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const secret = "It's a Secret to Everybody"

var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A box is a sink that keeps what it got, or fails.
type box struct {
	got  []Delivery
	fail error
}

func (b *box) Accept(_ context.Context, d Delivery) error {
	if b.fail == nil {
		b.got = append(b.got, d)
	}
	return b.fail
}

func newTestHandler(t testing.TB, sink Sink, secrets ...string) *Handler {
	t.Helper()
	h, err := NewHandler(secrets, sink, slog.New(slog.DiscardHandler), func() time.Time { return today })
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func sign(newHash func() hash.Hash, key, body string) string {
	mac := hmac.New(newHash, []byte(key))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

const push = `{"ref":"refs/heads/main","before":"a","after":"b","repository":{"id":1,"full_name":"acme/dags"}}`

// request is one that is accepted, as GitHub sends it.
func request(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/webhook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
	r.Header.Set("X-GitHub-Event", "push")
	r.Header.Set("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, body))
	return r
}

// GitHub's documentation has this one.
func TestSignatureOfTheDocumentation(t *testing.T) {
	h := newTestHandler(t, &box{}, secret)
	const want = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	if !h.signed([]byte("Hello, World!"), want) {
		t.Error("refused")
	}
}

func TestHandler(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	without := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	as := func(event, body string) func(*http.Request) {
		return func(r *http.Request) {
			*r = *request(body)
			r.Header.Set("X-GitHub-Event", event)
		}
	}
	pull := func(updated string) string {
		return `{"action":"opened","number":1,"repository":{"id":1,"full_name":"acme/dags"},"pull_request":{"number":1,"updated_at":"` + updated + `"}}`
	}
	tests := []struct {
		why    string
		change func(*http.Request)
		status int
		says   string
		kept   int
	}{
		{"as GitHub sends it", func(*http.Request) {}, 202, "accepted", 1},
		{"signed with the other secret", header("X-Hub-Signature-256", "sha256="+sign(sha256.New, "old", push)), 202, "", 1},
		{"with a charset", header("Content-Type", "application/json; charset=utf-8"), 202, "", 1},
		{"an event that nobody knows", as("sponsorship", "{}"), 202, "", 0},
		{"an event of no interest", as("pull_request", strings.Replace(pull("2026-11-22T11:00:00Z"), "opened", "labeled", 1)), 202, "", 0},
		{"of yesterday", as("pull_request", pull("2026-11-21T11:00:00Z")), 202, "", 1},

		{"replayed after four days", as("pull_request", pull("2026-11-18T11:00:00Z")), 400, "older than 3 days", 0},
		{"forged", header("X-Hub-Signature-256", "sha256="+sign(sha256.New, "guess", push)), 401, "signature is wrong", 0},
		{"unsigned", without("X-Hub-Signature-256"), 401, "needs a secret", 0},
		{"signed with SHA-1 only", func(r *http.Request) {
			r.Header.Del("X-Hub-Signature-256")
			r.Header.Set("X-Hub-Signature", "sha1="+sign(sha1.New, secret, push))
		}, 401, "needs a secret", 0},
		{"SHA-1 under the other's name", header("X-Hub-Signature-256", "sha1="+sign(sha1.New, secret, push)), 401, "signature is wrong", 0},
		{"signed with nothing", header("X-Hub-Signature-256", "sha256="), 401, "signature is wrong", 0},
		{"signed with the empty secret", header("X-Hub-Signature-256", "sha256="+sign(sha256.New, "", push)), 401, "signature is wrong", 0},
		{"signed with half a digest", header("X-Hub-Signature-256", "sha256="+sign(sha256.New, secret, push)[:32]), 401, "signature is wrong", 0},
		{"no GUID", without("X-GitHub-Delivery"), 400, "X-GitHub-Delivery", 0},
		{"a GUID that is none", header("X-GitHub-Delivery", "x y"), 400, "X-GitHub-Delivery", 0},
		{"an endless GUID", header("X-GitHub-Delivery", strings.Repeat("a", 101)), 400, "X-GitHub-Delivery", 0},
		{"no event", without("X-GitHub-Event"), 400, "X-GitHub-Event", 0},
		{"an event that is none", header("X-GitHub-Event", "push\"} "), 400, "X-GitHub-Event", 0},
		{"a form", header("Content-Type", "application/x-www-form-urlencoded"), 415, "application/json", 0},
		{"a GET", func(r *http.Request) { r.Method = http.MethodGet }, 405, "only POST", 0},
		{"too large, as it says itself", func(r *http.Request) { r.ContentLength = maxBody + 1 }, 413, "25 MB", 0},
		{"too large, without a word", func(r *http.Request) {
			r.ContentLength = -1
			r.Body = http.NoBody
			r.Body = readCloser{bytes.NewReader(make([]byte, maxBody+1))}
		}, 413, "25 MB", 0},
		{"not JSON", as("push", "ref=refs/heads/main"), 400, "not understood", 0},
		{"not JSON, of an unknown event", as("sponsorship", "{"), 400, "not understood", 0},
		{"JSON of another kind", as("push", `[1]`), 400, "not understood", 0},
		{"without a repository", as("push", `{"ref":"refs/heads/main","after":"b"}`), 400, "no repository", 0},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			sink := &box{}
			r := request(push)
			tt.change(r)
			w := httptest.NewRecorder()
			newTestHandler(t, sink, secret, "old").ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) || len(sink.got) != tt.kept {
				t.Errorf("%d %q and %d kept, want %d %q and %d", w.Code, w.Body, len(sink.got), tt.status, tt.says, tt.kept)
			}
		})
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func TestKeptAsSent(t *testing.T) {
	sink := &box{}
	newTestHandler(t, sink, secret).ServeHTTP(httptest.NewRecorder(), request(push))
	want := []Delivery{{GUID: "72d3162e-cc78-11e3-81ab-4c9367dc0958", Event: "push", Body: []byte(push)}}
	if diff := cmp.Diff(want, sink.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A sink that fails means that GitHub is told so, and nothing of why.
func TestSinkFails(t *testing.T) {
	w := httptest.NewRecorder()
	newTestHandler(t, &box{fail: errors.New("disk of db-7 is full")}, secret).ServeHTTP(w, request(push))
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestNoSecretNoStart(t *testing.T) {
	for _, secrets := range [][]string{nil, {""}, {" \n"}, {"a", ""}, {"a", "b", "c"}} {
		if _, err := NewHandler(secrets, &box{}, slog.New(slog.DiscardHandler), time.Now); err == nil {
			t.Errorf("%q: starts", secrets)
		}
	}
}

// BenchmarkHandler is the part of an acknowledgement before the sink: signature
// and reading. go test -bench Handler -count 10 ./webhooks | benchstat -
func BenchmarkHandler(b *testing.B) {
	body := strings.Replace(push, `"ref"`, `"commits":"`+strings.Repeat("x", 25<<10)+`","ref"`, 1)
	h := newTestHandler(b, &box{}, secret)
	signature := "sha256=" + sign(sha256.New, secret, body)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r := request("")
		r.Header.Set("X-Hub-Signature-256", signature)
		r.Body, r.ContentLength = readCloser{bytes.NewReader([]byte(body))}, int64(len(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusAccepted {
			b.Fatal(w.Code)
		}
	}
}
