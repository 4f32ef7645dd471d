package bedrock

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"github.com/sparktune/sparktune/prompts"
)

// A BudgetError says that one more call could pass the budget.
type BudgetError struct {
	What string
	Used prompts.Usage
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("the budget of this run is used up: %s", e.What)
}

// reserve refuses a call that could pass the budget: the prompt, counted as
// three bytes a token, and the longest answer.
func (m *Model) reserve(p prompts.Prompt) error {
	in := estimate(p)
	used := m.Spent()
	tokens := used.Input + used.Output + used.CacheRead + used.CacheWrite
	if most := m.opt.Budget.Tokens; most > 0 && tokens+in+m.opt.MaxTokens > most {
		return &BudgetError{fmt.Sprintf("%d of %d tokens, and the next call could take %d", tokens, most, in+m.opt.MaxTokens), used}
	}
	next := m.dollars(prompts.Usage{CacheWrite: in, Output: m.opt.MaxTokens})
	if most := m.opt.Budget.Dollars; most > 0 && used.Dollars+next > most {
		return &BudgetError{fmt.Sprintf("$%.4f of $%.4f, and the next call could cost $%.4f", used.Dollars, most, next), used}
	}
	return nil
}

// estimate is about how many tokens a prompt takes: three bytes each.
func estimate(p prompts.Prompt) int { return (len(p.System) + len(p.User) + len(p.Schema)) / 3 }

// presume counts a call whose answer was lost as if it had been answered at
// full length: it may have to be paid for.
func (m *Model) presume(p prompts.Prompt) prompts.Usage {
	return m.add(prompts.Usage{Calls: 1, PriceKnown: m.opt.Price != nil, Input: estimate(p), Output: m.opt.MaxTokens})
}

// account adds what a call took.
func (m *Model) account(u *types.TokenUsage) prompts.Usage {
	usage := prompts.Usage{Calls: 1, PriceKnown: m.opt.Price != nil}
	if u != nil {
		usage.Input, usage.Output = int(aws.ToInt32(u.InputTokens)), int(aws.ToInt32(u.OutputTokens))
		usage.CacheRead, usage.CacheWrite = int(aws.ToInt32(u.CacheReadInputTokens)), int(aws.ToInt32(u.CacheWriteInputTokens))
	}
	return m.add(usage)
}

func (m *Model) add(usage prompts.Usage) prompts.Usage {
	usage.Dollars = m.dollars(usage)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spent = m.spent.Add(usage)
	return usage
}

func (m *Model) dollars(u prompts.Usage) float64 {
	if m.opt.Price == nil {
		return 0
	}
	p := m.opt.Price
	return (float64(u.Input)*p.Input + float64(u.Output)*p.Output + float64(u.CacheRead)*p.CacheRead + float64(u.CacheWrite)*max(p.CacheWrite, p.Input)) / 1e6
}
