package ghapp

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// blobID is the name that git gives to content.
func blobID(content []byte) string {
	h := sha1.New() // git's choice
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// cache keeps blobs in a folder by their id. What is in it is verified when it
// is read, so a damaged or planted file is as good as none.
type cache struct {
	dir   string
	limit int64
	now   func() time.Time
	mu    sync.Mutex // of trim
}

func openCache(dir string, limit int64, now func() time.Time) (*cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	return &cache{dir: dir, limit: limit, now: now}, nil
}

func (c *cache) path(id string) string { return filepath.Join(c.dir, id[:2], id[2:]) }

// get returns the blob and marks it as used.
func (c *cache) get(id string) ([]byte, bool) {
	data, err := os.ReadFile(c.path(id))
	if err != nil || blobID(data) != id {
		return nil, false
	}
	now := c.now()
	_ = os.Chtimes(c.path(id), now, now) // only makes it leave sooner
	return data, true
}

// listing is what a commit names: path and size of the files by blob id, and
// what is left out of them. It is kept by the commit, which never changes. Unlike a blob it cannot be verified
// when it is read, but the files that it leads to are.
type listing struct {
	Files   map[string][]item `json:"files"`
	Left    map[string]string `json:"left"`    // why, by path; earlier versions did not keep it
	Skipped int64             `json:"skipped"` // bytes of what is too large
}

func (c *cache) listing(commit string) (l listing, ok bool) {
	data, err := os.ReadFile(c.path(commit + ".json"))
	if err != nil || json.Unmarshal(data, &l) != nil || l.Left == nil {
		return listing{}, false
	}
	return l, true
}

func (c *cache) putListing(commit string, l listing) error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return c.put(commit+".json", data)
}

// put stores a blob whole or not at all. A full disk costs calls and no more.
func (c *cache) put(id string, data []byte) error {
	dir := filepath.Dir(c.path(id))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it is renamed
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	now := c.now()
	if err := os.Chtimes(f.Name(), now, now); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.path(id))
}

type cached struct {
	path string
	size int64
	used time.Time
}

// trim removes what was not used for longest until the rest is below the
// limit.
func (c *cache) trim() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []cached
	var total int64
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil // another process removed it
		}
		all = append(all, cached{path, info.Size(), info.ModTime()})
		total += info.Size()
		return nil
	})
	if err != nil {
		return fmt.Errorf("look through the cache: %w", err)
	}
	slices.SortFunc(all, func(a, b cached) int { return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.path, b.path)) })
	for _, f := range all {
		if total <= c.limit {
			break
		}
		if err := os.Remove(f.path); err == nil {
			total -= f.size
		}
	}
	return nil
}
