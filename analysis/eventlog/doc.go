// Package eventlog reads Spark event logs: the files of one application
// attempt in, one [analysis.Run] out.
//
// It reads what Spark 1.4 to 4.x and the vendors' builds write: plain, lz4,
// snappy, zstd, lzf and gzip; single files, rolling and compacted folders, and
// the folders of a Databricks cluster; finished, still being written, cut off
// and damaged. The way is one pass in bounded memory:
//
//	files -> bytes -> lines -> events -> app (the state of one application) -> Run
//
// A log of a million tasks takes about 30 MB. What is bounded, and how, is said
// where it is kept; an event that finds no room is counted as not read, so that
// the row says it is incomplete.
//
// The package refuses to know where files come from (it takes an [fs.FS] or an
// [io.Reader]), what time it is, and what a measurement means for advice. It
// never guesses: what a log does not say is missing in the Run, and what was
// lost or could not be read is counted in it. Only a log that has no row to
// give is an error.
package eventlog
