package eventlog

import (
	"bytes"
	"cmp"
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
}

// A Skipped names a file or folder that [Find] left out, and why.
type Skipped struct {
	Path   string
	Reason string
}

// Find lists the event logs at root: a file, the folder of a rolling log, or a
// folder that is searched with everything below it. Logs are sorted by path.
// A file that was found by searching is looked into: one that does not start
// with an event is skipped. A file named by root is taken as it is.
//
// A zip.Reader is a file system too: a History Server's download of an
// application's logs can be read without unpacking it.
func Find(fsys fs.FS, root string) ([]Log, []Skipped, error) {
	return FindKnowing(fsys, root, func(string) bool { return false })
}

// FindKnowing is Find for who knows some files: where known says so of a path,
// the file is a log, and is not looked into.
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
	return Log{Name: path.Base(p), Path: p, Parts: []string{p}, Compacted: strings.HasSuffix(p, compactSuffix)}
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
		f.skip(p, err.Error())
		if d != nil && d.IsDir() {
			return fs.SkipDir
		}
	case d.IsDir():
		return f.visitDir(p)
	case strings.HasPrefix(path.Base(p), "."):
		// Checksums of Hadoop's local file system (.name.crc) and the like.
	default:
		f.visitFile(p)
	}
	return nil
}

func (f *finder) visitDir(p string) error {
	log, ok, err := folder(f.fsys, p)
	switch {
	case err != nil:
		f.skip(p, err.Error())
		return fs.SkipDir
	case ok:
		if len(log.Parts) == 0 {
			f.skip(p, "rolling event log without an events file")
		} else {
			f.logs = append(f.logs, log)
		}
		return fs.SkipDir
	}
	return nil
}

func (f *finder) visitFile(p string) {
	if f.known(p) {
		f.logs = append(f.logs, single(p))
		return
	}
	switch ok, err := startsWithEvent(f.fsys, p); {
	case err != nil:
		f.skip(p, err.Error())
	case !ok:
		f.skip(p, "not a Spark event log")
	default:
		f.logs = append(f.logs, single(p))
	}
}

func (f *finder) skip(p, reason string) {
	f.skipped = append(f.skipped, Skipped{p, reason})
}

// startsWithEvent looks at the first bytes of a file.
func startsWithEvent(fsys fs.FS, p string) (bool, error) {
	file, err := fsys.Open(p)
	if err != nil {
		return false, err
	}
	defer file.Close()
	r, err := decompress(file)
	if err != nil {
		return false, nil
	}
	defer r.Close()
	head := make([]byte, len(eventPrefix))
	n, _ := io.ReadFull(r, head)
	return bytes.Equal(head[:n], []byte(eventPrefix)), nil
}

// folder is the Log whose files are in the folder p; false when p is a plain
// folder. Spark's own folder name decides, and Databricks' file names.
func folder(fsys fs.FS, p string) (Log, bool, error) {
	entries, err := fs.ReadDir(fsys, p)
	if err != nil {
		return Log{}, false, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	log := Log{Name: path.Base(p), Path: p}
	if strings.HasPrefix(log.Name, "eventlog_v2_") {
		log.addRolling(names)
		return log, true, nil
	}
	return log, log.addDatabricks(names), nil
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
	if slices.Contains(names, "eventlog") {
		parts = append(parts, "eventlog")
	}
	for _, name := range parts {
		l.Parts = append(l.Parts, path.Join(l.Path, name))
	}
	return len(parts) > 0
}
