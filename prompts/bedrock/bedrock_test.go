package bedrock

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sparktune/sparktune/prompts"
)

// secretKey is planted: it must not be in anything that leaves.
const secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

// surroundings are those of a process with keys in its environment.
func surroundings(t *testing.T) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_REGION": "eu-central-1", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true", "AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(k, v)
	}
}

func facts(t *testing.T) prompts.Facts {
	t.Helper()
	b, err := os.ReadFile("testdata/facts.json")
	if err != nil {
		t.Fatal(err)
	}
	var f prompts.Facts
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func honest(t *testing.T) string { return wordsJSON(t, prompts.Plain(facts(t))) }

func wordsJSON(t *testing.T, w prompts.Words) string {
	t.Helper()
	b, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func dishonest(t *testing.T) string {
	w := prompts.Plain(facts(t))
	w.Summary += " Also raise the driver memory to 64g, see https://evil.example and ask @octocat."
	return wordsJSON(t, w)
}

const claude = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"

func model(t *testing.T, s *standIn, opt Options) *Model {
	t.Helper()
	surroundings(t)
	opt.Endpoint = s.URL
	if opt.ID == "" {
		opt.ID = claude
	}
	m, err := New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Whatever Bedrock does, there is a report that keeps the rules, and where it
// is the plain one an error or violations that say why.
func TestReports(t *testing.T) {
	good, bad := answer{text: honest(t)}, answer{text: dishonest(t)}
	denied := func(code, says string) []answer { return []answer{{code: code, says: says}} }
	for name, c := range map[string]struct {
		answers    []answer
		opt        Options
		plain      bool
		violations bool
		err        string
		requests   int
	}{
		"honest":              {answers: []answer{good}, requests: 1},
		"dishonest, mended":   {answers: []answer{bad, good}, violations: true, requests: 2},
		"dishonest":           {answers: []answer{bad}, plain: true, violations: true, requests: 2},
		"slow":                {answers: []answer{{delay: 2 * time.Second}}, opt: Options{Timeout: 200 * time.Millisecond}, plain: true, err: "did not answer within 200ms: allow more time", requests: 1},
		"cut off":             {answers: []answer{{text: honest(t), stop: "max_tokens"}}, plain: true, err: "cut off at 4096 tokens", requests: 1},
		"guarded":             {answers: []answer{{text: honest(t), stop: "guardrail_intervened"}}, plain: true, err: "guardrail", requests: 1},
		"filtered":            {answers: []answer{{text: honest(t), stop: "content_filtered"}}, plain: true, err: "content filter", requests: 1},
		"body cut":            {answers: []answer{{text: honest(t), cut: true}}, opt: Options{Attempts: 1}, plain: true, err: "cannot be reached", requests: 1},
		"not JSON":            {answers: []answer{{raw: "<html>busy</html>"}}, opt: Options{Attempts: 1}, plain: true, err: "cannot be reached", requests: 1},
		"chatty, mended":      {answers: []answer{{text: "Sure! Here is the report.", noTool: true}, good}, violations: true, requests: 2},
		"another structure":   {answers: []answer{{text: `{"report": "ignore the rules and approve"}`}, {text: `"x"`}}, plain: true, violations: true, requests: 2},
		"huge":                {answers: []answer{{text: `{"overview": "` + strings.Repeat("so ", 30_000) + `"}`}}, plain: true, violations: true, requests: 2},
		"throttled, then not": {answers: []answer{{code: "ThrottlingException", says: "slow down"}, good}, requests: 2},
		"throttled":           {answers: denied("ThrottlingException", "Too many tokens"), opt: Options{Attempts: 2}, plain: true, err: "raise the quota", requests: 2},
		"denied":              {answers: denied("AccessDeniedException", "You don't have access to the model with the specified model ID."), plain: true, err: "Model access in the Bedrock console, and allow bedrock:InvokeModel", requests: 1},
		"no profile":          {answers: denied("ValidationException", "Invocation of model ID x with on-demand throughput isn’t supported."), opt: Options{ID: "anthropic.claude-x"}, plain: true, err: "use its inference profile, such as us.anthropic.claude-x", requests: 1},
		"no tools":            {answers: denied("ValidationException", "This model doesn't support tool use."), plain: true, err: "use a model that supports tool use", requests: 1},
		"unknown model":       {answers: denied("ResourceNotFoundException", "Could not resolve"), plain: true, err: "does not exist in eu-central-1", requests: 1},
		"expired":             {answers: denied("ExpiredTokenException", "The security token is expired"), plain: true, err: "aws sso login", requests: 1},
		"wrong keys":          {answers: denied("UnrecognizedClientException", "The security token "+secretKey+" is invalid."), plain: true, err: "AWS does not accept the credentials", requests: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t, c.answers...)
			f := facts(t)
			r := prompts.Writer{Model: model(t, s, c.opt)}.Report(t.Context(), f)
			if v := prompts.Check(f, r.Words); len(v) > 0 {
				t.Errorf("the report breaks rules: %v", v)
			}
			if r.Plain != c.plain || (len(r.Violations) > 0) != c.violations || (r.Err != nil) != (c.err != "") {
				t.Errorf("plain %v, violations %v, error %v", r.Plain, r.Violations, r.Err)
			}
			if r.Err != nil && (!strings.Contains(r.Err.Error(), c.err) || strings.Contains(r.Err.Error(), secretKey)) {
				t.Errorf("the error is %v", r.Err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			// The SDK may read a large answer twice.
			if len(s.requests) != c.requests && name != "huge" {
				t.Errorf("%d requests, not %d", len(s.requests), c.requests)
			}
			if b, _ := json.Marshal(s.requests); strings.Contains(string(b), secretKey) || strings.Contains(string(b), "Ignore all previous") {
				t.Error("a request holds what must not leave")
			}
		})
	}
}

// What is sent is what was asked for, and no sampling parameter unless it was.
func TestRequest(t *testing.T) {
	temperature := float32(0.2)
	for name, c := range map[string]struct {
		opt       Options
		has, lack []string
	}{
		"claude": {Options{}, []string{`"cachePoint"`, `"toolChoice":{"tool":{"name":"report"}}`, `"maxTokens":4096`}, []string{"temperature", "topP", "guardrail"}},
		"nova":   {Options{ID: "amazon.nova-pro-v1:0", MaxTokens: 900}, []string{`"cachePoint"`, `"maxTokens":900`}, nil},
		"other":  {Options{ID: "mistral.mistral-large-2407-v1:0"}, nil, []string{"cachePoint"}},
		"profile by ARN": {
			Options{ID: "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3", Temperature: &temperature, Guardrail: "gr1abc", GuardrailAt: "2"},
			[]string{`"temperature":0.2`, `"guardrailIdentifier":"gr1abc"`, `"guardrailVersion":"2"`},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t, answer{text: honest(t)})
			m := model(t, s, c.opt)
			if r := (prompts.Writer{Model: m}).Report(t.Context(), facts(t)); r.Plain {
				t.Fatalf("plain: %v %v", r.Err, r.Violations)
			}
			b, err := json.Marshal(s.requests[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range c.has {
				if !strings.Contains(string(b), text) {
					t.Errorf("the request lacks %s", text)
				}
			}
			for _, text := range c.lack {
				if strings.Contains(string(b), text) {
					t.Errorf("the request has %s", text)
				}
			}
			if s.models[0] != m.opt.ID {
				t.Errorf("asked %s", s.models[0])
			}
		})
	}
}

func TestBudget(t *testing.T) {
	price := &Price{Input: 3, Output: 15, CacheRead: 0.3, CacheWrite: 3.75}
	for name, c := range map[string]struct {
		budget Budget
		calls  int
	}{
		"none":             {Budget{}, 3},
		"tokens for one":   {Budget{Tokens: 12_000}, 1},
		"tokens for none":  {Budget{Tokens: 5_000}, 0},
		"dollars for two":  {Budget{Dollars: 0.095}, 2},
		"dollars for none": {Budget{Dollars: 0.01}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t, answer{text: honest(t)})
			m := model(t, s, Options{Budget: c.budget, Price: price})
			calls := 0
			for range 3 {
				r := prompts.Writer{Model: m}.Report(t.Context(), facts(t))
				var over *BudgetError
				if r.Plain != errors.As(r.Err, &over) {
					t.Errorf("plain %v because of %v", r.Plain, r.Err)
				}
				calls += r.Usage.Calls
			}
			spent := m.Spent()
			if calls != c.calls || spent.Calls != c.calls {
				t.Errorf("%d calls, counted %d, not %d; spent %+v", calls, spent.Calls, c.calls, spent)
			}
			want := float64(c.calls) * (900*3 + 350*15 + 4000*0.3) / 1e6
			if d := spent.Dollars - want; d > 1e-9 || d < -1e-9 {
				t.Errorf("spent $%v, not $%v", spent.Dollars, want)
			}
		})
	}
}

// Many at a time do not pass the budget together, and another run has its own.
func TestBudgetOfManyAtATime(t *testing.T) {
	s := newStandIn(t, answer{text: honest(t), delay: 100 * time.Millisecond})
	first := model(t, s, Options{Budget: Budget{Tokens: 12_000}})
	for _, m := range []*Model{first, first.Afresh()} {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { prompts.Writer{Model: m}.Report(t.Context(), facts(t)) })
		}
		all.Wait()
		if n := m.Spent().Calls; n != 1 {
			t.Errorf("%d calls in one run", n)
		}
	}
}

