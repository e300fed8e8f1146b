package keymanager

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"lbd/api/openapi"
	"lbd/store/model"
)

// Answer implements api.Answering. A secret itself may be asked for as its payload,
// so that it is no JSON.
func (p *Part) Answer(method, path string) *openapi.Schema {
	switch path {
	case "/key-manager":
		return openapi.Wrap("versions", openapi.List(openapi.Example(versionEntry(blank()))))
	case prefix:
		return openapi.Wrap("version", openapi.Example(versionEntry(blank())))
	}
	tail, ok := "", false
	for _, base := range bases {
		if rest, is := strings.CutPrefix(path, base+"/"); is {
			tail, ok = rest, true
		}
	}
	if !ok {
		return nil
	}
	c := blank()
	page := func(key string, of map[string]any) *openapi.Schema {
		s := openapi.Wrap(key, openapi.List(openapi.Example(of)))
		s.Add("total", &openapi.Schema{Type: "integer"})
		return s
	}
	ref := func(key string) *openapi.Schema { return openapi.Wrap(key, openapi.Format("uri")) }
	container := containerView(c, &model.Container{})
	switch method + " " + tail {
	case "GET orders":
		s := openapi.Wrap("orders", openapi.List(nil))
		s.Add("total", &openapi.Schema{Type: "integer"})
		return s
	case "GET quotas":
		return openapi.Wrap("quotas", openapi.Object())
	case "POST secrets":
		return ref("secret_ref")
	case "GET secrets":
		return page("secrets", secretView(c, &model.Secret{}))
	case "POST secrets/:id/consumers", "DELETE secrets/:id/consumers":
		return openapi.Example(secretView(c, &model.Secret{}))
	case "GET secrets/:id/consumers":
		return page("consumers", dated(secretConsumer)(model.Consumer{}))
	case "POST containers", "POST containers/:id/secrets":
		return ref("container_ref")
	case "GET containers":
		return page("containers", container)
	case "GET containers/:id", "POST containers/:id/consumers", "DELETE containers/:id/consumers":
		return openapi.Example(container)
	case "GET containers/:id/consumers":
		return page("consumers", dated(containerConsumer)(model.Consumer{}))
	case "GET secrets/:id/metadata":
		return openapi.Wrap("metadata", metadataSchema())
	case "PUT secrets/:id/metadata":
		return ref("metadata_ref")
	case "POST secrets/:id/metadata", "GET secrets/:id/metadata/:key", "PUT secrets/:id/metadata/:key":
		return openapi.Example(metadatum("", ""))
	case "PUT secrets/:id/acl", "PATCH secrets/:id/acl", "PUT containers/:id/acl", "PATCH containers/:id/acl":
		return ref("acl_ref")
	case "GET secrets/:id/acl", "GET containers/:id/acl":
		of := openapi.Object()
		of.Add("project-access", &openapi.Schema{Type: "boolean"})
		of.Add("users", openapi.List(openapi.Text(0)))
		of.Add("created", openapi.Format("date-time"))
		of.Add("updated", openapi.Format("date-time"))
		return openapi.Wrap("read", of)
	}
	return nil
}

// blank is a request of the newest microversion, for examples of what is answered.
func blank() echo.Context {
	return echo.New().NewContext(&http.Request{URL: &url.URL{}, Header: http.Header{"OpenStack-Api-Version": {"key-manager latest"}}}, nil)
}
