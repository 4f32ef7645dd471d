package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/ghapp"
	"github.com/sparktune/sparktune/bot/store"
)

// metrics are what the server tells Prometheus. Their names are public.
type metrics struct {
	registry *prometheus.Registry
	flows    *prometheus.CounterVec
	webhooks *prometheus.HistogramVec
}

func newMetrics(s *store.Store, app *ghapp.App) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		flows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sparktune_flows_total", Help: "Flows that ended, by flow and result.",
		}, []string{"flow", "result"}),
		webhooks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sparktune_webhook_seconds", Help: "Time to answer a webhook, by status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, 1, 10},
		}, []string{"code"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), m.flows, m.webhooks, inboxCollector{s}, apiCollector{app})
	return m
}

func (m *metrics) timed(h http.Handler) http.Handler {
	return promhttp.InstrumentHandlerDuration(m.webhooks, h)
}

// ended counts a flow.
func (m *metrics) ended(flow string, err error) {
	result := "done"
	switch {
	case errors.Is(err, bot.ErrDenied):
		result = "denied"
	case errors.As(err, new(*bot.RetryError)):
		result = "later"
	case err != nil:
		result = "failed"
	}
	m.flows.WithLabelValues(flow, result).Inc()
}

// scrapeTimeout is how long a scrape waits for the database.
const scrapeTimeout = 5 * time.Second

// An inboxCollector counts the inbox when somebody looks.
type inboxCollector struct{ s *store.Store }

var deliveriesDesc = prometheus.NewDesc("sparktune_deliveries", "Deliveries in the inbox, by state; those that ended are forgotten after a month.", []string{"state"}, nil)

// Describe implements [prometheus.Collector].
func (inboxCollector) Describe(ch chan<- *prometheus.Desc) { ch <- deliveriesDesc }

// Collect implements [prometheus.Collector].
func (c inboxCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	counts, err := c.s.Counts(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(deliveriesDesc, err)
		return
	}
	for state, n := range counts {
		ch <- prometheus.MustNewConstMetric(deliveriesDesc, prometheus.GaugeValue, float64(n), state)
	}
}

// An apiCollector tells what was called of GitHub.
type apiCollector struct{ app *ghapp.App }

var (
	callsDesc = prometheus.NewDesc("sparktune_github_calls_total", "Calls of GitHub's API, by kind.", []string{"kind"}, nil)
	leftDesc  = prometheus.NewDesc("sparktune_github_calls_left", "Calls that an installation may still make in its hour.", []string{"installation"}, nil)
)

// Describe implements [prometheus.Collector].
func (apiCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- callsDesc
	ch <- leftDesc
}

// Collect implements [prometheus.Collector].
func (c apiCollector) Collect(ch chan<- prometheus.Metric) {
	u := c.app.Usage()
	for kind, n := range u.Calls {
		ch <- prometheus.MustNewConstMetric(callsDesc, prometheus.CounterValue, float64(n), kind)
	}
	for installation, left := range u.Left {
		ch <- prometheus.MustNewConstMetric(leftDesc, prometheus.GaugeValue, float64(left.Calls), strconv.FormatInt(installation, 10))
	}
}
