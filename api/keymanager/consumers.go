package keymanager

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

func secretConsumer(x model.Consumer) map[string]any {
	return map[string]any{"service": x.Service, "resource_type": x.ResourceType, "resource_id": x.ResourceID}
}

func containerConsumer(x model.Consumer) map[string]any {
	return map[string]any{"name": x.Name, "URL": x.URL}
}

func takeSecretConsumer(b *body) *model.Consumer {
	return &model.Consumer{Service: b.text("service", 1, 255), ResourceType: b.text("resource_type", 1, 255), ResourceID: b.text("resource_id", 1, 36)}
}

func takeContainerConsumer(b *body) *model.Consumer {
	return &model.Consumer{Name: b.text("name", 1, 36), URL: b.text("URL", 1, 255)}
}

// readConsumer reads the consumer a request is about: one of the caller's project.
func readConsumer(c echo.Context, take func(*body) *model.Consumer) (*model.Consumer, error) {
	b, err := readBody(c, "Consumer")
	if err != nil {
		return nil, err
	}
	use := take(b)
	use.Project = caller(c).Project
	return use, b.err
}

func consumerViews(all []model.Consumer, view func(model.Consumer) map[string]any) []map[string]any {
	out := []map[string]any{}
	for _, x := range all {
		out = append(out, view(x))
	}
	return out
}

// dated adds what only listings of consumers have.
func dated(view func(model.Consumer) map[string]any) func(model.Consumer) map[string]any {
	return func(x model.Consumer) map[string]any {
		v := view(x)
		v["status"], v["created"], v["updated"] = "ACTIVE", timestamp(x.Created), timestamp(x.Created)
		return v
	}
}

func (p *Part) listSecretConsumers(c echo.Context) error {
	s, err := p.secretFor(c, owned.mayShow)
	if err != nil {
		return err
	}
	return answerPage(c, "/secrets/"+string(s.ID)+"/consumers", "consumers", s.Consumers, dated(secretConsumer))
}

func (p *Part) listContainerConsumers(c echo.Context) error {
	x, err := p.containerFor(c, owned.mayShow)
	if err != nil {
		return err
	}
	return answerPage(c, "/containers/"+string(x.ID)+"/consumers", "consumers", x.Consumers, dated(containerConsumer))
}

func (p *Part) changeSecretConsumer(c echo.Context, patch func(*model.Consumer) store.AccessPatch) error {
	s, err := p.secretFor(c, owned.mayDecrypt) // who may use it may say so
	if err != nil {
		return err
	}
	use, err := readConsumer(c, takeSecretConsumer)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.SecretUpdate, &store.SecretPatch{ID: s.ID, AccessPatch: patch(use)}); err != nil {
		return err
	}
	if s, err = p.secret(c); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, secretView(c, s))
}

func (p *Part) addSecretConsumer(c echo.Context) error {
	return p.changeSecretConsumer(c, func(x *model.Consumer) store.AccessPatch { return store.AccessPatch{AddConsumer: x} })
}

func (p *Part) removeSecretConsumer(c echo.Context) error {
	return p.changeSecretConsumer(c, func(x *model.Consumer) store.AccessPatch { return store.AccessPatch{RemoveConsumer: x} })
}

func (p *Part) changeContainerConsumer(c echo.Context, patch func(*model.Consumer) store.AccessPatch) error {
	x, err := p.containerFor(c, owned.mayDecrypt)
	if err != nil {
		return err
	}
	use, err := readConsumer(c, takeContainerConsumer)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.ContainerUpdate, &store.ContainerPatch{ID: x.ID, AccessPatch: patch(use)}); err != nil {
		return err
	}
	if x, err = p.container(c); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, containerView(c, x))
}

func (p *Part) addContainerConsumer(c echo.Context) error {
	return p.changeContainerConsumer(c, func(x *model.Consumer) store.AccessPatch { return store.AccessPatch{AddConsumer: x} })
}

func (p *Part) removeContainerConsumer(c echo.Context) error {
	return p.changeContainerConsumer(c, func(x *model.Consumer) store.AccessPatch { return store.AccessPatch{RemoveConsumer: x} })
}
