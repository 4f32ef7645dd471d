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

// reserve sets aside what a call may take, until it is released: the prompt,
// counted as three bytes a token, and the longest answer. It refuses a call that
// could pass the budget, together with those under way.
func (m *Model) reserve(p prompts.Prompt) (release func(), err error) {
	next := prompts.Usage{CacheWrite: estimate(p), Output: m.opt.MaxTokens}
	next.Dollars = m.dollars(next)
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.spent.Add(m.held)
	if most := m.opt.Budget.Tokens; most > 0 && tokens(used)+tokens(next) > most {
		return nil, &BudgetError{fmt.Sprintf("%d of %d tokens, and the next call could take %d", tokens(used), most, tokens(next)), m.spent}
	}
	if most := m.opt.Budget.Dollars; most > 0 && used.Dollars+next.Dollars > most {
		return nil, &BudgetError{fmt.Sprintf("$%.4f of $%.4f, and the next call could cost $%.4f", used.Dollars, most, next.Dollars), m.spent}
	}
	m.held = m.held.Add(next)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.held = m.held.Add(prompts.Usage{CacheWrite: -next.CacheWrite, Output: -next.Output, Dollars: -next.Dollars})
	}, nil
}

func tokens(u prompts.Usage) int { return u.Input + u.Output + u.CacheRead + u.CacheWrite }

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
