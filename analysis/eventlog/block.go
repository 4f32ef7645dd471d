package eventlog

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
	"github.com/pierrec/lz4/v4"
)

// Spark's lz4, snappy and lzf streams are the formats of three Java libraries,
// not the frames of the same names: blocks with a small header, one after the
// other, to the end of the file. A driver that is killed leaves the last block
// out; one that is cut in the middle is an unexpected end.

// maxBlock bounds both sides of a block. Spark's blocks are 32 KiB and
// configurable up to 32 MiB (lz4) in theory, 64 KiB (lzf) by format.
const maxBlock = 32 << 20

// blockReader reads decoded blocks as a stream. next returns a block that is
// valid until its next call; an empty one is skipped.
type blockReader struct {
	next  func() ([]byte, error)
	block []byte
	err   error
}

func (r *blockReader) Read(p []byte) (int, error) {
	for len(r.block) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.block, r.err = r.next()
	}
	n := copy(p, r.block)
	r.block = r.block[n:]
	return n, nil
}

var errBlock = errors.New("corrupt block header")

// blockBuffers are grown once and reused for every block.
type blockBuffers struct{ in, out []byte }

// read reads n bytes of a block. An end inside it is unexpected.
func (b *blockBuffers) read(r io.Reader, n int) ([]byte, error) {
	if n < 0 || n > maxBlock {
		return nil, errBlock
	}
	b.in = grow(b.in, n)
	if _, err := io.ReadFull(r, b.in); err != nil {
		return nil, unexpected(err)
	}
	return b.in, nil
}

func (b *blockBuffers) room(n int) ([]byte, error) {
	if n < 0 || n > maxBlock {
		return nil, errBlock
	}
	b.out = grow(b.out, n)
	return b.out, nil
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// lz4Blocks reads net.jpountz's LZ4BlockOutputStream: magic(8), token, length
// on disk, length of the data, checksum of what it decodes to (all little
// endian), data. The end mark has two zero lengths; another stream may follow it.
func lz4Blocks(r *bufio.Reader) func() ([]byte, error) {
	var head [21]byte
	var buf blockBuffers
	return func() ([]byte, error) {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(head[:], lz4Magic) {
			return nil, errBlock
		}
		onDisk := int(int32(binary.LittleEndian.Uint32(head[9:])))
		size := int(int32(binary.LittleEndian.Uint32(head[13:])))
		data, err := buf.read(r, onDisk)
		if err != nil {
			return nil, err
		}
		out, err := buf.room(size)
		if err != nil || size == 0 && onDisk == 0 {
			return nil, err
		}
		if err := lz4Decode(data, out, head[8]); err != nil {
			return nil, err
		}
		if sum := xxh32(out, lz4Seed) & lz4SumBits; sum != binary.LittleEndian.Uint32(head[17:]) {
			return nil, errSum
		}
		return out, nil
	}
}

// The checksum of a block is xxHash32 with this seed, less four bits.
const (
	lz4Seed    = 0x9747b28c
	lz4SumBits = 1<<28 - 1
)

var errSum = errors.New("corrupt lz4 block: wrong checksum")

// lz4Decode fills out from a block's data, which the token says how to read.
func lz4Decode(data, out []byte, token byte) error {
	if token&0xf0 == 0x10 { // stored
		if copy(out, data) != len(out) || len(data) != len(out) {
			return errBlock
		}
		return nil
	}
	n, err := lz4.UncompressBlock(data, out)
	if err != nil || n != len(out) {
		return fmt.Errorf("corrupt lz4 block: %d of %d bytes: %w", n, len(out), cmpErr(err))
	}
	return nil
}

func cmpErr(err error) error {
	if err != nil {
		return err
	}
	return errBlock
}

// snappyBlocks reads xerial's SnappyOutputStream: a header of 16 bytes, which
// may recur, then length (big endian) and raw snappy data.
func snappyBlocks(r *bufio.Reader) func() ([]byte, error) {
	var buf blockBuffers
	return func() ([]byte, error) {
		if head, _ := r.Peek(len(snappyMagic)); bytes.Equal(head, snappyMagic) {
			_, err := r.Discard(16)
			return nil, unexpectedOrNil(err)
		}
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return nil, err
		}
		data, err := buf.read(r, int(int32(binary.BigEndian.Uint32(length[:]))))
		if err != nil {
			return nil, err
		}
		size, err := snappy.DecodedLen(data)
		if err != nil {
			return nil, err
		}
		out, err := buf.room(size)
		if err != nil {
			return nil, err
		}
		return snappy.Decode(out, data)
	}
}

func unexpectedOrNil(err error) error {
	if err == nil {
		return nil
	}
	return unexpected(err)
}

// lzfBlocks reads ning's LZF chunks: "ZV", type, length on disk, for a
// compressed chunk the length of the data (both big endian), data.
func lzfBlocks(r *bufio.Reader) func() ([]byte, error) {
	var buf blockBuffers
	return func() ([]byte, error) {
		var head [5]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(head[:], lzfMagic) || head[2] > 1 {
			return nil, errBlock
		}
		onDisk := int(binary.BigEndian.Uint16(head[3:]))
		if head[2] == 0 {
			return buf.read(r, onDisk) // stored
		}
		var length [2]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return nil, unexpected(err)
		}
		data, err := buf.read(r, onDisk)
		if err != nil {
			return nil, err
		}
		out, err := buf.room(int(binary.BigEndian.Uint16(length[:])))
		if err != nil {
			return nil, err
		}
		return out, lzfDecode(data, out)
	}
}

var errLZF = errors.New("corrupt lzf block")

// lzfDecode fills out from the LZF data in. A control byte below 32 announces
// that many literals plus one, any other a copy of earlier output.
func lzfDecode(in, out []byte) error {
	i, o := 0, 0
	for i < len(in) {
		control := int(in[i])
		i++
		if control < 32 {
			n := control + 1
			if i+n > len(in) || o+n > len(out) {
				return errLZF
			}
			copy(out[o:], in[i:i+n])
			i, o = i+n, o+n
			continue
		}
		n := control >> 5
		if n == 7 {
			if i >= len(in) {
				return errLZF
			}
			n += int(in[i])
			i++
		}
		n += 2
		if i >= len(in) {
			return errLZF
		}
		from := o - (control&31)<<8 - int(in[i]) - 1
		i++
		if from < 0 || o+n > len(out) {
			return errLZF
		}
		for k := range n { // source and target may overlap
			out[o+k] = out[from+k]
		}
		o += n
	}
	if o != len(out) {
		return errLZF
	}
	return nil
}
