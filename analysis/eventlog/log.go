package eventlog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Log is one event log: the files of one application attempt (or of one
// Databricks cluster), in the order in which they were written.
type Log struct {
	Name  string   // base name of the file or folder
	Path  string   // of the file or folder, in the file system it was found in
	Parts []string // paths of the files
	// Compacted says that the History Server has dropped events of the oldest
	// part.
	Compacted bool
	// Gap says that parts are missing between those that are there, or before
	// them.
	Gap bool
	// Archive says that the file is a zip, which holds logs.
	Archive bool
}

// A Skipped names a file or folder that [Find] left out, and why.
type Skipped struct {
	Path   string
	Reason string
	Cause  Cause
}

// A Cause says what is known of what was left out.
type Cause int

// Causes.
const (
	NotLog Cause = iota // it is no event log
	Linked              // it is a link to a folder, which was not searched
	Unread              // it could not be looked into: it may be an event log
)

// Find lists the event logs at root: a file, the folder of a rolling log, or a
// folder that is searched with everything below it. Logs are sorted by path.
// A file that was found by searching is looked into: one that does not start
// with an event is skipped. A file named by root is taken as it is.
//
// A zip.Reader is a file system too: a History Server's download of an
// application's logs can be read without unpacking it. A file that is called
// .zip is such a download, where the file system's files are [io.ReaderAt].
//
// A link to a file or to the folder of a log is followed; one to another folder
// is not, since it may lead anywhere.
func Find(fsys fs.FS, root string) ([]Log, []Skipped, error) {
	return FindKnowing(fsys, root, func(string) bool { return false })
}

// FindKnowing is Find for who knows some logs: where known says so of a path,
// it is that of a log, and is not looked into.
func FindKnowing(fsys fs.FS, root string, known func(path string) bool) ([]Log, []Skipped, error) {
	info, err := fs.Stat(fsys, root)
	if err != nil {
		return nil, nil, fmt.Errorf("find event logs: %w", err)
	}
	if !info.IsDir() {
		return []Log{single(root)}, nil, nil
	}
	f := finder{fsys: fsys, known: known}
	if err := fs.WalkDir(fsys, root, f.visit); err != nil {
		return nil, nil, fmt.Errorf("find event logs: %w", err)
	}
	slices.SortFunc(f.logs, func(a, b Log) int { return cmp.Compare(a.Path, b.Path) })
	return f.logs, f.skipped, nil
}

func single(p string) Log {
	return Log{
		Name: path.Base(p), Path: p, Parts: []string{p},
		Compacted: strings.HasSuffix(p, compactSuffix), Archive: strings.HasSuffix(p, archiveSuffix),
	}
}

type finder struct {
	fsys    fs.FS
	known   func(path string) bool
	logs    []Log
	skipped []Skipped
}

func (f *finder) visit(p string, d fs.DirEntry, err error) error {
	switch {
	case err != nil:
		f.skip(p, Unread, err.Error())
		if d != nil && d.IsDir() {
			return fs.SkipDir
		}
	case d.IsDir():
		return f.visitDir(p)
	case strings.HasPrefix(path.Base(p), "."):
		// Checksums of Hadoop's local file system (.name.crc) and the like.
	default:
		f.visitFile(p, d)
	}
	return nil
}

// visitDir takes the log whose files are in a folder. Spark's own folder name
// decides, and Databricks' file names, beside which there may be other logs.
func (f *finder) visitDir(p string) error {
	names, err := f.files(p)
	if err != nil {
		f.skip(p, Unread, err.Error())
		return fs.SkipDir
	}
	log := Log{Name: path.Base(p), Path: p}
	if strings.HasPrefix(log.Name, "eventlog_v2_") {
		if log.addRolling(names); len(log.Parts) == 0 {
			f.skip(p, NotLog, "rolling event log without an events file")
		} else {
			f.logs = append(f.logs, log)
		}
		return fs.SkipDir
	}
	if log.addDatabricks(names) {
		f.look(log)
	}
	return nil
}

// files lists the files in a folder, and those that links name. Of a link that
// leads nowhere whoever opens it tells.
func (f *finder) files(p string) ([]string, error) {
	entries, err := fs.ReadDir(f.fsys, p)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if mode, err := f.mode(path.Join(p, e.Name()), e); err != nil || mode.IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// mode is the type of an entry, or of what it is a link to.
func (f *finder) mode(p string, d fs.DirEntry) (fs.FileMode, error) {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type(), nil
	}
	info, err := fs.Stat(f.fsys, p)
	if err != nil {
		return 0, err
	}
	return info.Mode().Type(), nil
}

func (f *finder) visitFile(p string, d fs.DirEntry) {
	switch mode, err := f.mode(p, d); {
	case err != nil:
		f.skip(p, Unread, err.Error())
	case mode.IsDir():
		if f.visitDir(p) == nil {
			f.skip(p, Linked, "link to a folder: what is below it is not searched unless it is named")
		}
	case !mode.IsRegular():
		f.skip(p, NotLog, "neither a file nor a folder") // to open a pipe is to wait for who writes to it
	case !isDatabricks(path.Base(p)): // else the folder's log has it
		f.look(single(p))
	}
}

// look takes a log if it is one. The names of several files say so.
func (f *finder) look(l Log) {
	if len(l.Parts) > 1 || f.known(l.Path) {
		f.logs = append(f.logs, l)
		return
	}
	isLog := startsWithEvent
	if l.Archive {
		isLog = holdsLog
	}
	switch ok, err := isLog(f.fsys, l.Parts[0]); {
	case err != nil:
		f.skip(l.Parts[0], Unread, err.Error())
	case !ok:
		f.skip(l.Parts[0], NotLog, "not a Spark event log")
	default:
		f.logs = append(f.logs, l)
	}
}

func (f *finder) skip(p string, cause Cause, reason string) {
	f.skipped = append(f.skipped, Skipped{p, reason, cause})
}

// startsWithEvent looks at the first bytes of a file. An empty one is not read:
// the kernel's own files say that they are, and reading one may wait for long.
func startsWithEvent(fsys fs.FS, p string) (bool, error) {
	file, err := fsys.Open(p)
	if err != nil {
		return false, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() == 0 {
		return false, err
	}
	r, err := decompress(file)
	if err != nil {
		return false, unlessShort(err)
	}
	defer r.Close()
	head := make([]byte, len(eventPrefix))
	n, err := io.ReadFull(r, head)
	if n < len(head) {
		return false, unlessShort(err)
	}
	return bytes.Equal(head, []byte(eventPrefix)), nil
}

// unlessShort is err, or nil when it says only that there are no more bytes: of
// a log nothing may be written yet. Where the bytes can't be had, their file
// system says so.
func unlessShort(err error) error {
	if errors.As(err, new(*fs.PathError)) || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return explained(err)
	}
	return nil
}

const compactSuffix = ".compact"

// rollingPart is events_<number>_<application>[_<attempt>][.<codec>][.compact].
var rollingPart = regexp.MustCompile(`^events_(\d{1,9})_`)

// addRolling orders the parts of a rolling log by number. A compacted part
// stands for all up to its number, which may linger beside it.
func (l *Log) addRolling(names []string) {
	parts := make(map[int]string)
	first := 0
	for _, name := range names {
		m := rollingPart.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1]) // at most nine digits
		compact := strings.HasSuffix(name, compactSuffix)
		if _, taken := parts[n]; !taken || compact {
			parts[n] = name
		}
		if compact {
			first = max(first, n)
			l.Compacted = true
		}
	}
	l.addParts(parts, first)
}

