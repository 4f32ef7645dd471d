package eventlog

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/sparktune/sparktune/analysis"
)

// settings are the known properties of SQL among those of a job, in the order
// of the line. A session can change them at any time, and before Spark 3.3
// nothing else in a log says so.
type settings []setting

type setting struct{ key, value string }

const sqlPrefix = "spark.sql."

// sqlKeys are the names of those properties, each by itself, so that one that is
// found needs no copy.
var sqlKeys = func() map[string]string {
	m := make(map[string]string)
	for i := range analysis.Properties {
		p := &analysis.Properties[i]
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if strings.HasPrefix(name, sqlPrefix) {
				m[name] = name
			}
		}
	}
	return m
}()

// maxSettings is more than there are keys: some may be repeated.
const maxSettings = 64

// UnmarshalJSON keeps the settings whose value is a text.
func (c *settings) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	return eachText(dec, func(key, value string) {
		if key, ok := sqlKeys[key]; ok {
			c.keep(key, value)
		}
	})
}

func (c *settings) keep(key, value string) {
	if value != analysis.Redacted && len(value) <= maxID && len(*c) < maxSettings {
		*c = append(*c, setting{key, value})
	}
}
