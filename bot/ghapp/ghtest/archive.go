package ghtest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// archiveLink answers with the place of the archive: another host in GitHub's
// case, with a token of its own in the URL while the repository is private.
func archiveLink(q *request) (int, any) {
	id := q.repo.resolve(q.params["ref"])
	if id == "" {
		panic(errNotFound)
	}
	form := "legacy.tar.gz"
	if strings.Contains(q.route.path, "zipball") {
		form = "legacy.zip"
	}
	link := fmt.Sprintf("%s/_codeload/%s/%s/%s", q.http.URL, q.repo.fullName(), form, id)
	if q.repo.private {
		link += "?token=" + archiveToken
	}
	q.header.Set("Location", link)
	return http.StatusFound, nil
}

const archiveToken = "AAAAAARCHIVETOKENAAAAAA"

func (s *Server) codeload(w http.ResponseWriter, r *http.Request) {
	data, err := s.archive(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	_, _ = w.Write(data) // a client that went away is its own affair
}

func (s *Server) archive(r *http.Request) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := Call{N: len(s.calls), Method: r.Method, Route: "/_codeload", Status: http.StatusOK, at: r.URL.Path}
	s.calls = append(s.calls, call)
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/_codeload/"), "/")
	if len(parts) != 4 {
		return nil, fmt.Errorf("no such archive")
	}
	repo, _ := s.find(parts[0], parts[1])
	if repo == nil || repo.private && r.URL.Query().Get("token") != archiveToken || r.Header.Get("Authorization") != "" {
		return nil, fmt.Errorf("no such archive")
	}
	c := repo.git.commit(parts[3])
	prefix := fmt.Sprintf("%s-%s-%s", repo.owner.login, repo.name, parts[3][:7])
	files := repo.exported(c.tree, parts[3])
	if parts[2] == "legacy.zip" {
		return zipped(prefix, files), nil
	}
	return tarred(prefix, parts[3], files, c.at), nil
}

// A file is one of an archive.
type file struct {
	path, mode string
	data       []byte
}

// exported are the files of a tree as git archive writes them: attributes of
// .gitattributes apply, so bytes may differ and files may be missing.
func (r *Repo) exported(tree, commit string) []file {
	attributes := parseAttributes(r.git, tree)
	var out []file
	for _, e := range r.git.list(tree, "") {
		a := attributes.of(e.name)
		if e.kind() != "blob" || a["export-ignore"] == "set" {
			continue
		}
		data := r.git[e.id].data
		if a["eol"] == "crlf" {
			data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		}
		if a["export-subst"] == "set" {
			data = bytes.ReplaceAll(data, []byte("$Format:%H$"), []byte(commit))
		}
		out = append(out, file{e.name, e.mode, data})
	}
	return out
}

type attribute struct {
	pattern string
	set     map[string]string
}

type attributes []attribute

// parseAttributes reads the file at the root: patterns without slashes match
// base names, "dir/**" and plain paths what they say.
func parseAttributes(git store, tree string) attributes {
	e, there := git.flat(tree)[".gitattributes"]
	if !there {
		return nil
	}
	var out attributes
	for line := range strings.Lines(string(git[e.id].data)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0][0] == '#' {
			continue
		}
		a := attribute{words[0], map[string]string{}}
		for _, w := range words[1:] {
			if k, v, ok := strings.Cut(w, "="); ok {
				a.set[k] = v
			} else {
				a.set[w] = "set"
			}
		}
		out = append(out, a)
	}
	return out
}

func (as attributes) of(name string) map[string]string {
	out := map[string]string{}
	for _, a := range as {
		subject := name
		if !strings.Contains(a.pattern, "/") {
			subject = path.Base(name)
		}
		dir, isDir := strings.CutSuffix(a.pattern, "/**")
		hit, err := path.Match(a.pattern, subject)
		if err == nil && hit || isDir && strings.HasPrefix(name, dir+"/") {
			maps.Copy(out, a.set)
		}
	}
	return out
}

func folders(files []file) []string {
	var out []string
	for _, f := range files {
		for dir := path.Dir(f.path); dir != "."; dir = path.Dir(dir) {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func tarred(prefix, commit string, files []file, at time.Time) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	must(t.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": commit}}))
	for _, dir := range append([]string{"."}, folders(files)...) {
		must(t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path.Join(prefix, dir) + "/", Mode: 0o775, ModTime: at}))
	}
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: path.Join(prefix, f.path), Mode: 0o664, ModTime: at, Size: int64(len(f.data))}
		if f.mode == modeLink {
			h.Typeflag, h.Linkname, h.Size, f.data = tar.TypeSymlink, string(f.data), 0, nil
		}
		must(t.WriteHeader(h))
		_, err := t.Write(f.data)
		must(err)
	}
	must(t.Close())
	must(z.Close())
	return b.Bytes()
}

func zipped(prefix string, files []file) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(path.Join(prefix, f.path))
		must(err)
		_, err = w.Write(f.data)
		must(err)
	}
	must(z.Close())
	return b.Bytes()
}

// must is for writers into memory, which do not fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func readAgain(raw []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(raw)) }
