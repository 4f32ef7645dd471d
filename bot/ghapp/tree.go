package ghapp

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/google/go-github/v62/github"
	"golang.org/x/tools/txtar"

	"github.com/sparktune/sparktune/bot"
)

// maxListings is how many calls the listing of one tree may take, when GitHub
// cannot list it in one.
const maxListings = 500

// blobsPerQuery keeps the answer of a query small. What one query fetches is
// not worth an archive, which is two calls.
const blobsPerQuery = 50

// wasteful is how many bytes of files that are left out make an archive, which
// has them all the same, not worth its while.
const wasteful = 32 << 20

// Tree implements bot.Trees. The files are in memory, so that nothing which
// happens to the cache meanwhile can change them.
func (a *App) Tree(ctx context.Context, r bot.Repo, commit string) (fs.FS, error) {
	l := &loading{App: a, client: a.reader(r.Installation), repo: r, commit: commit, missing: map[string][]item{}, left: map[string]string{}}
	if err := l.load(ctx); err != nil {
		return nil, fmt.Errorf("load %s at %s: %w", r, commit, err)
	}
	if err := a.cache.trim(); err != nil {
		a.cfg.Log.WarnContext(ctx, "the cache grows", "error", err)
	}
	return l.tree()
}

// An item is a file that the tree of the commit names.
type item struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// loading is one tree on its way.
type loading struct {
	*App
	*client
	repo    bot.Repo
	commit  string
	files   []txtar.File
	missing map[string][]item // by blob id, not in files yet
	left    map[string]string // why a file is not in files, by its path
	skipped int64             // bytes of what is too large
	calls   int
}

func (l *loading) load(ctx context.Context) error {
	if err := l.listed(ctx); err != nil {
		return err
	}
	l.fromCache()
	if len(l.missing) > blobsPerQuery && l.skipped < wasteful {
		if err := l.fromArchive(ctx); err != nil {
			return err
		}
	}
	if err := l.fromQueries(ctx); err != nil {
		return err
	}
	return l.fromBlobs(ctx)
}

// tree is what was loaded, as a file system.
func (l *loading) tree() (fs.FS, error) {
	slices.SortFunc(l.files, func(a, b txtar.File) int { return strings.Compare(a.Name, b.Name) })
	loaded, err := txtar.FS(&txtar.Archive{Files: l.files})
	return partial{loaded, l.left}, err
}

// partial is a tree without some of its files. They are listed nowhere, but who
// asks for one is not told that it does not exist.
type partial struct {
	fs.FS
	left map[string]string
}

// Open implements fs.FS.
func (p partial) Open(name string) (fs.File, error) {
	if why := p.left[name]; why != "" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New(why)}
	}
	return p.FS.Open(name)
}

// listed notes the files of the commit, which are the same for ever.
func (l *loading) listed(ctx context.Context) error {
	if known, ok := l.cache.listing(l.commit); ok {
		l.missing, l.left, l.skipped = known.Files, known.Left, known.Skipped
		return nil
	}
	if err := l.list(ctx, l.commit, ""); err != nil {
		return err
	}
	if err := l.cache.putListing(l.commit, listing{l.missing, l.left, l.skipped}); err != nil {
		l.cfg.Log.WarnContext(ctx, "a listing is not cached", "commit", l.commit, "error", err)
	}
	return nil
}

