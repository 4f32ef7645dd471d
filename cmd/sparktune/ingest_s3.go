package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	pathpkg "path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// findS3 lists the logs below s3://BUCKET/PREFIX. Region, keys and endpoint come
// from where every AWS tool takes them.
func (c *cli) findS3(ctx context.Context, place string, known func(name string) bool) ([]placedLog, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(place, "s3://"), "/")
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("find event logs in %s: %w", place, err)
	}
	b := &bucketFS{
		ctx: ctx, bucket: bucket, folders: map[string][]fs.DirEntry{".": nil},
		// A stand-in for S3 has no host name per bucket.
		client: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil }),
	}
	if err := b.list(prefix); err != nil {
		return nil, fmt.Errorf("find event logs in %s: %w", place, err)
	}
	root := "."
	if prefix != "" {
		root = pathOf(strings.TrimSuffix(prefix, "/"))
	}
	info, err := b.Stat(root)
	if err != nil {
		return nil, hintError{fmt.Errorf("find event logs: nothing is at %s", place), "name a folder or an object as 's3://BUCKET/PREFIX'"}
	}
	if _, both := b.folders[root]; both && !info.IsDir() {
		return nil, hintError{fmt.Errorf("find event logs: %s is an object and a folder", place), "name the folder with a slash at its end, or the folder that both are in"}
	}
	return c.findIn(logTree{fsys: b, place: place, name: b.address}, root, known)
}

// A key is any text; a path has no element that is empty, a dot or two. Such an
// element has this prefix before it in a path, and so has one that begins with it.
const oddPrefix = "∅"

// pathOf is the path of the object with a key.
func pathOf(key string) string {
	elements := strings.Split(key, "/")
	for i, e := range elements {
		if e == "" || e == "." || e == ".." || strings.HasPrefix(e, oddPrefix) {
			elements[i] = oddPrefix + e
		}
	}
	return strings.Join(elements, "/")
}

// keyOf undoes pathOf.
func keyOf(path string) string {
	if path == "." {
		return ""
	}
	elements := strings.Split(path, "/")
	for i, e := range elements {
		elements[i] = strings.TrimPrefix(e, oddPrefix)
	}
	return strings.Join(elements, "/")
}

// A bucketFS is what was below a prefix of a bucket when it was listed.
type bucketFS struct {
	ctx     context.Context // a file system's methods take none
	client  *s3.Client
	bucket  string
	folders map[string][]fs.DirEntry // by path
}

// list adds the objects below a prefix and the folders that they are in.
func (b *bucketFS) list(prefix string) error {
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.ctx)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			key, size := aws.ToString(o.Key), aws.ToInt64(o.Size)
			if size == 0 && strings.HasSuffix(key, "/") {
				continue // a folder's marker
			}
			path := pathOf(key)
			b.add(path, object{name: pathpkg.Base(path), size: size, etag: aws.ToString(o.ETag), written: aws.ToTime(o.LastModified)})
		}
	}
	for _, entries := range b.folders {
		slices.SortFunc(entries, byName)
	}
	return nil
}

// byName orders a folder. Of an object and a folder of one name the object is
// the first.
func byName(a, b fs.DirEntry) int {
	switch {
	case a.Name() != b.Name() || a.IsDir() == b.IsDir():
		return strings.Compare(a.Name(), b.Name())
	case a.IsDir():
		return 1
	}
	return -1
}

func (b *bucketFS) add(path string, o object) {
	dir := pathpkg.Dir(path)
	if _, known := b.folders[dir]; !known {
		b.folders[dir] = nil
		b.add(dir, object{name: pathpkg.Base(dir), folder: true})
	}
	b.folders[dir] = append(b.folders[dir], o)
}

// Stat is what was listed of a path. Of an object and a folder of one name it
// is the object, unless that is empty: some tools mark a folder so.
func (b *bucketFS) Stat(path string) (fs.FileInfo, error) {
	o, err := b.object(path)
	if _, ok := b.folders[path]; ok && o.size == 0 {
		return object{name: pathpkg.Base(path), folder: true}, nil
	}
	return o, err
}

// object is the object at a path.
func (b *bucketFS) object(path string) (object, error) {
	entries, base := b.folders[pathpkg.Dir(path)], pathpkg.Base(path)
	i, found := slices.BinarySearchFunc(entries, base, func(e fs.DirEntry, name string) int { return strings.Compare(e.Name(), name) })
	if !found || entries[i].IsDir() {
		return object{}, &fs.PathError{Op: "stat", Path: b.address(path), Err: fs.ErrNotExist}
	}
	return entries[i].(object), nil
}

// address is what a person calls a path.
func (b *bucketFS) address(path string) string { return "s3://" + b.bucket + "/" + keyOf(path) }

// ReadDir lists a folder.
func (b *bucketFS) ReadDir(path string) ([]fs.DirEntry, error) {
	entries, ok := b.folders[path]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: path, Err: fs.ErrNotExist}
	}
	return entries, nil
}

