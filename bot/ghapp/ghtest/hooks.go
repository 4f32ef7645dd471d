package ghtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// hooks are where webhooks go, and those that wait to be sent.
type hooks struct {
	url     string
	pending []*delivery
	sending bool // one at a time, in the order of their making
	running sync.WaitGroup
}

// A delivery is one attempt to deliver an event. Attempts share the GUID.
type delivery struct {
	id           int64
	guid         string
	event        string
	action       string
	at           time.Time
	again        bool
	installation int64
	repo         int64
	body         []byte
	code         int
}

// Webhook sends the App's events to a URL from now on, signed with
// [Server.Secret]; "" to nobody. They are sent in order, beside the calls that
// cause them: see [Server.Wait].
func (s *Server) Webhook(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks.url = url
}

// Wait returns when all webhooks so far were delivered.
func (s *Server) Wait() {
	s.flush()
	s.hooks.running.Wait()
}

// webhookSchemas are the descriptions of what we send.
var webhookSchemas = []string{
	"webhook-issue-comment-created", "webhook-pull-request-opened", "webhook-pull-request-synchronize",
	"webhook-pull-request-closed", "webhook-pull-request-reopened", "webhook-pull-request-edited", "webhook-push",
	"webhook-installation-suspend", "webhook-installation-unsuspend", "webhook-installation-deleted",
	"webhook-installation-repositories-added", "webhook-installation-repositories-removed",
}

// notify queues an event about a repository for the App, when it is installed
// there. Called with the lock held.
func (s *Server) notify(r *Repo, sender *account, event, action string, fields map[string]any) {
	if r.installation == nil || r.installation.gone || r.installation.suspended {
		return
	}
	fields["repository"] = s.repoView(r)
	s.queue(r.installation, r.ID, sender, event, action, fields)
}

func (s *Server) queue(in *installation, repo int64, sender *account, event, action string, fields map[string]any) {
	body := maps.Clone(fields)
	body["sender"] = s.userView(sender)
	if _, full := body["installation"]; !full {
		body["installation"] = map[string]any{"id": in.id, "node_id": node("I", in.id)}
	}
	schema := "webhook-" + event
	if action != "" {
		body["action"] = action
		schema += "-" + action
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // maps, slices and scalars
	}
	schema = string(bytes.ReplaceAll([]byte(schema), []byte("_"), []byte("-")))
	for _, complaint := range s.judge.payload(schema, raw) {
		s.bug("webhook %s %s: %s", event, action, complaint)
	}
	d := &delivery{id: s.id(), event: event, action: action, at: s.now, installation: in.id, repo: repo, body: raw}
	d.guid = guid(d.id)
	s.hooks.pending = append(s.hooks.pending, d)
}

// guid is unlike any other of the server, and the same in every run.
func guid(id int64) string {
	sum := sha256.Sum256([]byte("delivery " + strconv.FormatInt(id, 10)))
	h := hex.EncodeToString(sum[:16])
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

// flush sees to it that what is pending is sent, in the background.
func (s *Server) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hooks.sending || len(s.hooks.pending) == 0 {
		return
	}
	s.hooks.sending = true
	s.hooks.running.Go(func() {
		for {
			d, url := s.nextDelivery()
			if d == nil {
				return
			}
			d.code = s.send(url, d)
			s.mu.Lock()
			s.deliveries = append(s.deliveries, d)
			s.mu.Unlock()
		}
	})
}

// nextDelivery is what to send now; nil when nothing is left. What nobody is to
// hear of is dropped.
func (s *Server) nextDelivery() (*delivery, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hooks.url == "" {
		s.hooks.pending = nil
	}
	if len(s.hooks.pending) == 0 {
		s.hooks.sending = false
		return nil, ""
	}
	d := s.hooks.pending[0]
	s.hooks.pending = s.hooks.pending[1:]
	return d, s.hooks.url
}

