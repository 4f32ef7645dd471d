package bot

import (
	"context"
	"time"
)

// DryRun makes a Bot that looks at everything and changes nothing: its effects
// are told instead, and nothing of them is remembered.
func (b *Bot) DryRun(tell func(Repo, Effect)) *Bot {
	dry := *b
	dry.Forge = dryForge{b.Forge, tell}
	dry.Memory = dryMemory{b.Memory}
	return &dry
}

type dryForge struct {
	Forge
	tell func(Repo, Effect)
}

// Do implements [Forge]. What it would have made has no id yet.
func (f dryForge) Do(_ context.Context, r Repo, e Effect) (Receipt, error) {
	f.tell(r, e)
	return Receipt{Commit: "dry run"}, nil
}

type dryMemory struct{ Memory }

// Remember implements [Memory].
func (dryMemory) Remember(context.Context, Record) error { return nil }

// Begin implements [Memory].
func (dryMemory) Begin(_ context.Context, _ int64, _ string, now time.Time) (Entry, bool, error) {
	return Entry{At: now}, true, nil
}

// End implements [Memory].
func (dryMemory) End(context.Context, int64, string, *Receipt) error { return nil }
