package octavia

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/store"
	"lbd/store/model"
)

// What flavors, availability zones and their profiles have in common: they
// belong to no project, take effect at once, and whoever may not use them is
// told so before anything else (contract 3.10 and 8.2).

// maxProfileData bounds the JSON text of a profile, in characters.
const maxProfileData = 4096

// choice is one of these resources as its routes need it.
type choice[T any] struct {
	*resource[*T]
	adminReads bool
	rows       func(*store.State) []*T
	find       func(*store.State, string) (*T, bool)
	create     func(*object, *T) (id string, err error) // reads all of a request
	created    store.CommandKind
	update     func(id string, o *object) (patch any, err error)
	updated    store.CommandKind
	remove     func(id string) any
	removed    store.CommandKind
	arg        string // the name that messages give a body
}

func mountChoice[T any](p *Part, r *api.Router, path string, x *choice[T]) {
	mountVerbs(r, path,
		func(c echo.Context) error { return x.list(p, c) },
		func(c echo.Context) error { return x.make(p, c) },
		func(c echo.Context) error { return x.show(p, c) },
		func(c echo.Context) error { return x.change(p, c) },
		func(c echo.Context) error { return x.drop(p, c) }, nil)
}

func (x *choice[T]) mayRead(c echo.Context) error {
	if x.adminReads {
		return mustAdmin(c)
	}
	return mayRead(c, caller(c).Project)
}

func (x *choice[T]) list(p *Part, c echo.Context) error {
	if err := x.mayRead(c); err != nil {
		return err
	}
	return listAll(p, c, x.resource, func(s *seen) ([]*T, error) { return x.rows(s.st), nil })
}

func (x *choice[T]) found(id string) func(*seen) (*T, error) {
	return func(s *seen) (*T, error) {
		if v, ok := x.find(s.st, id); ok {
			return v, nil
		}
		return nil, notFound(x.noun, id)
	}
}

func (x *choice[T]) show(p *Part, c echo.Context) error {
	if err := x.mayRead(c); err != nil {
		return err
	}
	return show(p, c, x.resource, x.found(c.Param("id")))
}

// body reads a write request of an admin.
func (x *choice[T]) body(c echo.Context) (*object, error) {
	if err := mustAdmin(c); err != nil {
		return nil, err
	}
	if err := noQuery(c); err != nil {
		return nil, err
	}
	return readObject(c, x.arg, x.one)
}

func (x *choice[T]) make(p *Part, c echo.Context) error {
	o, err := x.body(c)
	if err != nil {
		return err
	}
	n := new(T)
	id, err := x.create(o, n)
	if err != nil {
		return err
	}
	if err := p.propose(c, x.created, n); err != nil {
		return err
	}
	return changed(p, c, x.resource, http.StatusCreated, x.found(id))
}

func (x *choice[T]) change(p *Part, c echo.Context) error {
	o, err := x.body(c)
	if err != nil {
		return err
	}
	id := c.Param("id")
	patch, err := x.update(id, o)
	if err != nil {
		return err
	}
	if err := p.propose(c, x.updated, patch); err != nil {
		return err
	}
	return changed(p, c, x.resource, http.StatusOK, x.found(id))
}

func (x *choice[T]) drop(p *Part, c echo.Context) error {
	if err := mustAdmin(c); err != nil {
		return err
	}
	if err := noQuery(c); err != nil {
		return err
	}
	if err := p.propose(c, x.removed, x.remove(c.Param("id"))); err != nil {
		return err
	}
	return noContent(c)
}

// capability is a key that the data of a profile may have here.
type capability struct{ name, description string }

var flavorCapabilities = []capability{{
	"loadbalancer_topology",
	"SINGLE or ACTIVE_STANDBY: what is wanted at least. Every load balancer has a standby while the cluster has a second data node.",
}}

var zoneCapabilities = []capability{
	{"compute_zone", "A name for where the cluster is. All of its nodes are one zone: the name moves nothing."},
	{"valid_vip_networks", "A list of networks. Load balancers of the zone may have their VIPs on these only."},
}

// profileData splits the JSON text of a profile (contract 3.10). option is what
// messages call the attribute.
func profileData(provider, text, option string) (*object, error) {
	if !json.Valid([]byte(text)) {
		return nil, notValidOption(shorten(text), option)
	}
	if !isProvider(provider) {
		return nil, invalid("Provider '%s' is not enabled.", shorten(provider))
	}
	raw := []byte(strings.TrimSpace(text))
	o, ok, err := newObject(&body{option, raw}, raw, option)
	switch {
	case err != nil:
		return nil, lacks(provider, err.Error())
	case !ok:
		return nil, lacks(provider, option+" is not an object")
	}
	return o, nil
}

// dataDone refuses what of the data nobody read, or read as wrong.
func dataDone(provider string, o *object) error {
	if err := o.done(); err != nil {
		return lacks(provider, err.Error())
	}
	return nil
}

// lacks refuses the data of a profile in the name its provider was given.
func lacks(provider, detail string) error {
	return store.Errorf(store.Unsupported, "Provider '%s' does not support a requested option: %s", provider, detail)
}

// flavorData reads what a flavor means here. The switches of SR-IOV may be off.
func flavorData(provider, text, option string) (model.FlavorData, error) {
	d := model.FlavorData{Text: text}
	o, err := profileData(provider, text, option)
	if err != nil {
		return d, err
	}
	d.Topology = o.word("loadbalancer_topology", model.TopologySingle, model.TopologyActiveStandby).V
	for _, key := range []string{"sriov_vip", "allow_member_sriov"} {
		if o.boolean(key).V {
			o.fail(invalid("%s: there is no SR-IOV here.", key))
		}
	}
	return d, dataDone(provider, o)
}

// zoneData reads what an availability zone means here.
func zoneData(provider, text, option string) (model.ZoneData, error) {
	d := model.ZoneData{Text: text}
	o, err := profileData(provider, text, option)
	if err != nil {
		return d, err
	}
	o.text("compute_zone", 255)
	for _, n := range list(o, "valid_vip_networks", parseID).V {
		d.VIPNetworks = append(d.VIPNetworks, model.NetworkID(n))
	}
	return d, dataDone(provider, o)
}

// profileFields are the attributes that both sorts of profiles have; data is
// the name of the third.
func profileFields(o *object, data string) (name, provider, text Opt[string]) {
	return o.text("name", 255), o.text("provider_name", 255), o.text(data, maxProfileData)
}

// notNull refuses null in updates of profiles.
func notNull(fields map[string]Opt[string]) error {
	for _, key := range sortedKeys(fields) {
		if fields[key].Null {
			return notValidOption("None", key)
		}
	}
	return nil
}
