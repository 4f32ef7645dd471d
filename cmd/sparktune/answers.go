package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"

	"github.com/sparktune/sparktune/prompts"
)

// maxAnswers is how many answers of a model are kept; the oldest go first.
const maxAnswers = 2_000

// answers is a folder with the answers of one model, so that an unchanged job
// is not paid for twice. An answer holds references to facts and no values. A
// folder that cannot be read or written is a folder that forgets.
type answers struct{ dir string }

var _ prompts.Cache = answers{}

// answersOf is the folder of a model in the state folder.
func answersOf(state, model string) answers {
	sum := sha256.Sum256([]byte(model))
	return answers{filepath.Join(state, "answers", hex.EncodeToString(sum[:8]))}
}

// Load implements prompts.Cache.
func (a answers) Load(key string) ([]byte, bool) {
	b, err := os.ReadFile(filepath.Join(a.dir, key+".json"))
	return b, err == nil
}

// Save implements prompts.Cache. The file appears whole or not at all.
func (a answers) Save(key string, answer []byte) {
	if os.MkdirAll(a.dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(a.dir, "*.tmp")
	if err != nil {
		return
	}
	_, err = f.Write(answer)
	if cmp.Or(err, f.Close()) != nil || os.Rename(f.Name(), filepath.Join(a.dir, key+".json")) != nil {
		_ = os.Remove(f.Name()) // what is left of it is pruned with the rest
	}
	a.prune()
}

// prune removes the oldest answers beyond the limit.
func (a answers) prune() {
	entries, err := os.ReadDir(a.dir)
	if err != nil || len(entries) <= maxAnswers {
		return
	}
	age := make(map[string]int64, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			age[e.Name()] = info.ModTime().UnixNano()
		}
	}
	slices.SortFunc(entries, func(x, y os.DirEntry) int { return cmp.Compare(age[x.Name()], age[y.Name()]) })
	for _, e := range entries[:len(entries)-maxAnswers] {
		_ = os.Remove(filepath.Join(a.dir, e.Name())) // another process may have been faster
	}
}
