package prompts

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Quantity renders a number with its unit, as people read it.
func Quantity(v float64, unit string) string {
	switch unit {
	case "bytes":
		return Bytes(v)
	case "ms":
		return Millis(v)
	case "ratio":
		return fmt.Sprintf("%.0f %%", 100*v)
	case "times":
		return fmt.Sprintf("%.1f x", v)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Bytes renders a size in binary units with about three digits.
func Bytes(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	if i == 0 || v >= 100 {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// Millis renders a duration in milliseconds.
func Millis(v float64) string {
	d := time.Duration(v) * time.Millisecond
	switch {
	case d < time.Second:
		return d.String()
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour && d.Truncate(time.Second)%time.Minute == 0:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// GBHours renders reserved memory over time, with two significant digits for
// small amounts.
func GBHours(v float64) string {
	if v >= 10 {
		return fmt.Sprintf("%.1f GiB·h", v)
	}
	return strconv.FormatFloat(v, 'g', 2, 64) + " GiB·h"
}

// magnitude is the number that a rendered size, count or duration begins with,
// in its smallest unit, so that two of a kind can be compared.
func magnitude(text string) (float64, bool) {
	text = strings.TrimSuffix(text, " (default)")
	n := len(text) - len(strings.TrimLeft(text, "0123456789."))
	v, err := strconv.ParseFloat(text[:n], 64)
	scale, known := map[string]float64{
		"": 1, "%": 1, "x": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "PiB": 1 << 50, "GiB·h": 1,
		"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "s": 1, "min": 60, "h": 3600,
	}[strings.TrimSpace(text[n:])]
	return v * scale, err == nil && known
}
