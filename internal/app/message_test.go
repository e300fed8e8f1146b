package app

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store/model"
)

func TestMessage(t *testing.T) {
	for _, n := range []int{0, 10, 100_000} {
		in := message{Full: true, Report: model.Report{Node: "n1", Applied: 7, Members: map[model.MemberID]model.MemberHealth{}}}
		for i := range n {
			in.Report.Members[model.MemberID(fmt.Sprintf("%08x-1111-4111-8111-%012x", i*2654435761, i*40503))] = model.MemberHealth{Status: model.NoMonitor}
		}
		if n == 0 {
			in.Report.Members = nil
		}
		in.Report.Listeners = map[model.ListenerID]model.ListenerCounters{
			"l": {Requests: int64(n)}, "\"plain\" \\ & <é\x01>": {Full: true}, "m": {BytesIn: 1, BytesOut: 2, ActiveConnections: 3, TotalConnections: 4, RequestErrors: 5, Requests: 6, Full: true}, "n": {},
		}
		d := &detail{members: in.Report.Members, listeners: in.Report.Listeners}
		if err := d.encode(); err != nil {
			t.Fatal(err)
		}
		b, err := encodeMessage(model.Report{Node: "n1", Applied: 7}, d)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 8<<20 { // what a peer takes
			t.Errorf("%d members are %d bytes", n, len(b))
		}
		out, err := decodeMessage(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(in, out); d != "" {
			t.Errorf("%d members: %.500s", n, d)
		}
	}
}

func TestMessageWithoutTheLargePart(t *testing.T) {
	b, err := encodeMessage(model.Report{Node: "n1", Applied: 7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := decodeMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(message{Report: model.Report{Node: "n1", Applied: 7}}, out); d != "" {
		t.Error(d)
	}
}

func TestMessageRefusals(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range maxMessage>>20 + 1 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"empty": nil, "no JSON": []byte("x"), "cut short": bomb.Bytes()[:100], "bomb": bomb.Bytes(), "half a header": {0x1f, 0x8b}} {
		if _, err := decodeMessage(b); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
