package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/sparktune/sparktune/prompts/bedrock"
)

// All that the model may be asked with has a flag, and what is no such thing is
// said before anything is asked.
func TestModelFlags(t *testing.T) {
	for args, want := range map[string]bedrock.Options{
		"": {GuardrailAt: "DRAFT", MaxTokens: 4096, Timeout: time.Minute, Budget: bedrock.Budget{Tokens: 500_000}},
		"--model m --model-guardrail g --model-guardrail-version 3 --model-temperature 0 --model-answer-tokens 9000 --model-timeout 90s --model-tokens 1 --model-dollars 2 --model-price 3,15": {
			ID: "m", Guardrail: "g", GuardrailAt: "3", Temperature: new(float32), MaxTokens: 9000, Timeout: 90 * time.Second,
			Budget: bedrock.Budget{Tokens: 1, Dollars: 2}, Price: &bedrock.Price{Input: 3, Output: 15, CacheRead: 3, CacheWrite: 3.75},
		},
	} {
		got, err := modelOptions(t, args)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", args, err, diff)
		}
	}
	for _, args := range []string{
		"--model-temperature hot", "--model-temperature 1.5", "--model-temperature -1", "--model-temperature NaN",
		"--model-answer-tokens 0", "--model-answer-tokens 5000000000", "--model-timeout -1s", "--model-timeout 0s", "--model-price cheap",
	} {
		if _, err := modelOptions(t, args); !errors.As(err, new(usageError)) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func modelOptions(t *testing.T, args string) (bedrock.Options, error) {
	t.Helper()
	flags := pflag.NewFlagSet("tune", pflag.ContinueOnError)
	m := newModelFlags(flags)
	if err := flags.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	return m.options()
}
