package eventlog

import (
	"bytes"
	"io"
	"slices"
	"sync"
)

// Sizes of what is read at a time and of a line.
const (
	batchSize = 512 << 10
	// maxLine bounds a line. Lines of 20 MB exist, most of them one text: of a
	// line that is longer than a batch, texts are cut to maxLineText. What is
	// longer after that is skipped and counted.
	maxLine     = 4 << 20
	maxLineText = 64 << 10
)

// A batch is some whole lines of a stream, and what they are decoded to.
type batch struct {
	text []byte
	long bool  // the only line is over the bound; its text is cut
	open bool  // the stream ended without a line end
	err  error // of the stream, after these lines; io.EOF at its end

	lines []decoded
	rest  []byte // of the text, to be decoded when the lines are applied
	tasks arena
	ready chan struct{} // receives when lines is filled
}

// pool keeps batches for the next log: most logs need just one.
var pool = sync.Pool{New: func() any {
	return &batch{text: make([]byte, 0, batchSize), ready: make(chan struct{}, 1)}
}}

// huge says whether a batch is one line that is longer than others.
func (b *batch) huge() bool { return len(b.text) > batchSize }

// shrink lets go of what a batch needed for unusual lines.
func (b *batch) shrink() {
	if cap(b.text) > 2*batchSize {
		b.text = nil
	}
	clear(b.lines[:cap(b.lines)]) // what they point to
}

// maxLines bounds how many lines are held decoded, and with them the arena: a
// task of three figures takes as much as one of thirty. It is more than most
// batches have.
const maxLines = 1 << 10

// A splitter cuts a stream into batches.
type splitter struct {
	r    io.Reader
	rest []byte // read, not yet given out
	err  error
}

// fill reads the next batch.
func (s *splitter) fill(b *batch) {
	b.long, b.open, b.err = false, false, nil
	b.text = append(b.text[:0], s.rest...)
	s.rest = s.rest[:0]
	for s.err == nil && len(b.text) < batchSize {
		b.text, s.err = readSome(s.r, b.text, batchSize)
	}
	if s.err == nil {
		if end := bytes.LastIndexByte(b.text, '\n'); end >= 0 {
			s.rest = append(s.rest, b.text[end+1:]...)
			b.text = b.text[:end+1]
		} else {
			s.fillLong(b)
		}
	}
	if s.err != nil && len(s.rest) == 0 {
		b.err = s.err
		b.open = len(b.text) > 0 && b.text[len(b.text)-1] != '\n'
	}
}

// readSome appends one read to b, up to size bytes in all.
func readSome(r io.Reader, b []byte, size int) ([]byte, error) {
	b = slices.Grow(b, size-len(b))
	n, err := r.Read(b[len(b):size])
	return b[:len(b)+n], err
}

// fillLong reads on to the end of a line that is longer than a batch.
func (s *splitter) fillLong(b *batch) {
	long := longLine{cut: decodes(b.text)}
	long.cutter.flat = !bytes.HasPrefix(b.text, []byte(eventPrefix+sqlUI)) // plans are deep
	chunk := append([]byte(nil), b.text...)
	for {
		line, rest, ended := bytes.Cut(chunk, []byte{'\n'})
		long.add(line)
		if ended {
			s.rest = append(s.rest, rest...)
			long.text = append(long.text, '\n')
		}
		if ended || s.err != nil {
			break
		}
		chunk, s.err = readSome(s.r, chunk[:0], batchSize)
	}
	b.text, b.long = long.text, long.over
}

// A longLine is what is kept of a line that comes in pieces.
type longLine struct {
	text   []byte
	cutter cutter
	cut    bool // keep all but the ends of long texts, else only the start and the last byte
	over   bool // too long even so
}

func (l *longLine) add(piece []byte) {
	switch {
	case len(piece) == 0:
	case l.cut && !l.over:
		l.text = l.cutter.append(l.text, piece)
		if l.over = len(l.text) > maxLine; l.over {
			l.text = nil
		}
	case len(l.text) == 0:
		l.text = append(l.text, piece[:min(len(piece), maxText)]...)
		fallthrough
	default:
		l.text = append(l.text[:min(len(l.text), maxText)], piece[len(piece)-1])
	}
}

// decodes says whether the event of a line is one that is decoded; of the
// others only the name and the end count.
func decodes(text []byte) bool {
	name, ok := eventName(text)
	if _, update := newEvent(name).(*sqlUpdate); update {
		return false // a plan of that length is let go
	}
	return !ok || newEvent(name) != nil
}

// A cutter shortens a line that comes in pieces: the ends of long texts go, and
// what is nested so deeply that no event needs it (the RDDs of the stages of a
// job). It cuts between characters: an escape sequence stays whole.
type cutter struct {
	flat  bool // leave out what is deeper than maxDepth
	depth int
	text  textCutter
}

// maxDepth is the depth of Task Metrics' parts and of Stage Infos' stages.
const maxDepth = 3

func (c *cutter) append(to, piece []byte) []byte {
	for _, b := range piece {
		if c.keeps(b) {
			to = append(to, b)
		}
	}
	return to
}

func (c *cutter) keeps(b byte) bool {
	inText := c.text.open
	kept := c.text.keeps(b)
	deep := c.flat && c.depth > maxDepth
	if !inText {
		switch b {
		case '{', '[':
			c.depth++
		case '}', ']':
			c.depth--
			deep = c.flat && c.depth > maxDepth
		}
	}
	return kept && !deep
}

// A textCutter follows where texts start and end.
type textCutter struct {
	open, cut, escaped bool
	hex                int // digits of a \u that are still to come
	n                  int // bytes of the current text
}

func (c *textCutter) keeps(b byte) bool {
	c.n++
	switch {
	case !c.open:
		*c = textCutter{open: b == '"'}
		return true
	case c.escaped:
		c.escaped = false
		if b == 'u' {
			c.hex = 4
		}
		return !c.cut
	case c.hex > 0:
		c.hex--
		return !c.cut
	case b == '"':
		c.open = false
		return true
	}
	c.cut = c.n > maxLineText
	c.escaped = b == '\\'
	return !c.cut
}

// An arena holds the tasks of a batch. It is reused with it.
type arena struct {
	chunks [][]scannedTask
	used   int
}

const arenaChunk = 256

func (a *arena) next() *scannedTask {
	chunk, i := a.used/arenaChunk, a.used%arenaChunk
	if chunk == len(a.chunks) {
		a.chunks = append(a.chunks, make([]scannedTask, arenaChunk))
	}
	a.used++
	t := &a.chunks[chunk][i]
	*t = scannedTask{taskEnd: taskEnd{Info: taskInfo{ID: -1}}}
	return t
}
