package prompts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Model answers a prompt with JSON that follows the prompt's schema. What it
// answers is checked; it need not be trusted.
type Model interface {
	Generate(ctx context.Context, p Prompt) (Answer, error)
}

// An Answer is what a Model said, and what that took. An Answer beside an error
// still has its Usage.
type Answer struct {
	JSON  []byte
	Usage Usage
}

// Usage is what answers took.
type Usage struct {
	Input      int     `json:"input_tokens"`
	Output     int     `json:"output_tokens"`
	CacheRead  int     `json:"cache_read_tokens"`
	CacheWrite int     `json:"cache_write_tokens"`
	Dollars    float64 `json:"dollars"` // 0 where no price is known
	PriceKnown bool    `json:"price_known"`
	Calls      int     `json:"calls"`
}

// Add is the sum of two Usages; its price is known when both are.
func (u Usage) Add(v Usage) Usage {
	known := u.PriceKnown && v.PriceKnown || u.Calls == 0 && v.PriceKnown || v.Calls == 0 && u.PriceKnown
	return Usage{
		u.Input + v.Input, u.Output + v.Output, u.CacheRead + v.CacheRead, u.CacheWrite + v.CacheWrite,
		u.Dollars + v.Dollars, known, u.Calls + v.Calls,
	}
}

// A Report is the Words for one job, and how they came about.
type Report struct {
	Words      Words
	Plain      bool        // by the plain writer
	Violations []Violation // of every answer that was refused
	Usage      Usage
	Cached     bool   // the model answered this prompt before
	Version    string // of the templates; "" without a model
	Err        error  // why the model did not answer; the plain writer did
}

// A Cache keeps answers that kept the rules, by [Prompt.Key], for one Model. It
// need not be trusted: what it hands out is checked again. It may forget.
type Cache interface {
	Load(key string) (answer []byte, ok bool)
	Save(key string, answer []byte)
}

// A Writer words Facts with a Model, and without one, or when the Model fails,
// by the plain writer.
type Writer struct {
	Model Model // nil for none
	Cache Cache // nil for none
}

// Report renders the prompt, asks, and checks. An answer that breaks rules is
// sent back once with the violations; then the plain writer answers. It cannot
// fail: Err only says why the words are plain.
func (w Writer) Report(ctx context.Context, f Facts) Report {
	r := Report{Words: Plain(f), Plain: true}
	if w.Model == nil {
		return r
	}
	r.Version = Version()
	prompt := Render(f)
	key := prompt.Key()
	if words, ok := w.recall(f, key); ok {
		r.Words, r.Plain, r.Cached = words, false, true
		return r
	}
	for range 2 {
		answer, err := w.Model.Generate(ctx, prompt)
		r.Usage = r.Usage.Add(answer.Usage)
		if err != nil {
			r.Err = err
			return r
		}
		words, violations := read(f, answer.JSON)
		if len(violations) == 0 {
			r.Words, r.Plain = words, false
			if w.Cache != nil {
				w.Cache.Save(key, answer.JSON)
			}
			return r
		}
		r.Violations = append(r.Violations, violations...)
		prompt = repair(Render(f), answer.JSON, violations)
	}
	return r
}

// recall is an earlier answer to the prompt, if it keeps the rules.
func (w Writer) recall(f Facts, key string) (Words, bool) {
	if w.Cache == nil {
		return Words{}, false
	}
	answer, ok := w.Cache.Load(key)
	if !ok {
		return Words{}, false
	}
	words, violations := read(f, answer)
	return words, len(violations) == 0
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 64 << 10

// read is an answer's words, and all that is wrong with them.
func read(f Facts, answer []byte) (Words, []Violation) {
	var w Words
	if len(answer) > maxAnswer {
		return w, []Violation{{"answer", KindLength, fmt.Sprintf("at most %d bytes", maxAnswer)}}
	}
	dec := json.NewDecoder(bytes.NewReader(answer))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return w, []Violation{{"answer", KindShape, "not the JSON that the schema describes"}}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return w, []Violation{{"answer", KindShape, "more than one JSON value"}}
	}
	return w, Check(f, w)
}
