package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
)

var errNoEvent = errors.New("not a Spark event")

// A decoded line is an event, or why there is none.
type decoded struct {
	ev    event
	err   error
	more  int // lines that follow and are no events either
	blank int // lines among or after these
}

// A decoder decodes the lines of batches.
type decoder struct{ scan scan }

// decode fills b.lines.
func (d *decoder) decode(b *batch) {
	b.lines = b.lines[:0]
	b.tasks.used = 0
	if b.long {
		b.lines = append(b.lines, decoded{err: errLong})
		return
	}
	for rest := b.text; len(rest) > 0; {
		text, after, _ := bytes.Cut(rest, []byte{'\n'})
		rest = after
		text = bytes.TrimSuffix(text, []byte{'\r'})
		if len(text) == 0 {
			b.add(nil, nil)
			continue
		}
		b.add(d.line(text, &b.tasks))
	}
}

// add appends a line; one without an event and an error is blank. Of lines that
// are no event only their number is kept: they may be as short as their end.
func (b *batch) add(ev event, err error) {
	blank := ev == nil && err == nil
	if len(b.lines) == 0 && blank {
		b.lines = append(b.lines, decoded{})
	}
	last := len(b.lines) - 1
	switch {
	case blank:
		b.lines[last].blank++
	case errors.Is(err, errNoEvent) && last >= 0 && errors.Is(b.lines[last].err, errNoEvent):
		b.lines[last].more++
	default:
		b.lines = append(b.lines, decoded{ev: ev, err: err})
	}
}

// line decodes one line: by hand where that is worth it, else strictly.
func (d *decoder) line(text []byte, tasks *arena) (event, error) {
	name, ok := eventName(text)
	if !ok {
		return decodeAny(text)
	}
	if ev := d.byHand(name, text, tasks); ev != nil {
		return ev, nil
	}
	return decodeStrict(name, text)
}

// byHand is nil for what it does not read.
func (d *decoder) byHand(name, text []byte, tasks *arena) event {
	switch string(name) {
	case "SparkListenerTaskEnd":
		if t := tasks.next(); d.scan.line(text, t) {
			return &t.taskEnd
		}
	case "SparkListenerJobStart":
		if e := new(scannedJob); d.scan.line(text, e) && e.seen == allJob {
			return &e.jobStart
		}
	case "SparkListenerStageCompleted":
		if e := new(stageCompleted); d.scan.line(text, e) && e.Info.seen == allStage {
			return e
		}
	case "SparkListenerJobEnd":
		if e := new(jobEnd); d.scan.line(text, e) {
			return e
		}
	case "SparkListenerExecutorMetricsUpdate":
		if e := new(executorMetricsUpdate); d.scan.line(text, e) {
			return e
		}
	case "SparkListenerExecutorAdded":
		if e := new(executorAdded); d.scan.line(text, e) {
			return e
		}
	case "SparkListenerBlockManagerAdded":
		if e := new(blockManagerAdded); d.scan.line(text, e) {
			return e
		}
	case sqlUI + "DriverAccumUpdates":
		if e := new(driverUpdates); d.scan.line(text, e) {
			return e
		}
	case "SparkListenerEnvironmentUpdate":
		if e := new(environmentUpdate); d.scan.line(text, e) {
			return e
		}
	case "SparkListenerStageExecutorMetrics":
		if e := new(stageExecutorMetrics); d.scan.line(text, e) {
			return e
		}
	case sqlUI + "SQLExecutionStart":
		if e := new(sqlStart); d.scan.line(text, e) {
			return e
		}
	case sqlUI + "SQLAdaptiveExecutionUpdate":
		if e, ok := joinless(text); ok {
			return e
		}
		if e := new(sqlUpdate); d.scan.line(text, e) {
			return e
		}
	}
	return nil
}

// joinless is an update to a plan without joins: all that counts is whose it
// is. Most are, they come often, and a plan is long.
func joinless(text []byte) (*sqlUpdate, bool) {
	rest, ok := bytes.CutPrefix(text, []byte(eventPrefix+sqlUI+`SQLAdaptiveExecutionUpdate","executionId":`))
	if !ok || text[len(text)-1] != '}' || hasJoins(text) {
		return nil, false
	}
	digits, _, _ := bytes.Cut(rest, []byte{','})
	id, ok := leadingInt(digits)
	if !ok || len(digits) > 18 || strconv.Itoa(int(id)) != string(digits) {
		return nil, false
	}
	return &sqlUpdate{ID: id}, true
}

// eventName is the name of an event whose line starts as Spark writes it.
func eventName(text []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(text, []byte(eventPrefix))
	if !ok {
		return nil, false
	}
	name, _, ok := bytes.Cut(rest, []byte{'"'})
	return name, ok && len(name) > 0 && bytes.IndexByte(name, '\\') < 0
}

// decodeAny decodes a line that does not start with the event's name.
func decodeAny(text []byte) (event, error) {
	var head struct{ Event string }
	if err := json.Unmarshal(text, &head); err != nil || head.Event == "" {
		return nil, errNoEvent
	}
	return decodeStrict([]byte(head.Event), text)
}

// decodeStrict decodes by encoding/json. Of an event that is not decoded at
// least the end of the line must be there.
func decodeStrict(name, text []byte) (event, error) {
	ev := newEvent(name)
	whole := bytes.HasSuffix(text, []byte{'}'})
	if ev == nil {
		if !whole {
			return nil, errNoEvent
		}
		return newNamed(name), nil
	}
	err := json.Unmarshal(text, ev)
	if _, update := ev.(*sqlUpdate); update && err != nil && whole {
		// Its plan was too long to be kept: it costs the facts on joins, which
		// is no reason to call the log incomplete.
		return newNamed(name), nil
	}
	if err != nil {
		return nil, err
	}
	return ev, nil
}
