package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sparktune/sparktune/analysis/eventlog"
)

// client is for servers that may think for long before they answer: a History
// Server reads its logs first.
var client = &http.Client{Transport: &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	ResponseHeaderTimeout: 2 * time.Minute,
	MaxIdleConnsPerHost:   4,
}}

// A historyApp is an application as a History Server lists it.
type historyApp struct {
	ID       string `json:"id"`
	Attempts []struct {
		ID        string `json:"attemptId"`
		Completed bool   `json:"completed"`
		Updated   int64  `json:"lastUpdatedEpoch"` // milliseconds
	} `json:"attempts"`
}

// findHistory lists what a History Server has, or is the one download that the
// URL names.
func findHistory(ctx context.Context, place string) ([]placedLog, error) {
	base := strings.TrimRight(place, "/")
	if strings.HasSuffix(base, "/logs") {
		return []placedLog{historyLog(base, logState{})}, nil
	}
	base = strings.TrimSuffix(base, "/api/v1") + "/api/v1/applications"
	var apps []historyApp
	if err := getJSON(ctx, base, &apps); err != nil {
		return nil, hintError{
			fmt.Errorf("list the applications of the History Server: %w", err),
			"name its address, such as http://history:18080, or a download ending in /logs",
		}
	}
	var logs []placedLog
	for _, app := range apps {
		for _, a := range app.Attempts {
			logs = append(logs, historyLog(base+"/"+path(app.ID, a.ID)+"logs", logState{
				Written: time.UnixMilli(a.Updated).UTC(), Open: !a.Completed,
			}))
		}
	}
	if len(logs) == 0 {
		return nil, fmt.Errorf("the History Server %s lists no application", base)
	}
	return logs, nil
}

// path is that of an application attempt; clients have no attempts.
func path(app, attempt string) string {
	if attempt == "" {
		return url.PathEscape(app) + "/"
	}
	return url.PathEscape(app) + "/" + url.PathEscape(attempt) + "/"
}

func historyLog(address string, state logState) placedLog {
	return placedLog{name: redacted(address), state: state, read: func(ctx context.Context, take eventlog.Taker) error {
		resp, err := get(ctx, address)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		archive, err := download(resp.Body)
		if err != nil {
			return fmt.Errorf("download: %w", err)
		}
		defer os.Remove(archive)
		return readZip(archive, take)
	}}
}

// redactedPlace is an argument without the password that an URL may have.
func redactedPlace(place string) string {
	if strings.HasPrefix(place, "http://") || strings.HasPrefix(place, "https://") {
		return redacted(place)
	}
	return place
}

func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Redacted()
}

// get is a GET that was answered with 200.
func get(ctx context.Context, address string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, statusError{resp.StatusCode, req.URL.Redacted()}
	}
	return resp, nil
}

// A statusError is an answer that is not 200.
type statusError struct {
	code int
	url  string
}

func (e statusError) Error() string {
	return fmt.Sprintf("%s answers %d %s", e.url, e.code, http.StatusText(e.code))
}

func getJSON(ctx context.Context, address string, v any) error {
	resp, err := get(ctx, address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return fmt.Errorf("%s: %w", redacted(address), err)
	}
	return nil
}
