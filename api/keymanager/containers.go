package keymanager

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

const schemaContainer = "Container"

func (p *Part) mountContainers(r *api.Router, base string) {
	handleBody(r, "POST", base+"/containers", "Container creation", func(b *body) { takeContainer(b) }, p.createContainer)
	handle(r, "GET", base+"/containers", "Containers(s) retrieval", p.listContainers)
	handle(r, "GET", base+"/containers/:id", "Container retrieval", p.showContainer)
	handle(r, "DELETE", base+"/containers/:id", "Container deletion", p.deleteContainer)
	handleBody(r, "POST", base+"/containers/:id/secrets", "Container Secret creation", func(b *body) { _, _ = takeRef(b) }, p.addToContainer)
	handleBody(r, "DELETE", base+"/containers/:id/secrets", "Container Secret deletion", func(b *body) { _, _ = takeRef(b) }, p.removeFromContainer)
	containerAccess := &accessRoutes{p, "Container", p.findContainerAccess}
	containerAccess.mount(r, base+"/containers/:id")
	handle(r, "GET", base+"/containers/:id/consumers", "ContainerConsumers(s) retrieval", p.listContainerConsumers)
	handleBody(r, "POST", base+"/containers/:id/consumers", "ContainerConsumer creation", func(b *body) { takeContainerConsumer(b) }, p.addContainerConsumer)
	handleBody(r, "DELETE", base+"/containers/:id/consumers", "ContainerConsumer deletion", func(b *body) { takeContainerConsumer(b) }, p.removeContainerConsumer)
}

// Names that typed containers take: the first are needed.
func containerNames(typ string) (needed, allowed []string) {
	switch typ {
	case "certificate":
		return []string{"certificate"}, []string{"certificate", "private_key", "private_key_passphrase", "intermediates"}
	case "rsa":
		return []string{"public_key", "private_key"}, []string{"public_key", "private_key", "private_key_passphrase"}
	}
	return nil, nil
}

func (p *Part) createContainer(c echo.Context) error {
	if !mayCreate(caller(c)) {
		return errForbidden
	}
	b, err := readBody(c, schemaContainer)
	if err != nil {
		return err
	}
	x := takeContainer(b)
	if b.err != nil {
		return b.err
	}
	x.Project, x.Creator = caller(c).Project, caller(c).UserID
	if err := p.mayHold(c, x.Secrets); err != nil {
		return err
	}
	if err := p.apply(c, store.ContainerCreate, x); err != nil {
		return err
	}
	ref := containerRef(c, x.ID)
	c.Response().Header().Set("Location", ref)
	return c.JSON(http.StatusCreated, map[string]any{"container_ref": ref})
}

// takeContainer reads a container.
func takeContainer(b *body) *model.Container {
	x := &model.Container{ID: model.ContainerID(uuid.NewString()), Record: model.Record{Name: b.text("name", 0, 255)}}
	if _, ok := b.m["type"]; !ok {
		b.sketch.Need("type")
		b.fail("type", "'type' is a required property")
	}
	x.Type = b.word("type", "", "generic", "rsa", "certificate")
	x.Secrets = takeRefs(b)
	checkNames(b, x)
	return x
}

// takeRefs reads secret_refs.
func takeRefs(b *body) (out []model.SecretRef) {
	if b.sketch != nil {
		one := sketched()
		_, _ = takeRef(one)
		b.note("secret_refs", openapi.List(one.sketch))
	}
	raw, ok := b.take("secret_refs")
	if !ok || string(raw) == "null" {
		return nil
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		b.fail("secret_refs", "%s is not of type 'array'", shown(raw))
		return nil
	}
	if len(items) > model.MaxContainerItems {
		b.fail("secret_refs", "a container holds at most %d secrets", model.MaxContainerItems)
		return nil
	}
	for _, item := range items {
		one := &body{schema: b.schema}
		if json.Unmarshal(item, &one.m) != nil || one.m == nil {
			b.fail("secret_refs", "%s is not of type 'object'", shown(item))
			return nil
		}
		r, err := takeRef(one)
		if err != nil {
			b.err = err
			return nil
		}
		for _, o := range out {
			if o.Name == r.Name {
				b.fail("secret_refs", "Duplicate reference names are not allowed")
			}
			if o.Secret == r.Secret {
				b.fail("secret_refs", "Duplicate secret ids are not allowed")
			}
		}
		out = append(out, r)
	}
	return out
}

// takeRef reads {"name": ..., "secret_ref": ...}.
func takeRef(b *body) (model.SecretRef, error) {
	name, ref := b.text("name", 0, 255), b.text("secret_ref", 1, 1024)
	if b.err != nil {
		return model.SecretRef{}, b.err
	}
	id, ok := model.KeyID(ref)
	if !ok {
		b.fail("secret_ref", "'%.100s' does not end with the id of a secret", ref)
		return model.SecretRef{}, b.err
	}
	return model.SecretRef{Name: name, Secret: model.SecretID(id)}, nil
}

