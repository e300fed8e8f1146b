package vrrp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

// Answer is a neighbour's answer, by ARP or Neighbour Discovery.
type Answer struct {
	Addr netip.Addr
	MAC  string
	Link string
}

// Prober asks by ARP or Neighbour Discovery who answers for addresses, without an
// address of its own, which puts nothing wrong into anybody's cache. The zero value is usable, by
// many at a time.
type Prober struct {
	// Tries and Wait: each address is asked Tries times, Wait apart; after the
	// last one it waits Wait again. Default 2 and 8 ms.
	Tries int
	Wait  time.Duration
}

// Conflict asks for every VIP on its link, all at once, and returns who
// answered, one per address and hardware address, not counting this machine. A
// link that cannot be asked is an error; answers of the others are returned
// with it.
func (p Prober) Conflict(ctx context.Context, vips []VIP) ([]Answer, error) {
	p.Tries, p.Wait = cmp.Or(p.Tries, probeTries), cmp.Or(p.Wait, probeWait)
	byLink := map[linkFamily][]netip.Addr{}
	for _, v := range vips {
		byLink[familyOf(v)] = append(byLink[familyOf(v)], v.Addr)
	}
	own, err := listLinks()
	if err != nil {
		return nil, err
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		found = map[Answer]bool{}
		errs  []error
	)
	for on, addrs := range byLink {
		c, err := openNeighbours(on.link, interest{addrs: addrs}) // here, on the caller's thread: in its namespace
		if err != nil {
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
			continue
		}
		wg.Go(func() {
			defer c.close()
			got, err := p.ask(ctx, c, addrs)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			for a := range got {
				found[a] = true
			}
		})
	}
	wg.Wait()
	for _, l := range own {
		maps.DeleteFunc(found, func(a Answer, _ bool) bool { return a.MAC == l.mac })
	}
	out := slices.SortedFunc(maps.Keys(found), func(a, b Answer) int {
		return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.MAC, b.MAC))
	})
	return out, errors.Join(errs...)
}

// ask on one link.
func (p Prober) ask(ctx context.Context, c neighbours, addrs []netip.Addr) (map[Answer]bool, error) {
	asked := map[netip.Addr]bool{}
	for _, a := range addrs {
		asked[a] = true
	}
	found := map[Answer]bool{}
	for range p.Tries {
		if err := ctx.Err(); err != nil {
			return found, fmt.Errorf("probe on %s: %w", c.on().link, err)
		}
		for _, a := range addrs {
			if err := c.ask(a); err != nil {
				return found, err
			}
		}
		if err := c.readUntil(time.Now().Add(p.Wait)); err != nil {
			return found, fmt.Errorf("probe on %s: %w", c.on().link, err)
		}
		for {
			r, err := c.read()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return found, fmt.Errorf("probe on %s: %w", c.on().link, err)
			}
			// Whatever says that the address is his is an answer: a reply, an
			// announcement, a question with it as sender.
			if asked[r.claims] {
				found[Answer{r.claims, r.mac.String(), c.on().link}] = true
			}
		}
	}
	return found, nil
}

// Silent reports that every VIP could be asked and nobody answered.
func (p Prober) Silent(ctx context.Context, vips []VIP) bool {
	a, err := p.Conflict(ctx, vips)
	return err == nil && len(a) == 0
}