func (l *Log) addParts(parts map[int]string, first int) {
	numbers := make([]int, 0, len(parts))
	for n := range parts {
		if n >= first {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	next := max(first, 1)
	for _, n := range numbers {
		l.Gap = l.Gap || n != next
		next = n + 1
		l.Parts = append(l.Parts, path.Join(l.Path, parts[n]))
	}
}

// databricksPart is a closed part: the hour in its name orders it.
var databricksPart = regexp.MustCompile(`^eventlog-\d{4}-\d{2}-\d{2}--\d{2}-\d{2}(\.gz)?$`)

// databricksOpen is the part that is written to.
const databricksOpen = "eventlog"

func isDatabricks(name string) bool {
	return name == databricksOpen || databricksPart.MatchString(name)
}

// addDatabricks orders the parts of a cluster's log: by hour, the open one
// last.
func (l *Log) addDatabricks(names []string) bool {
	var parts []string
	for _, name := range names {
		if databricksPart.MatchString(name) {
			parts = append(parts, name)
		}
	}
	slices.Sort(parts)
	if slices.Contains(names, databricksOpen) {
		parts = append(parts, databricksOpen)
	}
	for _, name := range parts {
		l.Parts = append(l.Parts, path.Join(l.Path, name))
	}
	return len(parts) > 0
}
