package bedrock

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A standIn is a Bedrock on this machine. What it is sent and what it answers
// is held against the service's own model.
type standIn struct {
	*httptest.Server
	t       *testing.T
	service *service

	mu       sync.Mutex
	answers  []answer // the last one stays
	requests []map[string]any
	models   []string
}

// An answer is what the stand-in does with one request.
type answer struct {
	text   string // the tool's input, verbatim
	stop   string // "" is tool_use
	code   string // of an error
	says   string // its message
	delay  time.Duration
	cut    bool // the body ends in the middle
	noTool bool // plain text instead of the tool
	raw    string
}

func newStandIn(t *testing.T, answers ...answer) *standIn {
	s := &standIn{t: t, service: loadService(t), answers: answers}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) next(model string, body map[string]any) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.models = append(s.requests, body), append(s.models, model)
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	return a
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	model, err := s.modelOf(r)
	if err != nil {
		s.t.Errorf("request: %v", err)
	}
	src, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("read the request: %v", err)
	}
	var body map[string]any
	if err := json.Unmarshal(src, &body); err != nil {
		s.t.Errorf("request body: %v", err)
	}
	body["modelId"] = model // it is a label of the address
	for _, problem := range s.service.validate("ConverseRequest", body) {
		s.t.Errorf("the service's model does not allow the request: %s", problem)
	}
	if auth := r.Header.Get("Authorization"); !strings.HasPrefix(auth, "AWS4-HMAC-SHA256 Credential=") || !strings.Contains(auth, "/bedrock/aws4_request") {
		s.t.Errorf("not signed for Bedrock: %q", auth)
	}
	a := s.next(model, body)
	select {
	case <-time.After(a.delay):
		s.answer(w, a)
	case <-r.Context().Done():
	}
}

// modelOf reads the model's id out of an address as the service's model has it.
func (s *standIn) modelOf(r *http.Request) (string, error) {
	op := s.service.Operations["Converse"].HTTP
	before, after, _ := strings.Cut(op.RequestURI, "{modelId}")
	path := r.URL.EscapedPath()
	if r.Method != op.Method || !strings.HasPrefix(path, before) || !strings.HasSuffix(path, after) {
		return "", fmt.Errorf("%s %s is not %s %s", r.Method, path, op.Method, op.RequestURI)
	}
	return url.PathUnescape(path[len(before) : len(path)-len(after)])
}

func (s *standIn) answer(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	if a.code != "" {
		shape, ok := s.service.Shapes[a.code]
		if !ok && a.code != "UnrecognizedClientException" && a.code != "ExpiredTokenException" { // these are of every service
			s.t.Errorf("the service has no error %s", a.code)
		}
		w.Header().Set("X-Amzn-ErrorType", a.code)
		w.WriteHeader(max(403*boolInt(!ok), shape.Error.HTTPStatusCode))
		fmt.Fprintf(w, `{"message": %q}`, a.says)
		return
	}
	if a.raw != "" {
		fmt.Fprint(w, a.raw)
		return
	}
	body := s.body(a)
	if a.cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		body = body[:len(body)/2]
	}
	w.Write(body) //nolint:errcheck // a client that went away is what some tests are about
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// body is a whole answer, which the service's model allows.
func (s *standIn) body(a answer) []byte {
	stop, content := a.stop, map[string]any{}
	if stop == "" {
		stop = "tool_use"
	}
	if a.noTool {
		stop, content["text"] = "end_turn", a.text
	} else {
		var input any
		if err := json.Unmarshal([]byte(a.text), &input); err != nil {
			s.t.Errorf("the answer is no JSON: %v", err)
		}
		content["toolUse"] = map[string]any{"toolUseId": "tooluse_0", "name": toolName, "input": input}
	}
	out := map[string]any{
		"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": []any{content}}},
		"stopReason": stop,
		"usage":      map[string]any{"inputTokens": float64(900), "outputTokens": float64(350), "totalTokens": float64(5250), "cacheReadInputTokens": float64(4000), "cacheWriteInputTokens": float64(0)},
		"metrics":    map[string]any{"latencyMs": float64(2100)},
	}
	for _, problem := range s.service.validate("ConverseResponse", out) {
		s.t.Errorf("the service's model does not allow the stand-in's answer: %s", problem)
	}
	b, err := json.Marshal(out)
	if err != nil {
		s.t.Error(err)
	}
	return b
}
