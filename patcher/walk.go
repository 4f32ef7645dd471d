package patcher

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxFile is the size of the largest file that is read. Configuration that a
// person maintains is far below it.
const maxFile = 4 << 20

// skipDirs are folders of other people's code.
var skipDirs = map[string]bool{
	".git": true, ".hg": true, ".svn": true, "node_modules": true, "site-packages": true, "dist-packages": true,
	"venv": true, ".venv": true, ".tox": true, ".nox": true, "__pycache__": true, ".mypy_cache": true, ".idea": true,
}

// foreign reports whether a folder holds other people's code: by its name, or
// because it is an unpacked Spark distribution ("spark-3.5.1-bin-hadoop3").
func foreign(name string) bool {
	return skipDirs[name] || strings.HasPrefix(name, "spark-") && strings.Contains(name, "-bin-")
}

// walk offers every file that could hold a job to visit, in lexical order.
func walk(fsys fs.FS, visit func(*source), skip func(path, reason string)) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return fmt.Errorf("read the repository: %w", err)
		case err != nil:
			skip(name, "it cannot be read: "+reason(err))
			return nil
		case d.IsDir():
			if foreign(d.Name()) {
				return fs.SkipDir
			}
			if _, err := fs.Stat(fsys, path.Join(name, ".git")); err == nil && name != "." {
				skip(name, "it is a repository of its own, as a submodule is")
				return fs.SkipDir
			}
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			if to, err := fs.Stat(fsys, name); isCandidate(name) || err == nil && to.IsDir() && !foreign(d.Name()) {
				skip(name, "it is a symbolic link")
			}
			return nil
		case !isCandidate(name):
			return nil
		case !d.Type().IsRegular():
			skip(name, "it is not a regular file")
			return nil
		}
		text, why := read(fsys, name)
		if why != "" {
			skip(name, why)
			return nil
		}
		visit(&source{path: name, text: text})
		return nil
	})
}

// reason is an error's cause without the path, which the reader has already.
func reason(err error) string {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// isCandidate reports whether a file's name says that it may configure a job.
func isCandidate(name string) bool {
	switch path.Ext(name) {
	case ".py", ".yaml", ".yml", ".json", ".sh", ".bash", ".conf", ".hocon", ".properties", ".j2", ".jinja", ".jinja2", ".tpl", ".tmpl":
		return true
	}
	return false
}

// read returns the text of a file, or why it is not served.
func read(fsys fs.FS, name string) ([]byte, string) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, "it cannot be read: " + reason(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxFile {
		return nil, fmt.Sprintf("it is larger than %d MiB", maxFile>>20)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, "it cannot be read: " + reason(err)
	case len(text) > maxFile:
		return nil, fmt.Sprintf("it is larger than %d MiB", maxFile>>20)
	case bytes.HasPrefix(text, []byte("version https://git-lfs.github.com/spec/")):
		return nil, "it is a Git LFS pointer"
	case bytes.IndexByte(text, 0) >= 0:
		return nil, "it is binary"
	case !utf8.Valid(text):
		return nil, "it is not UTF-8"
	}
	return text, ""
}

// maxBrackets is the nesting beyond which a text is not given to a parser that
// recurses: Go cannot recover from a stack that overflows.
const maxBrackets = 1000

// tooDeep reports whether brackets nest too deep, closed or not.
func tooDeep(text string) bool {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[', '{':
			if depth++; depth > maxBrackets {
				return true
			}
		case ')', ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return false
}

// sparkWords are the texts of which a file that has to do with a job has one,
// and taskWords those of operators that may run spark-submit.
var (
	sparkWords = []string{"park", "PARK", "Emr", "EMR", "emr_", "ivy", "ataproc", "atabricks", "Glue", "CDE", "executor", "EXECUTOR"}
	taskWords  = []string{"BashOperator", "SSHOperator", "PodOperator", "DockerOperator"}
)

// concerns is the cheap test before a file is parsed, made once a file.
func (f *finder) concerns(s *source) bool {
	yes, ok := f.concerned[s]
	if !ok {
		yes = f.mentionsSpark(s.text)
		f.concerned[s] = yes
	}
	return yes
}

func (f *finder) mentionsSpark(text []byte) bool {
	return containsOne(text, sparkWords) || slices.ContainsFunc(f.house, func(op Operator) bool { return bytes.Contains(text, []byte(op.Class)) })
}

// hasJobWord is the cheap test before a statement is parsed: one that declares
// a job passes it.
func (f *finder) hasJobWord(text []byte) bool {
	return f.mentionsSpark(text) || containsOne(text, taskWords)
}

func containsOne(text []byte, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(text, []byte(w)) })
}

// baseName is the last part of a path without its extension.
func baseName(p string) string {
	b := path.Base(p)
	return strings.TrimSuffix(b, path.Ext(b))
}
