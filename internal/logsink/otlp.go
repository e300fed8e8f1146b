package logsink

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lbd/dataplane/accesslog"
)

// otlp posts batches to a collector of OpenTelemetry as OTLP/HTTP with JSON
// (OTLP specification 1.x, "Binary and JSON Protobuf Encoding").
type otlp struct {
	url    string
	client *http.Client
	node   string
}

const (
	otlpTimeout = 5 * time.Second
	// Severity numbers of the logs data model.
	otlpInfo  = 9
	otlpError = 17
)

func newOTLP(u *url.URL, node string) accesslog.Sink {
	return &otlp{url: u.String(), node: node, client: &http.Client{
		Timeout:       otlpTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

type (
	otlpRequest struct {
		ResourceLogs []otlpResource `json:"resourceLogs"`
	}
	otlpResource struct {
		Resource  otlpAttributes `json:"resource"`
		ScopeLogs []otlpScope    `json:"scopeLogs"`
	}
	otlpAttributes struct {
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpScope struct {
		Scope      map[string]string `json:"scope"`
		LogRecords []otlpRecord      `json:"logRecords"`
	}
	otlpRecord struct {
		Time       string          `json:"timeUnixNano"`
		Severity   int             `json:"severityNumber"`
		Body       otlpValue       `json:"body"`
		Attributes []otlpAttribute `json:"attributes"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		String string `json:"stringValue"`
	}
)

func attribute(key, value string) otlpAttribute { return otlpAttribute{key, otlpValue{value}} }

// Write posts a batch. A collector that answers anything but 2xx has not taken it.
func (o *otlp) Write(ctx context.Context, batch []accesslog.Line) error {
	records := make([]otlpRecord, len(batch))
	for i := range batch {
		l := &batch[i]
		records[i] = otlpRecord{
			Time: strconv.FormatInt(l.At.UnixNano(), 10), Severity: otlpInfo, Body: otlpValue{string(l.Text)},
			Attributes: []otlpAttribute{attribute("lbd.listener", string(l.Listener)), attribute("lbd.loadbalancer", string(l.LoadBalancer))},
		}
		if l.Failed {
			records[i].Severity = otlpError
		}
	}
	body, err := json.Marshal(otlpRequest{[]otlpResource{{
		Resource:  otlpAttributes{[]otlpAttribute{attribute("service.name", "lbd"), attribute("host.name", o.node)}},
		ScopeLogs: []otlpScope{{Scope: map[string]string{"name": "lbd.access"}, LogRecords: records}},
	}}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := o.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is kept
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the collector at %s answered %s", o.url, resp.Status)
	}
	return nil
}

func (o *otlp) Close() error {
	o.client.CloseIdleConnections()
	return nil
}