// Sign is the value of X-Hub-Signature-256 for a body.
func (s *Server) Sign(body []byte) string {
	mac := hmac.New(sha256.New, []byte(s.Secret))
	mac.Write(body) // never fails
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func (s *Server) send(url string, d *delivery) int {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(d.body))
	if err != nil {
		return 0
	}
	for k, v := range s.hookHeaders(d) {
		r.Header.Set(k, v)
	}
	client := http.Client{Timeout: hookTimeout}
	resp, err := client.Do(r)
	if err != nil {
		return 0 // as when nobody listens
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // only the code counts
	return resp.StatusCode
}

// hookTimeout is how long GitHub waits for a 2xx.
const hookTimeout = 10 * time.Second

func (s *Server) hookHeaders(d *delivery) map[string]string {
	return map[string]string{
		"User-Agent": "GitHub-Hookshot/ghtest", "Content-Type": "application/json", "Accept": "*/*",
		"X-GitHub-Delivery": d.guid, "X-GitHub-Event": d.event, "X-Hub-Signature-256": s.Sign(d.body),
		"X-GitHub-Hook-ID": "1", "X-GitHub-Hook-Installation-Target-ID": strconv.FormatInt(s.AppID, 10),
		"X-GitHub-Hook-Installation-Target-Type": "integration",
	}
}

func (s *Server) deliveryView(d *delivery) map[string]any {
	status := "OK"
	if d.code < 200 || d.code > 299 {
		status = fmt.Sprintf("Invalid HTTP Response: %d", d.code)
	}
	m := map[string]any{
		"id": d.id, "guid": d.guid, "delivered_at": stamp(d.at), "redelivery": d.again, "duration": 0.01, "status": status,
		"status_code": d.code, "event": d.event, "action": nil, "installation_id": d.installation, "repository_id": d.repo, "throttled_at": nil,
	}
	if d.action != "" {
		m["action"] = d.action
	}
	return m
}

// kept is how long deliveries can be listed and redelivered.
const kept = 3 * 24 * time.Hour

func listDeliveries(q *request) (int, any) {
	out := []any{}
	for _, d := range slices.Backward(q.deliveries) {
		failed := d.code >= 400
		if status := q.query.Get("status"); status != "" && failed != (status == "failure") {
			continue
		}
		if q.now.Sub(d.at) < kept {
			out = append(out, q.deliveryView(d))
		}
	}
	return http.StatusOK, cursorPage(q, out)
}

// cursorPage cuts a list for the routes that page by cursor.
func cursorPage(q *request, list []any) []any {
	from, err := strconv.Atoi(q.query.Get("cursor"))
	if err != nil {
		from = 0
	}
	per, err := strconv.Atoi(q.query.Get("per_page"))
	if err != nil {
		per = 30
	}
	from = min(from, len(list))
	to := min(from+min(per, 100), len(list))
	if to < len(list) {
		q.header.Set("Link", fmt.Sprintf("<%s/app/hook/deliveries?per_page=%d&cursor=%d>; rel=\"next\"", q.URL, per, to))
	}
	return append([]any{}, list[from:to]...)
}

func (q *request) delivery() *delivery {
	for _, d := range q.deliveries {
		if d.id == q.number("delivery_id") && q.now.Sub(d.at) < kept {
			return d
		}
	}
	panic(errNotFound)
}

func getDelivery(q *request) (int, any) {
	d := q.delivery()
	m := q.deliveryView(d)
	m["url"] = q.hooks.url
	var payload map[string]any
	if err := json.Unmarshal(d.body, &payload); err != nil {
		panic(err) // we wrote it
	}
	headers := map[string]any{}
	for k, v := range q.hookHeaders(d) {
		headers[k] = v
	}
	m["request"] = map[string]any{"headers": headers, "payload": payload}
	m["response"] = map[string]any{"headers": map[string]any{}, "payload": nil}
	return http.StatusOK, m
}

func redeliver(q *request) (int, any) {
	again := *q.delivery()
	again.id, again.again, again.at, again.code = q.id(), true, q.now, 0
	q.hooks.pending = append(q.hooks.pending, &again)
	return http.StatusAccepted, map[string]any{}
}

func hookConfig(q *request) (int, any) {
	return http.StatusOK, map[string]any{"url": q.hooks.url, "content_type": "json", "insecure_ssl": "0", "secret": "********"}
}
