package policy

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"time"
)

// A Window is a part of a day of every week, in UTC.
type Window struct {
	Day      time.Weekday
	From, To time.Duration // since midnight; To is after From
}

// DefaultWindow is before people come to work on a Monday in Europe.
func DefaultWindow() Window {
	return Window{Day: time.Monday, From: 4 * time.Hour, To: 8 * time.Hour}
}

func (w Window) String() string {
	return fmt.Sprintf("%s %s-%s", strings.ToLower(w.Day.String()), clock(w.From), clock(w.To))
}

func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

var windowPattern = regexp.MustCompile(`^(monday|tuesday|wednesday|thursday|friday|saturday|sunday) ([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

// parseWindow reads what String writes.
func parseWindow(s string) (Window, bool) {
	day, hours, _ := strings.Cut(s, " ")
	var fromH, fromM, toH, toM int
	if n, err := fmt.Sscanf(hours, "%d:%d-%d:%d", &fromH, &fromM, &toH, &toM); n != 4 || err != nil {
		return Window{}, false
	}
	w := Window{From: minutes(fromH, fromM), To: minutes(toH, toM)}
	for w.Day < 6 && !strings.EqualFold(w.Day.String(), day) {
		w.Day++
	}
	return w, strings.EqualFold(w.Day.String(), day) && w.To > w.From
}

func minutes(h, m int) time.Duration {
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
}

// Next is the moment of a repository in the first window that has it after a
// time. The moments of many repositories are spread over the window, and each
// keeps its own from week to week.
func (w Window) Next(repo int64, after time.Time) time.Time {
	h := fnv.New64a()
	fmt.Fprint(h, repo) // never fails
	moment := w.From + time.Duration(h.Sum64()%uint64(w.To-w.From)).Truncate(time.Second)
	after = after.UTC()
	midnight := time.Date(after.Year(), after.Month(), after.Day(), 0, 0, 0, 0, time.UTC)
	next := midnight.AddDate(0, 0, (int(w.Day)-int(after.Weekday())+7)%7).Add(moment)
	if !next.After(after) {
		next = next.AddDate(0, 0, 7)
	}
	return next
}
