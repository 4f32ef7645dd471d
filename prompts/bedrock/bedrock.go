// Package bedrock is a prompts.Model on Amazon Bedrock.
//
// It asks by Converse with one tool that the model is forced to use, so that
// the answer is JSON. It is the only package that knows the SDK. It refuses to
// judge an answer, and to word anything itself.
package bedrock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/sparktune/sparktune/prompts"
)

// Options say which model, and within which limits. The zero value of all but
// ID is useful.
type Options struct {
	ID        string // of a model or an inference profile, or its ARN
	Region    string // "" for the one of the environment or profile
	Endpoint  string // of a VPC endpoint; "" for the region's
	MaxTokens int    // of one answer; 0 for 4,096
	// Temperature is sent only when set: current models reject it.
	Temperature *float32
	Guardrail   string        // its id or ARN; "" for none
	GuardrailAt string        // its version; "" for DRAFT
	Timeout     time.Duration // of one call with its retries; 0 for 60 s
	Attempts    int           // at one call; 0 for 3
	Budget      Budget
	Price       *Price // nil where it is not known
}

// A Budget bounds all calls of one Model. Zero is no bound.
type Budget struct {
	Tokens  int
	Dollars float64 // needs a Price
}

// A Price is in dollars for a million tokens.
type Price struct{ Input, Output, CacheRead, CacheWrite float64 }

// A Model asks one model on Bedrock. It may be used by many at a time.
type Model struct {
	opt    Options
	client *bedrockruntime.Client

	mu    sync.Mutex
	spent prompts.Usage
	held  prompts.Usage // what calls under way may take at most
}

var _ prompts.Model = (*Model)(nil)

// New finds credentials and region as every AWS tool does: environment, shared
// files and SSO, web identity (IRSA), container and instance roles. It calls
// nothing: what is wrong with access shows when the model is asked.
func New(ctx context.Context, opt Options) (*Model, error) {
	if opt.Budget.Dollars > 0 && opt.Price == nil {
		return nil, errors.New("a budget in dollars needs the model's price")
	}
	opt.MaxTokens = orElse(opt.MaxTokens, 4096)
	opt.Timeout = orElse(opt.Timeout, time.Minute)
	opt.Attempts = orElse(opt.Attempts, 3)
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(opt.Region), config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region is set: set AWS_REGION, or region in the profile")
	}
	opt.Region = cfg.Region
	client := bedrockruntime.NewFromConfig(cfg, func(o *bedrockruntime.Options) {
		if opt.Endpoint != "" {
			o.BaseEndpoint = aws.String(opt.Endpoint)
		}
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts = opt.Attempts })
	})
	return &Model{opt: opt, client: client}, nil
}

// Afresh is the same model with the whole budget, for another run.
func (m *Model) Afresh() *Model { return &Model{opt: m.opt, client: m.client} }

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

// Spent is what all calls took so far.
func (m *Model) Spent() prompts.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spent
}

// Generate asks once. Retries after throttling and the like are within the
// timeout; a wrong answer is not retried here.
func (m *Model) Generate(ctx context.Context, p prompts.Prompt) (prompts.Answer, error) {
	release, err := m.reserve(p)
	if err != nil {
		return prompts.Answer{}, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, m.opt.Timeout)
	defer cancel()
	in, err := m.input(p)
	if err != nil {
		return prompts.Answer{}, err
	}
	out, err := m.client.Converse(ctx, in)
	if err != nil {
		var usage prompts.Usage
		if mayHaveAnswered(err) {
			usage = m.presume(p)
		}
		return prompts.Answer{Usage: usage}, m.explain(ctx, err)
	}
	usage := m.account(out.Usage)
	answer, err := m.answer(out)
	return prompts.Answer{JSON: answer, Usage: usage}, err
}

// mayHaveAnswered says whether the model may have got the prompt although the
// call failed: it was sent, and no refusal came back.
func mayHaveAnswered(err error) bool {
	var refused smithy.APIError
	var op *net.OpError
	return !errors.As(err, &refused) && !withoutCredentials(err) && (!errors.As(err, &op) || op.Op != "dial")
}

const toolName = "report"

func (m *Model) input(p prompts.Prompt) (*bedrockruntime.ConverseInput, error) {
	var schema map[string]any
	if err := json.Unmarshal(p.Schema, &schema); err != nil {
		return nil, fmt.Errorf("read the answer's schema: %w", err)
	}
	in := &bedrockruntime.ConverseInput{
		ModelId:         aws.String(m.opt.ID),
		System:          []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: p.System}},
		Messages:        []types.Message{{Role: types.ConversationRoleUser, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: p.User}}}},
		InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(int32(m.opt.MaxTokens)), Temperature: m.opt.Temperature},
		ToolConfig: &types.ToolConfiguration{
			Tools: []types.Tool{&types.ToolMemberToolSpec{Value: types.ToolSpecification{
				Name:        aws.String(toolName),
				Description: aws.String("Hands in the words of the report."),
				InputSchema: &types.ToolInputSchemaMemberJson{Value: document.NewLazyDocument(schema)},
			}}},
			ToolChoice: &types.ToolChoiceMemberTool{Value: types.SpecificToolChoice{Name: aws.String(toolName)}},
		},
	}
	if caches(m.opt.ID) {
		in.System = append(in.System, &types.SystemContentBlockMemberCachePoint{Value: types.CachePointBlock{Type: types.CachePointTypeDefault}})
	}
	if m.opt.Guardrail != "" {
		in.GuardrailConfig = &types.GuardrailConfiguration{GuardrailIdentifier: aws.String(m.opt.Guardrail), GuardrailVersion: aws.String(orElse(m.opt.GuardrailAt, "DRAFT"))}
	}
	return in, nil
}

// caches says whether a model takes cache points: others reject them. Older
// models of these families that do not are no longer offered to new accounts.
func caches(id string) bool {
	return strings.Contains(id, "anthropic.claude") || strings.Contains(id, "amazon.nova")
}

// answer is the tool's input. A model that answered without the tool has
// answered wrongly, which is the checker's to say.
func (m *Model) answer(out *bedrockruntime.ConverseOutput) ([]byte, error) {
	switch out.StopReason {
	case types.StopReasonMaxTokens:
		return nil, fmt.Errorf("the answer of %s was cut off at %d tokens: allow more", m.opt.ID, m.opt.MaxTokens)
	case types.StopReasonGuardrailIntervened:
		return nil, fmt.Errorf("guardrail %s stopped the answer of %s: allow technical reports in it, or use another", m.opt.Guardrail, m.opt.ID)
	case types.StopReasonContentFiltered:
		return nil, fmt.Errorf("the content filter of %s stopped its answer", m.opt.ID)
	default: // it ended by itself; what it said is the checker's to judge
	}
	message, ok := out.Output.(*types.ConverseOutputMemberMessage)
	if !ok {
		return nil, nil
	}
	for _, c := range message.Value.Content {
		if use, ok := c.(*types.ContentBlockMemberToolUse); ok && aws.ToString(use.Value.Name) == toolName && use.Value.Input != nil {
			b, err := use.Value.Input.MarshalSmithyDocument()
			if err != nil {
				return nil, fmt.Errorf("read the answer of %s: %w", m.opt.ID, err)
			}
			return b, nil
		}
	}
	return nil, nil
}
