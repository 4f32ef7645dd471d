package eventlog

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

const fixture = "spark-cc4d115f011443d787f03a71a476a745"

// The fixtures were written by the Java libraries that Spark uses. Whatever
// the codec, and whether the last frame was closed or not, the row is that of
// the plain log.
func TestCodecs(t *testing.T) {
	dir := filepath.Join(sharedData(t), "eventlogs")
	want := readOne(t, os.DirFS(dir), "kubeflow+mcp-apache-spark-history-server/examples/basic/events/eventlog_v2_"+fixture)
	logs, skipped, err := Find(os.DirFS(dir), "generated-codec-fixtures")
	if err != nil || len(skipped) > 0 || len(logs) != 15 {
		t.Fatalf("%d logs, skipped %v, %v", len(logs), skipped, err)
	}
	for _, l := range logs {
		t.Run(strings.TrimPrefix(l.Name, fixture), func(t *testing.T) {
			r := readOne(t, os.DirFS(dir), l.Path)
			if lost(l.Name) {
				checkCut(t, r, want)
				return
			}
			r.Source = want.Source
			if diff := cmp.Diff(want, r); diff != "" {
				t.Errorf("-plain +codec\n%s", diff)
			}
		})
	}
}

// lost says whether a fixture lacks events: those that were cut, and those of a
// codec that keeps a block back until it is full.
func lost(name string) bool {
	return strings.Contains(name, "-cut") || strings.HasSuffix(name, ".lz4.inprogress") || strings.HasSuffix(name, "-parallel.lzf.inprogress")
}

// A log that was cut has fewer events than the whole, says so, and claims no
// more than it saw.
func checkCut(t *testing.T, r, whole analysis.Run) {
	t.Helper()
	if r.Finished || r.Complete() || r.Status != analysis.StatusUnknown {
		t.Errorf("finished %t, complete %t, status %s", r.Finished, r.Complete(), r.Status)
	}
	if r.MalformedLines > 0 {
		t.Errorf("%d malformed lines in a log that is only cut", r.MalformedLines)
	}
	if r.Events <= 0 || r.Events >= whole.Events || r.RunMs.V > whole.RunMs.V || r.End.After(whole.End) {
		t.Errorf("%d events, %d ms run, end %s of %d, %d, %s", r.Events, r.RunMs.V, r.End, whole.Events, whole.RunMs.V, whole.End)
	}
	if r.Key != whole.Key || r.Conf["spark.executor.memory"] != "4g" {
		t.Errorf("key %v, conf %v", r.Key, r.Conf)
	}
}

// Every cut of every codec gives the events of the lines before it, and
// nothing panics on the way.
func TestCutAnywhere(t *testing.T) {
	dir := filepath.Join(sharedData(t), "eventlogs", "generated-codec-fixtures")
	for _, suffix := range []string{".zstd", ".lz4", ".snappy", ".lzf"} {
		t.Run(suffix, func(t *testing.T) {
			whole, err := os.ReadFile(filepath.Join(dir, fixture+suffix))
			if err != nil {
				t.Fatal(err)
			}
			var last int64
			for i := 1; i < 40; i++ {
				n := len(whole) * i / 40
				runs, err := Parse(bytes.NewReader(whole[:n]))
				if err != nil {
					continue // cut before the first event
				}
				if got := runs[0].Events; got < last || got > 200 {
					t.Errorf("%d of %d bytes: %d events, after %d", n, len(whole), got, last)
				} else {
					last = got
				}
			}
			if last < 150 {
				t.Errorf("only %d events read", last)
			}
		})
	}
}

// Known values of xxHash32, of lengths on each side of its steps.
func TestXXH32(t *testing.T) {
	for text, want := range map[string]uint32{
		"":    0x02cc5d05,
		"a":   0x550d7456,
		"abc": 0x32d153ff,
		"Nobody inspects the spammish repetition": 0xe2293b2f,
	} {
		if got := xxh32([]byte(text), 0); got != want {
			t.Errorf("%q: %08x, want %08x", text, got, want)
		}
	}
}

// No bit of an lz4 log can be lost without the row saying so.
func TestFlippedLZ4(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join(sharedData(t), "eventlogs", "generated-codec-fixtures", fixture+".lz4"))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := Parse(bytes.NewReader(whole))
	want := toJSON(t, runs, err)
	for i := 0; i < len(whole); i += 97 {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1 << (i % 8)
		runs, err := Parse(bytes.NewReader(flipped))
		if err == nil && runs[0].Complete() && toJSON(t, runs, err) != want {
			t.Errorf("a bit of byte %d changes the row, which calls itself complete", i)
		}
	}
}

func TestCorruptBlocks(t *testing.T) {
	for name, data := range map[string]string{
		"lz4: another magic":     "LZ4Block\x15\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00xLZ4BLOCK\x15\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00x",
		"lz4: absurd length":     "LZ4Block\x25\xff\xff\xff\x7f\xff\xff\xff\x7f\x00\x00\x00\x00",
		"lz4: negative length":   "LZ4Block\x25\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00",
		"lz4: no such data":      "LZ4Block\x25\x02\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\xff\xff",
		"lz4: wrong checksum":    "LZ4Block\x15\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00x",
		"lz4: stored in part":    "LZ4Block\x15\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00x",
		"lz4: half a header":     "LZ4Block\x25\x02",
		"snappy: absurd length":  "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x7f\xff\xff\xff",
		"snappy: no such data":   "\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x02\xff\xff",
		"snappy: half a header":  "\x82SNAPPY\x00\x00",
		"lzf: unknown type":      "ZV\x00\x00\x01xZV\x07\x00\x01xxxx",
		"lzf: copy before start": "ZV\x01\x00\x02\x00\x08\x20\x10",
		"lzf: literal too long":  "ZV\x01\x00\x02\x00\x08\x1fx",
		"lzf: half a header":     "ZV\x01",
		"zstd: garbage":          "\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff",
		"gzip: garbage":          "\x1f\x8b\x08",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := decompress(strings.NewReader(data))
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if err == nil {
				t.Error("no error")
			}
		})
	}
}
