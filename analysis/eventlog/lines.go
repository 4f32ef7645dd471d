package eventlog

import (
	"bufio"
	"errors"
	"io"
)

// maxLine bounds a line. Lines of 20 MB exist; a longer one is skipped and
// counted.
const maxLine = 32 << 20

// A lineReader splits a stream into lines without their ends.
type lineReader struct {
	r   *bufio.Reader
	buf []byte
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, readBuffer)}
}

// A line is one line of a stream. Text is valid until the next one is read.
type line struct {
	text []byte
	// long says that the line is over the bound; its text is cut.
	long bool
	// open says that the stream ended without a line end.
	open bool
}

// next returns the next line. The error is the stream's; io.EOF says that
// nothing is left. A last line without its end comes with a nil error, or with
// the one that cut it.
func (l *lineReader) next() (line, error) {
	chunk, err := l.r.ReadSlice('\n')
	if err == nil {
		return line{text: trimEnd(chunk)}, nil
	}
	l.buf = append(l.buf[:0], chunk...)
	var long bool
	for errors.Is(err, bufio.ErrBufferFull) {
		chunk, err = l.r.ReadSlice('\n')
		if len(l.buf)+len(chunk) > maxLine {
			long = true
			continue
		}
		l.buf = append(l.buf, chunk...)
	}
	ln := line{text: trimEnd(l.buf), long: long, open: err != nil}
	if errors.Is(err, io.EOF) && len(l.buf) > 0 {
		err = nil
	}
	return ln, err
}

func trimEnd(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	return b
}
