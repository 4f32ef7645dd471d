package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/sparktune/sparktune/analysis"
	"github.com/sparktune/sparktune/analysis/eventlog"
)

// A yarnApp is what a ResourceManager says of an application.
type yarnApp struct {
	FinalStatus   string `json:"finalStatus"`
	Diagnostics   string `json:"diagnostics"`
	Queue         string `json:"queue"`
	Tags          string `json:"applicationTags"`
	MemorySeconds int64  `json:"memorySeconds"` // MiB x s
	VcoreSeconds  int64  `json:"vcoreSeconds"`
}

// askYARN adds to runs what the ResourceManager knows of them. One that it
// does not know, or forgot, stays as the log left it.
func askYARN(ctx context.Context, address string, runs []analysis.Run) error {
	base := strings.TrimRight(address, "/") + "/ws/v1/cluster/apps/"
	for i := range runs {
		r := &runs[i]
		if !strings.HasPrefix(r.AppID, "application_") {
			continue
		}
		err := askAbout(ctx, base+path(r.AppID, ""), r)
		if status := (statusError{}); errors.As(err, &status) && status.code == http.StatusNotFound {
			continue
		}
		if err != nil {
			return hintError{fmt.Errorf("ask the ResourceManager: %w", err), "name its web address with --yarn, such as http://rm:8088"}
		}
	}
	return nil
}

func askAbout(ctx context.Context, address string, r *analysis.Run) error {
	var answer struct {
		App yarnApp `json:"app"`
	}
	if err := getJSON(ctx, strings.TrimSuffix(address, "/"), &answer); err != nil {
		return err
	}
	last := 1
	if r.Attempt != "" {
		var attempts struct {
			List struct {
				Attempt []struct{} `json:"appAttempt"`
			} `json:"appAttempts"`
		}
		if err := getJSON(ctx, address+"appattempts", &attempts); err != nil {
			return err
		}
		last = len(attempts.List.Attempt)
	}
	addYARN(r, &answer.App, last)
	return nil
}

// maxDiagnostics is how many bytes of a diagnostics text are kept.
const maxDiagnostics = 1000

// addYARN takes over what a ResourceManager says of an application with so many
// attempts. Status, diagnostics and use are the application's, so only its last
// attempt has them; that there is a later attempt says of the others that they
// failed.
func addYARN(r *analysis.Run, app *yarnApp, attempts int) {
	r.Queue = app.Queue
	r.YARNTags = strings.FieldsFunc(app.Tags, func(c rune) bool { return c == ',' })
	if n, err := strconv.Atoi(r.Attempt); err == nil && n < attempts {
		r.Status = analysis.StatusFailed
		return
	}
	r.YARNFinalStatus = app.FinalStatus
	r.YARNDiagnostics = strings.ToValidUTF8(app.Diagnostics[:min(len(app.Diagnostics), maxDiagnostics)], "")
	r.YARNMemoryMBSeconds = analysis.Some(app.MemorySeconds)
	r.YARNVcoreSeconds = analysis.Some(app.VcoreSeconds)
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
}
