package bedrock

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/sparktune/sparktune/prompts"
)

// An Error is why a model did not answer, and what to do about it.
type Error struct {
	What string // one sentence, without secrets
	Hint string // what to switch on or change
	Err  error  // the SDK's; it may quote what it was sent
}

func (e *Error) Error() string { return e.What + ": " + e.Hint }
func (e *Error) Unwrap() error { return e.Err }

// explanations are by the code of the service's error; in a hint, %[1]s is the
// model and %[2]s the region.
var explanations = map[string][2]string{
	"AccessDeniedException":         {"access to %[1]s in %[2]s is denied", "switch the model on under Model access in the Bedrock console, and allow bedrock:InvokeModel on it and on its inference profile"},
	"UnrecognizedClientException":   {"AWS does not accept the credentials", "renew them ('aws sso login'), or set AWS_PROFILE"},
	"InvalidSignatureException":     {"AWS does not accept the signature", "check the secret key and this machine's clock"},
	"ExpiredTokenException":         {"the AWS credentials have expired", "renew them, for example by 'aws sso login'"},
	"ResourceNotFoundException":     {"%[1]s does not exist in %[2]s", "check the id and the region; 'aws bedrock list-inference-profiles' lists the profiles"},
	"ThrottlingException":           {"%[1]s throttles this account in %[2]s", "try later, or raise the quota of its tokens and requests per minute in Service Quotas"},
	"ServiceQuotaExceededException": {"a quota of %[1]s in %[2]s is used up", "raise it in Service Quotas"},
	"ModelTimeoutException":         {"%[1]s took too long", "try later, or use a faster model"},
	"ModelNotReadyException":        {"%[1]s is not ready", "try again in some minutes"},
	"ModelErrorException":           {"%[1]s failed", "try later"},
	"ServiceUnavailableException":   {"Bedrock in %[2]s is not available", "try later"},
	"InternalServerException":       {"Bedrock in %[2]s failed", "try later"},
}

// validations are by a part of the message of a ValidationException.
var validations = []struct{ part, what, hint string }{
	{"on-demand throughput", "%[1]s cannot be called by its own id", "use its inference profile, such as us.%[1]s"},
	{"model identifier is invalid", "%[1]s is no model in %[2]s", "check the id; 'aws bedrock list-foundation-models' lists them"},
	{"tool", "%[1]s does not take a forced tool", "use a model that supports tool use"},
	{"temperature", "%[1]s does not take a temperature", "do not set one"},
	{"cache", "%[1]s does not take cache points", "use a model that supports prompt caching"},
	{"guardrail", "the guardrail is not accepted", "check its id and version"},
	{"", "Bedrock does not accept the request for %[1]s", "check the model's id and its limits"},
}

// withoutCredentials knows the SDK's error by its text: it has no type.
func withoutCredentials(err error) bool {
	return strings.Contains(err.Error(), "credentials") || strings.Contains(err.Error(), "get identity")
}

// explain turns an error of the SDK into one that says what to do.
func (m *Model) explain(ctx context.Context, err error) error {
	say := func(what, hint string) error {
		return &Error{m.fill(what), m.fill(hint), err}
	}
	var api smithy.APIError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return say("%[1]s did not answer within "+m.opt.Timeout.String(), "allow more time, or use a faster model")
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &api):
		return m.explainAPI(api, say)
	case withoutCredentials(err):
		return say("no AWS credentials were found", "set AWS_PROFILE, log in by 'aws sso login', or give the process a role")
	}
	return say("Bedrock in %[2]s cannot be reached", "check the network, the proxy and the VPC endpoint: "+cause(err))
}

func (m *Model) explainAPI(api smithy.APIError, say func(what, hint string) error) error {
	if api.ErrorCode() == "ValidationException" {
		for _, v := range validations {
			if strings.Contains(strings.ToLower(api.ErrorMessage()), v.part) {
				return say(v.what, v.hint)
			}
		}
	}
	if e, ok := explanations[api.ErrorCode()]; ok {
		return say(e[0], e[1])
	}
	return say("Bedrock answered "+prompts.Inert(api.ErrorCode()), prompts.Inert(api.ErrorMessage()))
}

// fill puts model and region into a text.
func (m *Model) fill(text string) string {
	return strings.NewReplacer("%[1]s", prompts.Inert(m.opt.ID), "%[2]s", m.opt.Region).Replace(text)
}

// cause is the innermost error, which says what the network did.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return prompts.Inert(fmt.Sprint(err))
		}
		err = inner
	}
}
