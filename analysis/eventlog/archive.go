package eventlog

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

const archiveSuffix = ".zip"

// ReadArchive reads the logs in an archive, as a History Server makes one for
// download of the attempts of an application. One that can't be read does not
// lose the others: what they gave is beside the error.
func ReadArchive(archive fs.FS) ([]analysis.Run, []analysis.RunProfile, error) {
	logs, skipped, err := Find(archive, ".")
	if err != nil {
		return nil, nil, err
	}
	var lost []string
	for _, s := range skipped {
		if s.Cause == Unread {
			lost = append(lost, s.Path+": "+s.Reason)
		}
	}
	if len(logs)+len(lost) == 0 {
		return nil, nil, errors.New("no Spark event log in the archive")
	}
	var runs []analysis.Run
	var profiles []analysis.RunProfile
	for _, l := range logs {
		r, p, err := ReadProfiles(archive, l)
		if err != nil {
			lost = append(lost, err.Error())
		}
		runs, profiles = append(runs, r...), append(profiles, p...)
	}
	return runs, profiles, lostIn(lost)
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

func readZip(fsys fs.FS, p string) ([]analysis.Run, []analysis.RunProfile, error) {
	z, file, err := openZip(fsys, p)
	if err != nil {
		return nil, nil, fmt.Errorf("read event log: %w", err)
	}
	defer file.Close()
	return ReadArchive(z)
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
	return zip.NewReader(at, info.Size())
}
