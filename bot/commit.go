package bot

import (
	"io/fs"
	"path"
	"regexp"
	"strings"
)

var objectID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// HeadCommit is the commit that a work tree is at, "" when it has none that
// can be told. It reads git's files and never runs git: a repository's
// configuration can name programs that git would start.
func HeadCommit(tree fs.FS) string {
	head, err := fs.ReadFile(tree, ".git/HEAD")
	if err != nil {
		return ""
	}
	id := strings.TrimSpace(string(head))
	if ref, ok := strings.CutPrefix(id, "ref: "); ok {
		id = resolveRef(tree, ref)
	}
	if !objectID.MatchString(id) {
		return ""
	}
	return id
}

func resolveRef(tree fs.FS, ref string) string {
	if !fs.ValidPath(ref) {
		return ""
	}
	if b, err := fs.ReadFile(tree, path.Join(".git", ref)); err == nil {
		return strings.TrimSpace(string(b))
	}
	packed, err := fs.ReadFile(tree, ".git/packed-refs")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(packed)) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return id
		}
	}
	return ""
}
