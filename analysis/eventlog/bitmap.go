package eventlog

import (
	"math/bits"
	"slices"
)

// A bitmap is a set of numbers that Spark counts up from 0: the partitions of a
// stage that succeeded, or ids.
type bitmap struct {
	words []uint64
	count int64
	freed bool
}

// set adds i; room is how many bytes it may still grow by, and the result how
// many it did. A number beyond that counts as not seen.
func (b *bitmap) set(i int64, room int) int {
	if b.freed || i < 0 {
		return 0
	}
	grown := 0
	if need := i/64 + 1; need > int64(len(b.words)) {
		if need > int64(room/8+len(b.words)) {
			return 0
		}
		size := min(max(int(need), 2*len(b.words)), room/8+len(b.words))
		grown = 8 * (size - len(b.words))
		b.words = slices.Grow(b.words, size-len(b.words))[:size]
	}
	if bit := uint64(1) << (i % 64); b.words[i/64]&bit == 0 {
		b.words[i/64] |= bit
		b.count++
	}
	return grown
}

// free forgets which numbers it holds, not how many.
func (b *bitmap) free() int {
	n := 8 * len(b.words)
	b.words, b.freed = nil, true
	return n
}

// Bounds of the ids that are remembered.
const (
	maxIDs        = 1 << 22 // of jobs and SQL executions: 0.5 MB a set
	maxTaskIDs    = 1 << 25 // 4 MB
	maxAttemptIDs = 1 << 24 // 2 MB
	maxAttempts   = 1 << 3  // of a stage
)

// first adds id and says whether it was not there before. An id that is none,
// or not below limit, is not remembered and always new.
func (b *bitmap) first(id, limit int64) bool {
	if id < 0 || id >= limit {
		return true
	}
	before := b.count
	b.set(id, int(limit/8)-8*len(b.words))
	return b.count > before
}

func (b *bitmap) has(i int64) bool {
	return i >= 0 && i/64 < int64(len(b.words)) && b.words[i/64]&(1<<(i%64)) != 0
}

// without is how many numbers of b are not in o.
func (b *bitmap) without(o *bitmap) int64 {
	n := 0
	for i, w := range b.words {
		if i < len(o.words) {
			w &^= o.words[i]
		}
		n += bits.OnesCount64(w)
	}
	return int64(n)
}

// attemptBit is the number of a stage attempt in a set of them; -1 where it has
// none.
func attemptBit(id, attempt int64) int64 {
	if id < 0 || id >= maxAttemptIDs/maxAttempts || attempt < 0 || attempt >= maxAttempts {
		return -1
	}
	return id*maxAttempts + attempt
}
