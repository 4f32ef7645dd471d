package eventlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Magic bytes. They are trusted over a file's name, which people change.
var (
	zstdMagic   = []byte{0x28, 0xb5, 0x2f, 0xfd}
	lz4Magic    = []byte("LZ4Block")
	snappyMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}
	lzfMagic    = []byte("ZV")
	gzipMagic   = []byte{0x1f, 0x8b}
)

// readBuffer is how much is read at a time.
const readBuffer = 256 << 10

// zstdWindow bounds what a frame may make the decoder allocate. Spark writes
// level 1, whose window is 512 KiB; level 19 of the zstd tool needs 8 MiB, and
// what is above (--ultra, --long) would take more memory than reading a log may.
const zstdWindow = 8 << 20

// readers keeps read buffers for the next log.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

// A decompressed stream gives its read buffer back when it is closed.
type decompressed struct {
	io.ReadCloser
	b *bufio.Reader
}

func (d *decompressed) Close() error {
	err := d.ReadCloser.Close()
	if d.b != nil {
		d.b.Reset(nil)
		readers.Put(d.b)
		d.b = nil
	}
	return err
}

// decompress finds the codec by the first bytes of r and reads through it. An
// unknown start is plain text.
func decompress(r io.Reader) (io.ReadCloser, error) {
	b := readers.Get().(*bufio.Reader)
	b.Reset(r)
	d, err := decoderOf(b)
	if err != nil {
		return nil, err
	}
	return &decompressed{d, b}, nil
}

func decoderOf(b *bufio.Reader) (io.ReadCloser, error) {
	head, err := b.Peek(len(lz4Magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, zstdMagic):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case bytes.HasPrefix(head, gzipMagic):
		return gzip.NewReader(b)
	case bytes.HasPrefix(head, lz4Magic):
		return io.NopCloser(&blockReader{next: lz4Blocks(b)}), nil
	case bytes.HasPrefix(head, snappyMagic):
		return io.NopCloser(&blockReader{next: snappyBlocks(b)}), nil
	case bytes.HasPrefix(head, lzfMagic) && len(head) > len(lzfMagic) && head[len(lzfMagic)] <= 1: // the type of a chunk
		return io.NopCloser(&blockReader{next: lzfBlocks(b)}), nil
	}
	return io.NopCloser(b), nil
}

// explained says of an error that means nothing to who did not write the
// decoder what it means.
func explained(err error) error {
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return fmt.Errorf("%w: it was compressed with more than level 19 (--ultra, --long), which takes more than %d MiB to read: compress it again", err, zstdWindow>>20)
	}
	return err
}
