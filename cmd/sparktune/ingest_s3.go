package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	pathpkg "path"
	"slices"
	"strings"
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
	if err := b.list(strings.TrimSuffix(prefix, "/")); err != nil {
		return nil, fmt.Errorf("find event logs in %s: %w", place, err)
	}
	root := cmp.Or(strings.Trim(prefix, "/"), ".")
	if _, err := b.Stat(root); err != nil {
		return nil, hintError{fmt.Errorf("find event logs: nothing is at %s", place), "name a folder or an object as 's3://BUCKET/PREFIX'"}
	}
	return c.findIn(logTree{fsys: b, place: place, name: func(p string) string { return "s3://" + bucket + "/" + p }}, root, known)
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
			key := aws.ToString(o.Key)
			if fs.ValidPath(key) { // a name that ends in a slash is a folder's marker
				b.add(key, object{name: pathpkg.Base(key), size: aws.ToInt64(o.Size), etag: aws.ToString(o.ETag), written: aws.ToTime(o.LastModified)})
			}
		}
	}
	for _, entries := range b.folders {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return nil
}

func (b *bucketFS) add(path string, o object) {
	dir := pathpkg.Dir(path)
	if _, known := b.folders[dir]; !known {
		b.folders[dir] = nil
		b.add(dir, object{name: pathpkg.Base(dir), folder: true})
	}
	b.folders[dir] = append(b.folders[dir], o)
}

// Stat is what was listed of a path.
func (b *bucketFS) Stat(path string) (fs.FileInfo, error) {
	if _, ok := b.folders[path]; ok {
		return object{name: pathpkg.Base(path), folder: true}, nil
	}
	for _, e := range b.folders[pathpkg.Dir(path)] {
		if e.Name() == pathpkg.Base(path) {
			return e.Info()
		}
	}
	return nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
}

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
	info, err := b.Stat(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(b.ctx)
	o := info.(object)
	return &s3File{object: o, cancel: cancel, ranges: rangesOf(o.size), fetch: func(r byteRange) ([]byte, error) {
		return b.get(ctx, path, o.etag, r)
	}}, nil
}

func (b *bucketFS) get(ctx context.Context, path, etag string, r byteRange) ([]byte, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.bucket, Key: &path, IfMatch: &etag, Range: aws.String(fmt.Sprintf("bytes=%d-%d", r.from, r.to-1)),
	})
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: "s3://" + b.bucket + "/" + path, Err: err}
	}
	defer out.Body.Close()
	buf := make([]byte, r.to-r.from)
	if _, err := io.ReadFull(out.Body, buf); err != nil {
		return nil, &fs.PathError{Op: "read", Path: "s3://" + b.bucket + "/" + path, Err: err}
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
		f.ask()
		if len(f.flying) == 0 {
			return 0, io.EOF
		}
		next := <-f.flying[0]
		if next.err != nil {
			return 0, next.err
		}
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
