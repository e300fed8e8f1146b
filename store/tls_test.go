package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func TestTLSRefsLeadToPayloads(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb"))
	web, ca, box := keyUUID("a"), keyUUID("b"), keyUUID("c")
	l := listener("l", "lb", 443)
	l.Protocol = model.TerminatedHTTPS
	c.refused(store.ListenerCreate, l, store.Invalid,
		"Validation failure: An SNI or default certificate container reference must be provided for TERMINATED_HTTPS protocol listeners.")
	l.TLS = &model.ListenerTLS{Certificate: "http://n1/key-manager/v1/containers/" + box, ClientCA: ca}
	c.refused(store.ListenerCreate, l, store.Invalid,
		"Validation failure: Could not retrieve certificate: ['http://n1/key-manager/v1/containers/"+box+"', '"+ca+"']")

	c.ok(store.SecretCreate, secret(web))
	c.ok(store.SecretCreate, secret(ca))
	c.ok(store.ContainerCreate, container(box, "certificate", model.SecretRef{Name: "certificate", Secret: model.SecretID(web)}))
	c.ok(store.ListenerCreate, l)
	c.settle()

	inUse := "Secret cannot be deleted as listener l uses it."
	for _, id := range []string{web, ca} {
		c.refused(store.SecretDelete, &store.SecretDeletePayload{ID: model.SecretID(id), Force: true}, store.Conflict, inUse)
	}
	c.refused(store.ContainerDelete, &store.ContainerRef{ID: model.ContainerID(box)}, store.Conflict, "Container cannot be deleted as listener l uses it.")

	sv := c.s.Config().Services[0]
	var ids []string
	for _, s := range sv.Secrets {
		ids = append(ids, string(s.ID))
	}
	if d := cmp.Diff([]string{web, ca}, ids); d != "" || len(sv.Containers) != 1 {
		t.Errorf("the data plane gets %v and %d containers: %s", ids, len(sv.Containers), d)
	}

	c.ok(store.ListenerUpdate, &store.ListenerPatch{ID: "l", TLS: &store.ListenerTLSPatch{ClientCA: ptr("")}})
	c.ok(store.SecretDelete, &store.SecretDeletePayload{ID: model.SecretID(ca)})
	c.ok(store.ListenerDelete, &store.ListenerRef{ID: "l"})
	c.refused(store.SecretDelete, &store.SecretDeletePayload{ID: model.SecretID(web)}, store.Conflict, inUse) // it serves until that is settled
	c.settle()
	c.ok(store.ContainerDelete, &store.ContainerRef{ID: model.ContainerID(box)})
	c.ok(store.SecretDelete, &store.SecretDeletePayload{ID: model.SecretID(web)})
}

func TestTLSOfPools(t *testing.T) {
	c := newCluster(t)
	c.networks()
	c.ok(store.LoadBalancerCreate, lb("lb"))
	p := pool("p", "lb", "")
	p.Pool.TLS = &model.PoolTLS{Enabled: true, CRL: keyUUID("a")}
	c.refused(store.PoolCreate, p, store.Invalid, "Validation failure: A CA reference is required to specify a certificate revocation list.")
	p.Pool.TLS = &model.PoolTLS{Enabled: true, CA: keyUUID("a")}
	c.refused(store.PoolCreate, p, store.Invalid, "Validation failure: Could not retrieve certificate: ['"+keyUUID("a")+"']")
	c.ok(store.SecretCreate, secret(keyUUID("a")))
	c.ok(store.PoolCreate, p)
	c.refused(store.SecretDelete, &store.SecretDeletePayload{ID: model.SecretID(keyUUID("a"))}, store.Conflict, "Secret cannot be deleted as pool p uses it.")
	c.ok(store.PoolUpdate, &store.PoolPatch{ID: "p", TLS: &store.PoolTLSPatch{Enabled: ptr(false), CA: ptr("")}})
	c.ok(store.SecretDelete, &store.SecretDeletePayload{ID: model.SecretID(keyUUID("a"))})
}
