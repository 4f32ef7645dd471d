package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/patcher"
)

// write changes the files of a decision, all of them or none: each is compared
// with what was decided on, then all are written beside their targets, and
// only then put in place.
func (c *cli) write(dir string, d bot.Decision) error {
	root, err := os.OpenRoot(dir) // never follows a link out of the tree
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	defer root.Close()
	var staged []stagedFile
	defer func() {
		for _, s := range staged {
			_ = root.Remove(s.temp) // gone already when it was put in place
		}
	}()
	for _, p := range d.Patches {
		s, err := stage(root, p)
		if err != nil {
			return hintError{err, "no file was changed"}
		}
		staged = append(staged, s)
	}
	for i, s := range staged {
		if err := root.Rename(s.temp, s.path); err != nil {
			return fmt.Errorf("%d of %d files were changed: %w", i, len(staged), err)
		}
	}
	c.logf("changed %s; 'git diff' shows the change", plural(len(staged), "file"))
	return nil
}

type stagedFile struct{ path, temp string }

// errChanged says that a file is no longer what was decided on.
var errChanged = errors.New("the file changed while sparktune was deciding; run it again")

// stage writes the new content of a file beside it, with its mode.
func stage(root *os.Root, p patcher.Patch) (stagedFile, error) {
	path := filepath.FromSlash(p.Path)
	now, err := root.ReadFile(path)
	if err != nil {
		return stagedFile{}, fmt.Errorf("write: %w", err)
	}
	if !bytes.Equal(now, p.Before) {
		return stagedFile{}, fmt.Errorf("write %s: %w", p.Path, errChanged)
	}
	info, err := root.Stat(path)
	if err != nil {
		return stagedFile{}, fmt.Errorf("write: %w", err)
	}
	temp := path + ".sparktune-new"
	if err := root.WriteFile(temp, p.After, info.Mode().Perm()); err != nil {
		return stagedFile{}, fmt.Errorf("write: %w", err)
	}
	return stagedFile{path, temp}, nil
}
