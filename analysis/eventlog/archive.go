package eventlog

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

const archiveSuffix = ".zip"

// ReadArchive reads the logs in an archive, as a History Server makes one for
// download of the attempts of an application, as [ReadEach] does. One that can't
// be read does not lose the others.
func ReadArchive(archive fs.FS, take Taker) error {
	logs, skipped, err := Find(archive, ".")
	if err != nil {
		return err
	}
	var lost []string
	for _, s := range skipped {
		if s.Cause == Unread {
			lost = append(lost, s.Path+": "+s.Reason)
		}
	}
	if len(logs)+len(lost) == 0 {
		return errors.New("no Spark event log in the archive")
	}
	for _, l := range logs {
		var failed error // to take it
		err := ReadEach(archive, l, func(r analysis.Run, p analysis.RunProfile) error {
			failed = take(r, p)
			return failed
		})
		if failed != nil {
			return failed
		}
		if err != nil {
			lost = append(lost, err.Error())
		}
	}
	return lostIn(lost)
}

// maxLost is how many logs of an archive that can't be read are named.
const maxLost = 10

func lostIn(reasons []string) error {
	if len(reasons) == 0 {
		return nil
	}
	more := ""
	if n := len(reasons) - maxLost; n > 0 {
		more = fmt.Sprintf("; and %d more", n)
	}
	return errors.New(strings.Join(reasons[:min(len(reasons), maxLost)], "; ") + more)
}

func readZip(fsys fs.FS, p string, take Taker) error {
	z, file, err := openZip(fsys, p)
	if err != nil {
		return fmt.Errorf("read event log: %w", err)
	}
	defer file.Close()
	return ReadArchive(z, take)
}

// holdsLog says whether there is something to read in an archive.
func holdsLog(fsys fs.FS, p string) (bool, error) {
	z, file, err := openZip(fsys, p)
	if errors.Is(err, errNested) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	logs, skipped, err := Find(z, ".")
	return len(logs) > 0 || slices.ContainsFunc(skipped, func(s Skipped) bool { return s.Cause == Unread }), err
}

var errNested = errors.New("an archive can be read only where its bytes are in reach: not in another archive")

// openZip opens an archive; the caller closes the file that it is in.
func openZip(fsys fs.FS, p string) (*zip.Reader, io.Closer, error) {
	file, err := fsys.Open(p)
	if err != nil {
		return nil, nil, err
	}
	z, err := zipIn(file)
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return z, file, nil
}

func zipIn(file fs.File) (*zip.Reader, error) {
	at, ok := file.(io.ReaderAt)
	if !ok {
		return nil, errNested
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return OpenArchive(at, info.Size())
}

// Bounds of an archive's list of files, which is held whole: a download has as
// many as its application has parts of logs.
const (
	maxZipList  = 2 << 20 // bytes
	maxZipNames = 1 << 14 // files, and folders in their names
)

var errZipList = errors.New("more files than a download of event logs has: unpack the archive and name the folder")

// OpenArchive reads the list of files of an archive that is so many bytes long.
func OpenArchive(r io.ReaderAt, size int64) (*zip.Reader, error) {
	list := &boundedReader{ReaderAt: r, left: maxZipList}
	z, err := zip.NewReader(list, size)
	if err != nil {
		return nil, err
	}
	names := 0
	for _, entry := range z.File {
		names += 1 + strings.Count(entry.Name, "/")
	}
	if names > maxZipNames {
		return nil, errZipList
	}
	list.left = math.MaxInt // the list is read
	return z, nil
}

// A boundedReader fails when more than so many bytes are read in all.
type boundedReader struct {
	io.ReaderAt
	left int
}

func (r *boundedReader) ReadAt(p []byte, off int64) (int, error) {
	if r.left -= len(p); r.left < 0 {
		return 0, errZipList
	}
	return r.ReaderAt.ReadAt(p, off)
}
