package eventlog

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// codeLists are the properties that list what spark-submit ships beside the
// application: --jars, --packages and --py-files.
var codeLists = []string{"spark.jars", "spark.jars.packages", "spark.submit.pyFiles", "spark.yarn.dist.jars", "spark.yarn.dist.pyFiles"}

// Bounds on the code that is named.
const (
	maxCodeFiles = 64
	maxCodeName  = 256
)

// codeFiles are the names of the files that an application ran, sorted. Folders
// are left out: a staging folder is another one in every run, and an address may
// hold a secret.
func (e *environment) codeFiles(c command) []string {
	var files []string
	add := func(list string) {
		for entry := range strings.SplitSeq(list, ",") {
			if name := fileName(entry); name != "" {
				files = append(files, name)
			}
		}
	}
	if !slices.Contains(shells, c.application) {
		add(c.application)
	}
	add(c.pyFiles)
	for _, key := range codeLists {
		add(e.spark[key])
	}
	slices.Sort(files)
	files = slices.Compact(files)
	return files[:min(len(files), maxCodeFiles)]
}

// fileName is the last part of a path or an address, or the coordinates of a
// package.
func fileName(entry string) string {
	entry, _, _ = strings.Cut(strings.TrimSpace(entry), "?")
	entry, _, _ = strings.Cut(entry, "#") // the name on the cluster
	if entry == "" {
		return ""
	}
	return clip(path.Base(entry), maxCodeName)
}

// inName finds a version in the name of a file: what follows a hyphen or
// underscore and is numbers with dots, with what may follow them
// (etl-assembly-1.4.2-SNAPSHOT.jar, jobs_v3.1-py3.11.egg).
var inName = regexp.MustCompile(`[-_]v?(\d+(?:\.\d+)+(?:[-.+](?:SNAPSHOT|RC\d*|rc\d*|M\d+|alpha\d*|beta\d*|dev\d*|post\d*|[0-9a-f]{7,40}))?)`)

// scala is the version of Scala that a library is built for, not its own.
var scala = regexp.MustCompile(`_2\.1[0-3]\b`)

// inPath finds a folder that is a version or a commit.
var inPath = regexp.MustCompile(`^(v?\d+(\.\d+)+|[0-9a-f]{7,40})$`)

// codeVersion is the version of the application's file, by its name or by the
// folder it is in, or else the versions in the names of the files that were
// shipped beside it; "" where no name tells.
func codeVersion(application string, files []string) string {
	if v := versionIn(path.Base(application)); v != "" {
		return v
	}
	folders := strings.Split(path.Dir(application), "/")
	for _, folder := range slices.Backward(folders) {
		if inPath.MatchString(folder) && !wordOrDate(folder) {
			return folder
		}
	}
	var versions []string
	for _, f := range files {
		if v := versionIn(f); v != "" && !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	return clip(strings.Join(versions, ","), maxText)
}

// wordOrDate says whether a folder may as well be a word or the day of the run.
func wordOrDate(folder string) bool {
	return !strings.Contains(folder, ".") && (!strings.ContainsAny(folder, "abcdef") || !strings.ContainsAny(folder, "0123456789"))
}

// versionIn is the last version in the name of a file. A package is somebody
// else's code.
func versionIn(name string) string {
	if strings.Contains(name, ":") {
		return ""
	}
	if m := inName.FindAllStringSubmatch(scala.ReplaceAllString(name, ""), -1); m != nil {
		return m[len(m)-1][1]
	}
	return ""
}
