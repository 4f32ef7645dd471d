// Package bot orchestrates: load, decide, word, submit.
//
// Load and submit touch the world, behind interfaces that this package
// declares; deciding is a pure function of a [Snapshot], and the words that are
// put around a decision never change it.
package bot