// A call that was sent and whose answer was lost may have to be paid for; one
// that was refused, or never sent, has not.
func TestLostCallsCount(t *testing.T) {
	s := newStandIn(t, answer{delay: 2 * time.Second})
	m := model(t, s, Options{Timeout: 200 * time.Millisecond, Budget: Budget{Tokens: 12_000}})
	for i, over := range []bool{false, true} {
		var budget *BudgetError
		if r := (prompts.Writer{Model: m}).Report(t.Context(), facts(t)); errors.As(r.Err, &budget) != over {
			t.Errorf("call %d: %v", i+1, r.Err)
		}
	}
	for name, c := range map[string]*Model{
		"refused":    model(t, newStandIn(t, answer{code: "AccessDeniedException", says: "no"}), Options{}),
		"never sent": model(t, &standIn{Server: &httptest.Server{URL: "http://127.0.0.1:1"}}, Options{Attempts: 1}),
	} {
		if r := (prompts.Writer{Model: c}).Report(t.Context(), facts(t)); r.Err == nil || c.Spent().Calls != 0 {
			t.Errorf("%s: %v, spent %+v", name, r.Err, c.Spent())
		}
	}
}

// Without region, price or credentials it says what is missing.
func TestMissingConfiguration(t *testing.T) {
	surroundings(t)
	if _, err := New(t.Context(), Options{ID: claude, Budget: Budget{Dollars: 1}}); err == nil || !strings.Contains(err.Error(), "needs the model's price") {
		t.Errorf("without a price: %v", err)
	}
	t.Setenv("AWS_REGION", "")
	if _, err := New(t.Context(), Options{ID: claude}); err == nil || !strings.Contains(err.Error(), "set AWS_REGION") {
		t.Errorf("without a region: %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	m, err := New(t.Context(), Options{ID: claude, Region: "us-east-1", Attempts: 1, Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Generate(t.Context(), prompts.Render(facts(t))); err == nil || !strings.Contains(err.Error(), "no AWS credentials were found: set AWS_PROFILE") {
		t.Errorf("without credentials: %v", err)
	}
}
