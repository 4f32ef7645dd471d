package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestAnswers(t *testing.T) {
	dir := t.TempDir()
	a, b := answersOf(dir, "anthropic.claude"), answersOf(dir, "arn:aws:bedrock:eu-central-1:1:x/../y")
	if _, ok := a.Load("k"); ok {
		t.Error("an answer before one was given")
	}
	a.Save("k", []byte("first"))
	a.Save("k", []byte("second"))
	if got, ok := a.Load("k"); !ok || string(got) != "second" {
		t.Errorf("got %q, %v", got, ok)
	}
	if _, ok := b.Load("k"); ok {
		t.Error("the answer of another model")
	}
	info, err := os.Stat(filepath.Join(a.dir, "k.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// The folder does not grow for ever, and what is new stays.
func TestAnswersArePruned(t *testing.T) {
	a := answersOf(t.TempDir(), "m")
	for i := range maxAnswers + 20 {
		a.Save(fmt.Sprintf("k%d", i), []byte("x"))
	}
	entries, err := os.ReadDir(a.dir)
	if err != nil || len(entries) != maxAnswers {
		t.Errorf("%d answers, %v", len(entries), err)
	}
	if _, ok := a.Load(fmt.Sprintf("k%d", maxAnswers+19)); !ok {
		t.Error("the newest answer is gone")
	}
}

// A folder that cannot be made is no error: the model is asked again.
func TestAnswersWithoutAFolder(t *testing.T) {
	a := answersOf(filepath.Join(t.TempDir(), "file"), "m")
	if err := os.WriteFile(filepath.Dir(filepath.Dir(a.dir)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a.Save("k", []byte("x"))
	if _, ok := a.Load("k"); ok {
		t.Error("an answer from nowhere")
	}
}
