package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
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

// decode fills b.lines from the start of a batch.
func (d *decoder) decode(b *batch) {
	b.rest = b.text
	d.decodeRest(b)
}

// decodeRest fills b.lines with the next lines.
func (d *decoder) decodeRest(b *batch) {
	b.lines = b.lines[:0]
	b.tasks.used = 0
	if b.long {
		b.lines, b.rest = append(b.lines, decoded{err: errLong}), nil
		return
	}
	for len(b.rest) > 0 && len(b.lines) < maxLines {
		text, after, _ := bytes.Cut(b.rest, []byte{'\n'})
		b.rest = after
		text = bytes.TrimRight(text, " \t\r")
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
	if name, ok := eventName(text); ok {
		if ev := d.byHand(name, text, tasks); ev != nil {
			return ev, nil
		}
	}
	return decodeStrict(text)
}

// byHand is nil for what it does not read.
func (d *decoder) byHand(name, text []byte, tasks *arena) event {
	switch string(name) {
	case "SparkListenerTaskEnd":
		if t := tasks.next(); d.scan.line(text, t) {
			return &t.taskEnd
		}
	case "SparkListenerJobStart":
		if e := new(scannedJob); d.scan.line(text, e) {
			return &e.jobStart
		}
	case "SparkListenerStageCompleted":
		if e := new(stageCompleted); d.scan.line(text, e) {
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
		if e := new(sqlUpdate); d.scan.line(text, e) {
			return e
		}
	case "SparkListenerTaskStart":
		if wholeStart(text) || d.scan.whole(text) {
			return taskStarted
		}
	default:
		if newEvent(name) == nil && d.scan.whole(text) {
			return newNamed(name)
		}
	}
	return nil
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

// decodeStrict decodes by encoding/json. The name at the start of the line says
// whether the event is one that is decoded, even where the line names it again.
func decodeStrict(text []byte) (event, error) {
	name, ok := eventName(text)
	if ok && wasCut(text) && !decodes(text) {
		return newNamed(name), nil
	}
	if ok && newEvent(name) == nil {
		if !json.Valid(text) {
			return nil, errNoEvent
		}
		return newNamed(name), nil
	}
	var head struct{ Event string }
	if err := json.Unmarshal(text, &head); err != nil || head.Event == "" {
		return nil, errNoEvent
	}
	ev := newEvent([]byte(head.Event))
	if ev == nil {
		return newNamed([]byte(head.Event)), nil
	}
	if err := json.Unmarshal(text, ev); err != nil {
		return nil, err
	}
	return ev, nil
}

// wasCut says whether a line may be what longLine keeps of an event that is not
// decoded: the start and the last byte.
func wasCut(text []byte) bool {
	return len(text) == maxText+1 && text[maxText] == '}' && bytes.Count(text, []byte(eventPrefix)) == 1
}