// list notes the files of a tree. One that GitHub cannot list whole is listed
// level by level.
func (l *loading) list(ctx context.Context, tree, below string) error {
	whole, err := l.listing(ctx, tree, true)
	if err != nil {
		return err
	}
	if !whole.GetTruncated() {
		l.note(whole, below)
		return nil
	}
	level, err := l.listing(ctx, tree, false)
	if err != nil {
		return err
	}
	if level.GetTruncated() {
		return fmt.Errorf("%w: GitHub does not list folder %q whole", bot.ErrDenied, below)
	}
	l.note(level, below)
	for _, e := range level.Entries {
		if e.GetType() == "tree" {
			if err := l.list(ctx, e.GetSHA(), path.Join(below, e.GetPath())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loading) listing(ctx context.Context, tree string, recursive bool) (*github.Tree, error) {
	if l.calls++; l.calls > maxListings {
		return nil, fmt.Errorf("%w: the repository takes more than %d calls to list", bot.ErrDenied, maxListings)
	}
	got, _, err := l.rest.Git.GetTree(ctx, l.repo.Owner, l.repo.Name, tree, recursive)
	return got, l.gone(err)
}

// gone is fail for reads of a commit: one that is not there was pushed away.
func (l *loading) gone(err error) error {
	var answer *github.ErrorResponse
	if errors.As(err, &answer) && answer.Response.StatusCode == http.StatusNotFound {
		return stale(err)
	}
	return l.fail(err, false)
}

// note remembers the ordinary files that are small enough, and why the others
// are not in our trees.
func (l *loading) note(t *github.Tree, below string) {
	for _, e := range t.Entries {
		ordinary := e.GetMode() == "100644" || e.GetMode() == "100755"
		it := item{path.Join(below, e.GetPath()), int64(e.GetSize())}
		switch {
		case e.GetType() == "tree" || !fs.ValidPath(it.Path):
		case !ordinary:
			l.left[it.Path] = "it is a link or a submodule, and no file"
		case it.Size > l.cfg.MaxFile:
			l.left[it.Path] = fmt.Sprintf("it has more than %d KiB", l.cfg.MaxFile>>10)
			l.skipped += it.Size
		default:
			l.missing[e.GetSHA()] = append(l.missing[e.GetSHA()], it)
		}
	}
}

// add takes content that was verified to be the blob.
func (l *loading) add(id string, content []byte) {
	for _, it := range l.missing[id] {
		if isPointer(content) {
			l.left[it.Path] = "it is a pointer to large storage"
			continue
		}
		l.files = append(l.files, txtar.File{Name: it.Path, Data: content})
	}
	delete(l.missing, id)
}

// fetched takes content that was just loaded, when it is what its id says.
func (l *loading) fetched(ctx context.Context, id string, content []byte) {
	if blobID(content) != id {
		return
	}
	if err := l.cache.put(id, content); err != nil {
		l.cfg.Log.WarnContext(ctx, "a file is not cached", "blob", id, "error", err)
	}
	l.add(id, content)
}

func (l *loading) fromCache() {
	for id := range l.missing {
		if content, ok := l.cache.get(id); ok {
			l.add(id, content)
		}
	}
}

// fromArchive takes what the archive of the commit has unchanged. Attributes
// of the repository change files in archives and leave them out, so what is
// not exactly the blob is fetched otherwise.
func (l *loading) fromArchive(ctx context.Context) error {
	link, err := l.archiveLink(ctx)
	if err != nil {
		return err
	}
	// It has a token of its own in the URL, and gets none of ours.
	resp, err := l.fetch(ctx, &http.Client{Transport: l.cfg.Transport, Timeout: l.cfg.Timeout}, link)
	if err != nil {
		return l.fail(err, false)
	}
	defer resp.Body.Close()
	l.meter.count("archive")
	if resp.StatusCode != http.StatusOK {
		return byStatus(resp.StatusCode, fmt.Errorf("the archive: %s", resp.Status), false)
	}
	if err := l.unpack(ctx, resp.Body); err != nil {
		// Whatever is missing now is fetched file by file.
		l.cfg.Log.WarnContext(ctx, "an archive ends early", "repository", l.repo.String(), "error", safe(err))
	}
	return nil
}

// archiveLink asks where the archive is: on another host, which must not be
// sent our token.
func (l *loading) archiveLink(ctx context.Context) (string, error) {
	stay := *l.http
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := l.fetch(ctx, &stay, l.base.JoinPath("repos", l.repo.Owner, l.repo.Name, "tarball", l.commit).String())
	if err != nil {
		return "", l.fail(err, false)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		if err := github.CheckResponse(resp); err != nil {
			return "", l.gone(err)
		}
		return "", fmt.Errorf("the archive: %s", resp.Status)
	}
	place, err := resp.Location()
	if err != nil {
		return "", safe(err)
	}
	return place.String(), nil
}

func (l *loading) fetch(ctx context.Context, c *http.Client, url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "sparktune")
	return c.Do(r)
}

func (l *loading) unpack(ctx context.Context, r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	wanted := map[string]string{}
	for id, items := range l.missing {
		for _, it := range items {
			wanted[it.Path] = id
		}
	}
	archive := tar.NewReader(z)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, name, _ := strings.Cut(h.Name, "/") // below a folder of the archive's own
		id, ok := wanted[name]
		if !ok || h.Typeflag != tar.TypeReg || h.Size > l.cfg.MaxFile {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		l.fetched(ctx, id, content)
	}
}

// fromQueries fetches texts, many in a call. What is no text comes out as
// something that is not the blob.
func (l *loading) fromQueries(ctx context.Context) error {
	ids := slices.Sorted(maps.Keys(l.missing))
	for some := range slices.Chunk(ids, blobsPerQuery) {
		var fields strings.Builder
		for _, id := range some {
			fmt.Fprintf(&fields, " b%s: object(oid: %q) { ... on Blob { text } }", id, id)
		}
		text := fmt.Sprintf("query Blobs($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {%s } }", fields.String())
		var got struct {
			Repository map[string]*struct{ Text string }
		}
		err := l.query(ctx, text, map[string]any{"owner": l.repo.Owner, "name": l.repo.Name}, &got)
		if err != nil {
			return l.fail(err, false)
		}
		for _, id := range some {
			if b := got.Repository["b"+id]; b != nil {
				l.fetched(ctx, id, []byte(b.Text))
			}
		}
	}
	return nil
}

// fromBlobs fetches the rest one by one.
func (l *loading) fromBlobs(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(l.missing)) {
		blob, _, err := l.rest.Git.GetBlob(ctx, l.repo.Owner, l.repo.Name, id)
		if err != nil {
			return l.gone(err)
		}
		content, err := base64.StdEncoding.DecodeString(blob.GetContent())
		if err != nil {
			return &bot.RetryError{Err: fmt.Errorf("blob %s: %w", id, err)}
		}
		if blobID(content) != id {
			return &bot.RetryError{Err: fmt.Errorf("blob %s arrived as %s", id, blobID(content))}
		}
		l.fetched(ctx, id, content)
	}
	return nil
}
