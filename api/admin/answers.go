package admin

import (
	"reflect"

	"lbd/api/deps"
	"lbd/api/openapi"
)

// Answer implements api.Answering.
func (p *Part) Answer(method, path string) *openapi.Schema {
	list := func(key string, of reflect.Type) *openapi.Schema {
		return openapi.Wrap(key, openapi.List(openapi.Decoded(of)))
	}
	switch method + " " + path {
	case "GET /v1/cluster":
		return openapi.Decoded(reflect.TypeFor[clusterView]())
	case "GET /v1/roles":
		return list("roles", reflect.TypeFor[roleView]())
	case "POST /v1/cluster/join":
		return openapi.Decoded(reflect.TypeFor[deps.JoinResponse]())
	case "POST /v1/cluster/token":
		return openapi.Wrap("token", openapi.Text(0))
	case "GET /v1/cluster/pending":
		return list("pending", reflect.TypeFor[deps.PendingNode]())
	case "POST /v1/cluster/nodes/:node/restart":
		return openapi.Wrap("version", openapi.Text(0))
	case "GET /v1/cluster/profile", "PUT /v1/cluster/profile":
		return openapi.Decoded(reflect.TypeFor[profileView]())
	case "GET /v1/cluster/spread", "PUT /v1/cluster/spread":
		return openapi.Decoded(reflect.TypeFor[spreadView]())
	case "POST /v1/cluster/spread/balance":
		return openapi.Wrap("moved", &openapi.Schema{Type: "integer"})
	case "GET /v1/cluster/history":
		return openapi.Decoded(reflect.TypeFor[historyView]())
	case "GET /v1/topology":
		return list("load_balancers", reflect.TypeFor[balancerView]())
	}
	return nil
}