// Open opens an object. It is read as it was listed: when it changes meanwhile,
// reading fails.
func (b *bucketFS) Open(path string) (fs.File, error) {
	o, err := b.object(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	return &s3File{object: o, cancel: cancel, ranges: rangesOf(o.size), fetch: func(r byteRange) ([]byte, error) {
		return b.get(ctx, path, o.etag, r)
	}}, nil
}

func (b *bucketFS) get(ctx context.Context, path, etag string, r byteRange) ([]byte, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.bucket, Key: aws.String(keyOf(path)), IfMatch: &etag, Range: aws.String(fmt.Sprintf("bytes=%d-%d", r.from, r.to-1)),
	})
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: b.address(path), Err: err}
	}
	defer out.Body.Close()
	buf := make([]byte, r.to-r.from)
	if n, err := io.ReadFull(out.Body, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // the end of an answer is not that of the object
		}
		return nil, &fs.PathError{Op: "read", Path: b.address(path), Err: fmt.Errorf("%d of %d bytes: %w", n, len(buf), err)}
	}
	return buf, nil
}

// An object is an entry of a bucket: an object or a folder.
type object struct {
	name    string
	size    int64
	etag    string
	written time.Time
	folder  bool
}

func (o object) Name() string               { return o.name }
func (o object) Size() int64                { return o.size }
func (o object) ModTime() time.Time         { return o.written }
func (o object) IsDir() bool                { return o.folder }
func (o object) Sys() any                   { return nil }
func (o object) Info() (fs.FileInfo, error) { return o, nil }
func (o object) Type() fs.FileMode          { return o.Mode().Type() }

// Mode is a folder's or a file's.
func (o object) Mode() fs.FileMode {
	if o.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// A byteRange is [from, to) of an object.
type byteRange struct{ from, to int64 }

// The first range of an object is small: most are looked into for their first
// line only. A log keeps ahead ranges in flight, 16 MiB.
const (
	firstRange = 64 << 10
	nextRange  = 4 << 20
	ahead      = 4
)

func rangesOf(size int64) []byteRange {
	var out []byteRange
	for from, n := int64(0), int64(firstRange); from < size; n = nextRange {
		to := min(from+n, size)
		out = append(out, byteRange{from, to})
		from = to
	}
	return out
}

// An s3File reads an object's ranges in parallel and gives them in order.
type s3File struct {
	object
	cancel context.CancelFunc
	fetch  func(byteRange) ([]byte, error)
	ranges []byteRange    // not asked for yet
	flying []chan fetched // asked for, in order
	now    bytes.Reader   // what arrived
	begun  bool           // the first range was read
	failed error          // nothing more arrives

	window window
}

type fetched struct {
	bytes []byte
	err   error
}

// Stat is what was listed of the object.
func (f *s3File) Stat() (fs.FileInfo, error) { return f.object, nil }

// Close ends what is in flight.
func (f *s3File) Close() error {
	f.cancel()
	return nil
}

// Read gives the next bytes. The second range is asked for when the first is
// used up, and from then on several at a time.
func (f *s3File) Read(p []byte) (int, error) {
	for f.now.Len() == 0 {
		if f.failed != nil {
			return 0, f.failed
		}
		f.ask()
		if len(f.flying) == 0 {
			return 0, io.EOF
		}
		next := <-f.flying[0]
		f.failed = next.err
		f.flying = f.flying[1:]
		f.now.Reset(next.bytes)
	}
	return f.now.Read(p)
}

func (f *s3File) ask() {
	want := 1
	if f.begun {
		want = ahead
	}
	f.begun = true
	for len(f.flying) < want && len(f.ranges) > 0 {
		r, ch := f.ranges[0], make(chan fetched, 1)
		f.ranges = f.ranges[1:]
		f.flying = append(f.flying, ch)
		go func() {
			b, err := f.fetch(r)
			ch <- fetched{b, err}
		}()
	}
}

// A window is the part of an object that was last read out of order: an archive
// is read from its end, and then one file in it after the other.
type window struct {
	sync.Mutex
	from  int64
	bytes []byte
}

const windowSize = 1 << 20

// ReadAt gives bytes from anywhere in the object.
func (f *s3File) ReadAt(p []byte, at int64) (int, error) {
	w := &f.window
	w.Lock()
	defer w.Unlock()
	n := 0
	for n < len(p) {
		if at >= f.size {
			return n, io.EOF
		}
		if at < w.from || at >= w.from+int64(len(w.bytes)) {
			from := at / windowSize * windowSize
			b, err := f.fetch(byteRange{from, min(from+windowSize, f.size)})
			if err != nil {
				return n, err
			}
			w.from, w.bytes = from, b
		}
		k := copy(p[n:], w.bytes[at-w.from:])
		n, at = n+k, at+int64(k)
	}
	return n, nil
}
