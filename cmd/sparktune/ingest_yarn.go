package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/eventlog"
)

// A yarnApp is what a ResourceManager says of an application. What it did not
// use may be what it does not tell: the sums are 0 for who may not see them.
type yarnApp struct {
	FinalStatus   string `json:"finalStatus"`
	Diagnostics   string `json:"diagnostics"`
	Queue         string `json:"queue"`
	Tags          string `json:"applicationTags"`
	MemorySeconds int64  `json:"memorySeconds"` // MiB x s
	VcoreSeconds  int64  `json:"vcoreSeconds"`
}

// A resourceManager is asked what became of applications. Without one, nil,
// nothing is known.
type resourceManager struct {
	apps   string // address
	silent int    // requests in a row that nobody answered
}

// maxSilent is after how many of them no more are made: each may take minutes.
const maxSilent = 3

var errSilent = errors.New("it did not answer and is not asked again")

func newResourceManager(address string) *resourceManager {
	return &resourceManager{apps: strings.TrimRight(address, "/") + "/ws/v1/cluster/apps/"}
}

// onYARN says whether YARN ran an application.
func onYARN(r *analysis.Run) bool { return strings.HasPrefix(r.AppID, "application_") }

// ask adds to a run what the ResourceManager knows of it; told says that it will
// not know more later. A run that it does not know, or forgot, stays as the log
// left it, and so does one of an error.
func (rm *resourceManager) ask(ctx context.Context, r *analysis.Run) (told bool, err error) {
	switch {
	case !onYARN(r):
		return true, nil
	case rm == nil:
		return false, nil
	}
	app, last, err := rm.application(ctx, r)
	if status := (statusError{}); errors.As(err, &status) && status.code == http.StatusNotFound {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return addYARN(r, app, last), nil
}

// application is that of a run, and the number of its last attempt.
func (rm *resourceManager) application(ctx context.Context, r *analysis.Run) (*yarnApp, int, error) {
	address := rm.apps + url.PathEscape(r.AppID)
	var answer struct {
		App *yarnApp `json:"app"`
	}
	if err := rm.get(ctx, address, &answer); err != nil {
		return nil, 0, err
	}
	if answer.App == nil {
		return nil, 0, fmt.Errorf("%s: no application in the answer", redacted(address))
	}
	if r.Attempt == "" {
		return answer.App, 0, nil
	}
	var attempts struct {
		List struct {
			Attempt []struct {
				ID int `json:"id"`
			} `json:"appAttempt"`
		} `json:"appAttempts"`
	}
	address += "/appattempts"
	if err := rm.get(ctx, address, &attempts); err != nil {
		return nil, 0, err
	}
	// They are counted from 1. The list need not have all, nor be in order.
	last := 0
	for _, a := range attempts.List.Attempt {
		last = max(last, a.ID)
	}
	if last == 0 {
		return nil, 0, fmt.Errorf("%s: no attempt in the answer", redacted(address))
	}
	return answer.App, last, nil
}

func (rm *resourceManager) get(ctx context.Context, address string, v any) error {
	if rm.silent >= maxSilent {
		return errSilent
	}
	err := getJSON(ctx, address, v)
	if unanswered := (*url.Error)(nil); errors.As(err, &unanswered) {
		rm.silent++
	} else {
		rm.silent = 0
	}
	return err
}

// maxDiagnostics is how many bytes of a diagnostics text are kept.
const maxDiagnostics = 1000

// addYARN takes over what a ResourceManager says of an application, and reports
// whether that is the last word. Status, diagnostics and use are the
// application's, so only its last attempt has them; that there is a later attempt
// says of the others that they failed.
func addYARN(r *analysis.Run, app *yarnApp, last int) (told bool) {
	if app.Queue != "" {
		r.Queue = app.Queue
	}
	r.YARNTags = strings.FieldsFunc(app.Tags, func(c rune) bool { return c == ',' })
	if n, err := strconv.Atoi(r.Attempt); err == nil && n < last {
		r.Status = analysis.StatusFailed
		return true
	}
	r.YARNFinalStatus = app.FinalStatus
	r.YARNDiagnostics = strings.ToValidUTF8(app.Diagnostics[:min(len(app.Diagnostics), maxDiagnostics)], "")
	r.YARNMemoryMBSeconds = used(app.MemorySeconds)
	r.YARNVcoreSeconds = used(app.VcoreSeconds)
	switch app.FinalStatus {
	case "FAILED", "KILLED":
		r.Status = analysis.StatusFailed
		if r.DriverFailure == "" && r.DeployMode == "cluster" && app.FinalStatus == "FAILED" {
			r.DriverFailure = eventlog.DriverLoss(app.Diagnostics)
		}
	case "SUCCEEDED":
		// In client mode YARN says so of every driver that disconnects: what
		// the log says of failure counts more.
		if r.Status == analysis.StatusUnknown && r.DeployMode == "cluster" {
			r.Status = analysis.StatusSucceeded
		}
	}
	return app.FinalStatus != "" && app.FinalStatus != "UNDEFINED" // it has ended
}

// used is a sum of what an application used. One that wrote a log used some.
func used(n int64) analysis.Opt[int64] {
	if n <= 0 {
		return analysis.Opt[int64]{}
	}
	return analysis.Some(n)
}
