package logsink

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lbd/dataplane/accesslog"
	"lbd/store/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 11, 26, 10, 0, 0, 123456000, time.UTC)

func TestFilesFollowTheirNames(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	s, err := Open(path, "n")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	one := []accesslog.Line{{Text: []byte("one")}}
	for range 2 {
		if err := s.Write(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), []accesslog.Line{{Text: []byte("two")}}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{path: "two\n", path + ".1": "one\none\n"} {
		if b, err := os.ReadFile(name); string(b) != want {
			t.Errorf("%s holds %q, want %q (%v)", name, b, want, err)
		}
	}
	if st, _ := os.Stat(path); st.Mode().Perm()&0o007 != 0 {
		t.Errorf("others may read it: %s", st.Mode())
	}
}

func TestAFileForEachListener(t *testing.T) {
	dir := t.TempDir()
	s, err := Open("file:"+dir+"/{loadbalancer}/{listener}.log", "n")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var batch []accesslog.Line
	for i := range 2 * maxFiles { // more than may be open
		batch = append(batch, accesslog.Line{Listener: "l", LoadBalancer: "b", Text: []byte("x")})
		batch[i].Listener += model.ListenerID(fmt.Sprint(i))
	}
	for range 2 {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 * maxFiles {
		if b, err := os.ReadFile(filepath.Join(dir, "b", fmt.Sprintf("l%d.log", i))); string(b) != "x\nx\n" {
			t.Fatalf("file %d: %q, %v", i, b, err)
		}
	}
	if n := len(s.(*files).open); n > maxFiles {
		t.Errorf("%d files are open", n)
	}
}

func TestSyslog(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	s, err := Open("syslog:udp://"+pc.LocalAddr().String(), "node-1")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Write(t.Context(), []accesslog.Line{{At: t0, Text: []byte("ok")}, {At: t0, Failed: true, Text: bytes.Repeat([]byte("x"), 2*maxDatagram)}}); err != nil {
		t.Fatal(err)
	}
	pc.SetDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 64<<10)
	n, _, err := pc.ReadFrom(buf)
	if want := fmt.Sprintf("<134>1 2026-11-26T10:00:00.123456Z node-1 lbd %d access - ok", os.Getpid()); err != nil || string(buf[:n]) != want {
		t.Errorf("%q, want %q (%v)", buf[:n], want, err)
	}
	n, _, err = pc.ReadFrom(buf)
	if err != nil || n != maxDatagram || !strings.HasPrefix(string(buf[:n]), "<131>1 ") {
		t.Errorf("%d bytes %.20q, %v", n, buf[:n], err)
	}
}

func TestOTLP(t *testing.T) {
	var got otlpRequest
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/v1/logs" || r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(body, &got) != nil {
			t.Errorf("%s %s %s", r.URL, r.Header, body)
		}
		w.WriteHeader(status)
	}))
	defer srv.Close()
	s, err := Open("otlp:"+srv.URL+"/v1/logs", "node-1")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	batch := []accesslog.Line{{At: t0, Listener: "l", Text: []byte("line")}, {At: t0, Failed: true, Text: []byte("bad")}}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	r := got.ResourceLogs[0].ScopeLogs[0].LogRecords
	if len(r) != 2 || r[0].Body.String != "line" || r[0].Time != fmt.Sprint(t0.UnixNano()) || r[0].Severity != 9 || r[1].Severity != 17 {
		t.Errorf("%+v", r)
	}
	status = http.StatusServiceUnavailable
	if err := s.Write(t.Context(), batch); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a refusal: %v", err)
	}
}

func TestDestinationsThatAreRefused(t *testing.T) {
	for _, dest := range []string{"", "stderr", "file:", "syslog:", "syslog:tcp://a:1", "syslog:unix://", "otlp:", "otlp:ftp://a/", "/no/such/dir/file"} {
		if s, err := Open(dest, "n"); err == nil || !strings.HasPrefix(err.Error(), "access log: ") {
			t.Errorf("%q: %v, %v", dest, s, err)
		}
	}
}