func checkNames(b *body, x *model.Container) {
	needed, allowed := containerNames(x.Type)
	if allowed == nil || len(x.Secrets) == 0 {
		return
	}
	has := func(name string) bool {
		return slices.ContainsFunc(x.Secrets, func(r model.SecretRef) bool { return r.Name == name })
	}
	for _, r := range x.Secrets {
		if !slices.Contains(allowed, r.Name) {
			b.fail("secret_refs", "only %v reference names are allowed for %s type", allowed, x.Type)
		}
	}
	for _, n := range needed {
		if !has(n) {
			b.fail("secret_refs", "the minimum required reference names are %v for %s type", needed, x.Type)
		}
	}
}

// mayHold checks that every secret is there and the caller may see it.
func (p *Part) mayHold(c echo.Context, refs []model.SecretRef) (err error) {
	p.read.Read(func(st *store.State) {
		for _, r := range refs {
			s, ok := st.Secret(r.Secret)
			switch {
			case !ok || s.Expired(p.now()):
				err = refuse(http.StatusNotFound, "Secret provided for '%s' doesn't exist.", r.Name)
			case !ofSecret(s).mayShow(caller(c)):
				err = errForbidden
			default:
				continue
			}
			return
		}
	})
	return err
}

func (p *Part) container(c echo.Context) (x *model.Container, err error) {
	id, ok := model.KeyID(c.Param("id"))
	if !ok {
		return nil, refuse(http.StatusNotFound, "Not Found. Provided container id is invalid.")
	}
	p.read.Read(func(st *store.State) { x, ok = st.Container(model.ContainerID(id)) })
	if !ok {
		return nil, containerNotFound()
	}
	return x, nil
}

// containerFor is the container of a request, if the caller has a right to it.
func (p *Part) containerFor(c echo.Context, right func(owned, *auth.Caller) bool) (*model.Container, error) {
	x, err := p.container(c)
	if err == nil && !right(ofContainer(x), caller(c)) {
		return nil, errForbidden
	}
	return x, err
}

func containerView(c echo.Context, x *model.Container) map[string]any {
	refs := []any{}
	for _, r := range x.Secrets {
		refs = append(refs, map[string]any{"name": orNil(r.Name), "secret_ref": secretRef(c, r.Secret)})
	}
	return map[string]any{
		"name": orNil(x.Name), "type": x.Type, "container_ref": containerRef(c, x.ID), "status": "ACTIVE",
		"creator_id": orNil(x.Creator), "created": timestamp(x.Created), "updated": timestamp(x.Updated),
		"secret_refs": refs, "consumers": consumerViews(x.Consumers, containerConsumer),
	}
}

func (p *Part) listContainers(c echo.Context) error {
	me := caller(c)
	if !mayList(me) {
		return errForbidden
	}
	q := c.QueryParams()
	var found []*model.Container
	p.read.Read(func(st *store.State) { found = st.ContainersOf(me.Project) })
	found = slices.DeleteFunc(found, func(x *model.Container) bool {
		return !ofContainer(x).mayShow(me) || q.Get("name") != "" && q.Get("name") != x.Name || q.Get("type") != "" && q.Get("type") != x.Type
	})
	return answerPage(c, "/containers", "containers", found, func(x *model.Container) map[string]any { return containerView(c, x) })
}

func (p *Part) showContainer(c echo.Context) error {
	x, err := p.containerFor(c, owned.mayShow)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, containerView(c, x))
}

func (p *Part) deleteContainer(c echo.Context) error {
	x, err := p.containerFor(c, owned.mayChange)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.ContainerDelete, &store.ContainerRef{ID: x.ID}); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) changeContents(c echo.Context, patch func(model.SecretRef) *store.ContainerPatch) (*model.Container, error) {
	x, err := p.containerFor(c, owned.mayChange)
	if err != nil {
		return nil, err
	}
	b, err := readBody(c, "ContainerSecret")
	if err != nil {
		return nil, err
	}
	r, err := takeRef(b)
	if err != nil {
		return nil, err
	}
	if err := p.mayHold(c, []model.SecretRef{r}); err != nil {
		return nil, err
	}
	n := patch(r)
	n.ID = x.ID
	return x, p.apply(c, store.ContainerUpdate, n)
}

func (p *Part) addToContainer(c echo.Context) error {
	x, err := p.changeContents(c, func(r model.SecretRef) *store.ContainerPatch { return &store.ContainerPatch{AddSecret: &r} })
	if err != nil {
		return err
	}
	ref := containerRef(c, x.ID)
	c.Response().Header().Set("Location", ref)
	return c.JSON(http.StatusCreated, map[string]any{"container_ref": ref})
}

func (p *Part) removeFromContainer(c echo.Context) error {
	if _, err := p.changeContents(c, func(r model.SecretRef) *store.ContainerPatch { return &store.ContainerPatch{RemoveSecret: &r} }); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
