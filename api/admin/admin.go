package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/deps"
	"lbd/api/openapi"
	"lbd/api/operating"
	"lbd/store"
	"lbd/store/model"
)

// Part serves /v1.
type Part struct {
	read    deps.Reader
	observe deps.Observer
	cluster deps.Cluster
	spread  deps.Spread // nil: GET only
	silent  time.Duration
	events  *hub
	joins   *sources
}

// DefaultSilence is the age beyond which a node's row says nothing about now.
const DefaultSilence = operating.RoleSilentAfter

// New makes the part.
func New(read deps.Reader, observe deps.Observer, cluster deps.Cluster) *Part {
	p := &Part{read: read, observe: observe, cluster: cluster, silent: DefaultSilence, joins: newSources(time.Now)}
	p.events = newHub(read, p.fingerprint)
	return p
}

// SilentAfter sets the age beyond which a node is shown as unknown. Call it
// before the part is mounted. It should be the detection time and some reports.
func (p *Part) SilentAfter(d time.Duration) *Part {
	p.silent = d
	return p
}

// Mount implements api.Part.
func (p *Part) Mount(r *api.Router) {
	r.Handle("GET", "/v1/cluster", admin(p.showCluster))
	r.Handle("GET", "/v1/roles", admin(p.showRoles))
	r.PublicBody("POST", "/v1/cluster/join", fault(p.join))
	r.HandleBody("POST", "/v1/cluster/token", admin(p.token))
	r.Handle("GET", "/v1/cluster/pending", admin(p.pending))
	r.HandleBody("POST", "/v1/cluster/approve", admin(p.approve))
	r.HandleBody("POST", "/v1/cluster/switchover", admin(p.switchover))
	r.Handle("DELETE", "/v1/cluster/nodes/:node", admin(p.remove))
	r.Handle("POST", "/v1/cluster/nodes/:node/restart", admin(p.restart))
	r.Handle("GET", "/v1/cluster/profile", admin(p.showProfile))
	r.HandleBody("PUT", "/v1/cluster/profile", admin(p.setProfile))
	r.Handle("GET", "/v1/cluster/spread", admin(p.showSpread))
	r.HandleBody("PUT", "/v1/cluster/spread", admin(p.setSpread))
	r.HandleBody("POST", "/v1/cluster/spread/balance", admin(p.balanceSpread))
	r.Handle("GET", "/v1/cluster/history", admin(p.history))
	r.Handle("GET", "/v1/topology", fault(p.topology))
	r.Raw("GET", "/v1/events", fault(p.stream))
}

// admin lets only cloud admins through.
func admin(h echo.HandlerFunc) echo.HandlerFunc {
	return fault(func(c echo.Context) error {
		if !auth.From(c.Request().Context()).IsCloudAdmin() {
			return auth.Forbidden()
		}
		return h(c)
	})
}

// fault answers refusals in Octavia's form; every other error goes up.
func fault(h echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := h(c)
		if kind := store.KindOf(err); kind != "" {
			status := api.StatusOf(kind)
			return c.JSON(status, api.NewFault(status, err.Error()))
		}
		return err
	}
}

// maxBody bounds bodies of this part, in bytes; a join request with its
// certificate request is the largest, about 1 kB.
const maxBody = 32 << 10

// decode reads a JSON object strictly; no body at all is an empty object.
func decode(c echo.Context, into any) error {
	if s := openapi.From(c.Request().Context()); s != nil {
		s.Root = openapi.Decoded(reflect.TypeOf(into))
		return openapi.ErrSketched
	}
	b, err := io.ReadAll(io.LimitReader(c.Request().Body, maxBody+1))
	if err != nil {
		return err
	}
	if len(b) > maxBody {
		return echo.NewHTTPError(http.StatusRequestEntityTooLarge, "The request body is too large.")
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return store.Errorf(store.Invalid, "Invalid input for field/attribute %s. Value: '%s'. It must be a %s.", te.Field, te.Value, te.Type)
		}
		return store.Errorf(store.Invalid, "Request is not in valid JSON format: %s", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return store.Errorf(store.Invalid, "Request is not in valid JSON format: something follows the object")
	}
	return nil
}

// node finds a node by its name or id.
func (p *Part) node(name string) (id model.NodeID, err error) {
	err = store.Errorf(store.NotFound, "Node %s not found.", name)
	p.read.Read(func(st *store.State) {
		n, ok := st.NodeByName(name)
		if !ok {
			n, ok = st.Node(model.NodeID(name))
		}
		if ok {
			id, err = n.ID, nil
		}
	})
	return id, err
}
