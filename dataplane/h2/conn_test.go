package h2

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// echo answers with what it read of the request.
func echo(r *http.Request, w io.Writer) error {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nX-Seen: %s %s %s\r\nX-Trailer: %s\r\nConnection: keep-alive\r\nContent-Length: %d\r\n\r\n%s",
		r.Method, r.Host, r.RequestURI, r.Trailer.Get("X-End"), len(b), b)
	return err
}

func TestRequestsAndAnswers(t *testing.T) {
	addr, _ := server(t, Config{}, echo)
	c := client(t, addr)
	for _, size := range []int{0, 1, 1000, 70_000, 3 << 20} {
		for _, chunked := range []bool{false, true} {
			body := strings.Repeat("x", size)
			var in io.Reader = strings.NewReader(body)
			if chunked {
				in = io.MultiReader(in) // of unknown length
			}
			req, _ := http.NewRequest("POST", "http://a.example:81/p?q", in)
			resp, err := c.Do(req)
			if err != nil {
				t.Fatalf("%d bytes, chunked %v: %v", size, chunked, err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(got) != body {
				t.Errorf("%d bytes, chunked %v: %d came back, %v", size, chunked, len(got), err)
			}
			if s := resp.Header.Get("X-Seen"); s != "POST a.example:81 /p?q" {
				t.Errorf("the request was %q", s)
			}
			if resp.Header.Get("Connection") != "" {
				t.Error("Connection crossed over")
			}
		}
	}
}

func TestTrailersBothWays(t *testing.T) {
	addr, _ := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nX-Trailer: %s\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nGrpc-Status: 7\r\n\r\n", r.Trailer.Get("X-End"))
		return err
	})
	req, _ := http.NewRequest("POST", "http://a/", io.MultiReader(strings.NewReader("b")))
	req.Trailer = http.Header{"X-End": {"yes"}}
	resp, err := client(t, addr).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != "ok" || resp.Header.Get("X-Trailer") != "yes" || resp.Trailer.Get("Grpc-Status") != "7" {
		t.Errorf("%q, %v, header %v, trailer %v", b, err, resp.Header, resp.Trailer)
	}
}

func TestManyStreamsAtOnce(t *testing.T) {
	addr, conns := server(t, Config{}, echo)
	c := client(t, addr)
	body := strings.Repeat("y", streamWindow+5000)
	var wg sync.WaitGroup
	for range 60 {
		wg.Go(func() {
			for range 2 {
				resp, err := c.Post("http://a/", "text/plain", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				if b, err := io.ReadAll(resp.Body); err != nil || string(b) != body {
					t.Errorf("%d bytes came back, %v", len(b), err)
				}
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	if n := len(conns); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A stream whose answer the client does not read does not hold up the others.
func TestSlowStreamHoldsOnlyItself(t *testing.T) {
	addr, _ := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		if r.URL.Path == "/big" {
			fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 64<<20)
			_, err := w.Write(bytes.Repeat([]byte("z"), 64<<20))
			return err
		}
		return echo(r, w)
	})
	c := client(t, addr)
	big, err := c.Get("http://a/big")
	if err != nil {
		t.Fatal(err)
	}
	defer big.Body.Close()
	for range 20 {
		resp, err := c.Get("http://a/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

func TestBrokenAnswerIsAReset(t *testing.T) {
	addr, _ := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		if _, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"); err != nil {
			return err
		}
		return errors.New("gone")
	})
	resp, err := client(t, addr).Get("http://a/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q looks complete", b)
	}
}

func TestEarlyAnswerEndsTheUpload(t *testing.T) {
	addr, _ := server(t, Config{}, func(r *http.Request, w io.Writer) error {
		_, err := io.WriteString(w, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
		return err
	})
	c := client(t, addr)
	for range 3 { // the connection stays
		resp, err := c.Post("http://a/", "text/plain", io.LimitReader(endless{}, 1<<30))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
