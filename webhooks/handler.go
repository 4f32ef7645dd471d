// Package webhooks turns a request of GitHub into a verified delivery in a sink,
// and a delivery into a typed [Event]. It is a leaf: it calls nobody back, keeps
// nothing, and refuses to know what is done about an event.
package webhooks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	maxBody = 25 << 20           // GitHub never sends more
	maxAge  = 3 * 24 * time.Hour // GitHub redelivers no longer
)

// A Delivery is a request that was verified.
type Delivery struct {
	GUID  string // GitHub's; the same for a redelivery
	Event string // GitHub's name of the kind of event
	Body  []byte
}

// A Sink keeps deliveries. When Accept returns nil, the delivery will be worked
// whatever happens to this process. It must bear the same GUID twice.
type Sink interface {
	Accept(ctx context.Context, d Delivery) error
}

// A Handler answers GitHub:
//
//	202  the delivery is in the sink, or is of no interest
//	400  a header or the body is not as GitHub writes it, or is too old
//	401  the signature is missing or wrong; SHA-1 alone is none
//	405, 413, 415  not a POST, more than 25 MB, not JSON
//	503  the sink failed: nothing is kept, GitHub lists the delivery as failed
type Handler struct {
	secrets [][]byte
	sink    Sink
	log     *slog.Logger
	now     func() time.Time
}

// NewHandler makes a Handler that takes what is signed with one of the secrets:
// one, or two while it is being changed.
func NewHandler(secrets []string, sink Sink, log *slog.Logger, now func() time.Time) (*Handler, error) {
	if len(secrets) < 1 || len(secrets) > 2 {
		return nil, fmt.Errorf("there must be one or two webhook secrets, not %d", len(secrets))
	}
	h := &Handler{sink: sink, log: log, now: now}
	for _, s := range secrets {
		if strings.TrimSpace(s) == "" {
			return nil, errors.New("a webhook secret is empty")
		}
		h.secrets = append(h.secrets, []byte(s))
	}
	return h, nil
}

// A refusal is an answer other than 202.
type refusal struct {
	status int
	why    string
}

func (r refusal) Error() string { return r.why }

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d, err := h.receive(w, r)
	log := h.log.With("guid", d.GUID, "event", d.Event)
	if err == nil {
		err = h.take(r.Context(), d, log)
	}
	status, why := http.StatusAccepted, "accepted"
	if err != nil {
		status, why = http.StatusServiceUnavailable, "not now"
		if no, ok := errors.AsType[refusal](err); ok {
			status, why = no.status, no.why
		}
		log.WarnContext(r.Context(), "delivery refused", "status", status, "error", err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, why+"\n") // nobody to tell when the reader is gone
}

// take hands an event of interest to the sink.
func (h *Handler) take(ctx context.Context, d Delivery, log *slog.Logger) error {
	e, err := Parse(d)
	if err != nil {
		return refusal{http.StatusBadRequest, "the body is not understood: " + err.Error()}
	}
	if ignored, ok := e.Payload.(Ignored); ok {
		log.InfoContext(ctx, "delivery ignored", "why", ignored.Why)
		return nil
	}
	if !e.At.IsZero() && h.now().Sub(e.At) > maxAge {
		return refusal{http.StatusBadRequest, "the event is older than 3 days"}
	}
	if err := h.sink.Accept(ctx, d); err != nil {
		return err
	}
	log.InfoContext(ctx, "delivery accepted")
	return nil
}

var (
	isGUID  = regexp.MustCompile(`^[0-9A-Za-z-]{1,100}$`)
	isEvent = regexp.MustCompile(`^[a-z_]{1,50}$`)
)

// receive reads and verifies a request. What is wrong with its head is said
// before its body is read.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) (Delivery, error) {
	if err := checkHead(r); err != nil {
		return Delivery{}, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if errors.As(err, new(*http.MaxBytesError)) {
		return Delivery{}, refusal{http.StatusRequestEntityTooLarge, "the body is larger than 25 MB"}
	}
	if err != nil {
		return Delivery{}, refusal{http.StatusBadRequest, "the body cannot be read"}
	}
	if !h.signed(body, r.Header.Get("X-Hub-Signature-256")) {
		return Delivery{}, refusal{http.StatusUnauthorized, "the signature is wrong"}
	}
	return Delivery{GUID: r.Header.Get("X-Github-Delivery"), Event: r.Header.Get("X-Github-Event"), Body: body}, nil
}

func checkHead(r *http.Request) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return refusal{http.StatusMethodNotAllowed, "only POST"}
	case err != nil || media != "application/json":
		return refusal{http.StatusUnsupportedMediaType, "set the webhook's content type to application/json"}
	case r.ContentLength > maxBody:
		return refusal{http.StatusRequestEntityTooLarge, "the body is larger than 25 MB"}
	case r.Header.Get("X-Hub-Signature-256") == "":
		return refusal{http.StatusUnauthorized, "X-Hub-Signature-256 is missing: the webhook needs a secret"}
	case !isGUID.MatchString(r.Header.Get("X-Github-Delivery")):
		return refusal{http.StatusBadRequest, "X-GitHub-Delivery is missing or no GUID"}
	case !isEvent.MatchString(r.Header.Get("X-Github-Event")):
		return refusal{http.StatusBadRequest, "X-GitHub-Event is missing or no event"}
	}
	return nil
}

// signed says whether signature is that of body by one of the secrets. All are
// tried, and compared in constant time.
func (h *Handler) signed(body []byte, signature string) bool {
	digest, ok := strings.CutPrefix(signature, "sha256=")
	got, err := hex.DecodeString(digest)
	if !ok || err != nil {
		return false
	}
	valid := false
	for _, secret := range h.secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write(body) // never fails
		valid = hmac.Equal(got, mac.Sum(nil)) || valid
	}
	return valid
}
