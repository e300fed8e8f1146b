package harness

import (
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"lbd/internal/netlab"
)

// Web is a web server with one page.
type Web struct {
	w    *World
	on   *netlab.Host
	page string
	h    *helper
}

// StartWeb serves page on port 80 of a host; /login sets the cookie app to a new value; /slow takes one second, and
// /headers shows the request's headers; /echo sends back what comes after an upgrade.
// A datagram to port 53 is answered with the page, a colon and the datagram.
func (w *World) StartWeb(on *netlab.Host, page string) *Web {
	w.T.Helper()
	web := &Web{w: w, on: on, page: page}
	web.Start()
	return web
}

// Start starts the server, also again after Kill.
func (s *Web) Start() { s.h = s.w.spawn(s.on, "_web", s.page) }

// Kill ends it at once.
func (s *Web) Kill() {
	syscall.Kill(-s.h.cmd.Process.Pid, syscall.SIGKILL)
	<-s.h.done
}

func webMain(args []string) error {
	page := args[0]
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, page) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		fmt.Fprintln(w, page)
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "app", Value: rand.Text()})
		fmt.Fprintln(w, page)
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Host: %s\n", r.Host)
		r.Header.Write(w)
	})
	mux.HandleFunc("/echo", echo)
	l, err := net.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	datagrams, err := net.ListenPacket("udp", ":53")
	if err != nil {
		return err
	}
	go answer(datagrams, page)
	newOutput()
	return http.Serve(l, mux)
}

func answer(c net.PacketConn, page string) {
	b := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		c.WriteTo(append([]byte(page+":"), b[:n]...), from)
	}
}

func echo(w http.ResponseWriter, _ *http.Request) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	io.Copy(c, rw)
}
