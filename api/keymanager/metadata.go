package keymanager

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

// mountMetadata serves what the users of a secret note beside it. Who may see the
// secret may read it, who may use it may write it.
func (p *Part) mountMetadata(r *api.Router, path string) {
	entry := func(b *body) { takeMetadatum(b) }
	handle(r, "GET", path, "Secret metadata retrieval", p.showMetadata)
	handleBody(r, "PUT", path, "Secret metadata creation", func(b *body) { takeMetadata(b) }, p.putMetadata)
	handleBody(r, "POST", path, "Secret metadatum creation", entry, p.addMetadatum)
	handle(r, "GET", path+"/:key", "Secret metadatum retrieval", p.showMetadatum)
	handleBody(r, "PUT", path+"/:key", "Secret metadatum update", entry, p.putMetadatum)
	handle(r, "DELETE", path+"/:key", "Secret metadatum removal", p.dropMetadatum)
}

// metadatum is one entry as it is sent and shown.
func metadatum(key, value string) map[string]any {
	return map[string]any{"key": key, "value": value}
}

func metadataSchema() *openapi.Schema {
	return &openapi.Schema{Type: "object", AdditionalProperties: openapi.Text(model.MaxMetadatum)}
}

// takeMetadata reads {"metadata": {"key": "value", ...}}. Keys are kept in lower case.
func takeMetadata(b *body) map[string]string {
	b.note("metadata", metadataSchema())
	b.sketch.Need("metadata")
	raw, ok := b.take("metadata")
	if !ok {
		b.fail("metadata", "'metadata' is a required property")
		return nil
	}
	var in map[string]json.RawMessage
	if json.Unmarshal(raw, &in) != nil || in == nil {
		b.fail("metadata", "%s is not of type 'object'", shown(raw))
		return nil
	}
	out := make(map[string]string, len(in))
	for key, v := range in {
		var value string
		if json.Unmarshal(v, &value) != nil || string(v) == "null" {
			b.fail("metadata", "the value of '%.64s', %s, is not of type 'string'", key, shown(v))
		}
		lower := strings.ToLower(key)
		if _, twice := out[lower]; twice {
			b.fail("metadata", "'%.64s' is given twice: keys are kept in lower case", lower)
		}
		checkMetadatum(b, "metadata", lower, value)
		out[lower] = value
	}
	if len(out) > model.MaxMetadata {
		b.fail("metadata", "%d entries are too many, there may be %d", len(out), model.MaxMetadata)
	}
	return out
}

// takeMetadatum reads {"key": "k", "value": "v"}.
func takeMetadatum(b *body) (key, value string) {
	key = strings.ToLower(b.text("key", 1, model.MaxMetadatum))
	b.note("value", openapi.Text(model.MaxMetadatum))
	b.sketch.Need("value")
	raw, ok := b.take("value")
	switch {
	case !ok:
		b.fail("value", "'value' is a required property")
	case json.Unmarshal(raw, &value) != nil || bytes.Equal(raw, []byte("null")):
		b.fail("value", "%s is not of type 'string'", shown(raw))
	}
	checkMetadatum(b, "key", key, value)
	b.closed()
	return key, value
}

// checkMetadatum refuses keys that no path could name, and what is too long.
func checkMetadatum(b *body, property, key, value string) {
	odd := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_-", r)
	}
	switch {
	case key == "" || len(key) > model.MaxMetadatum || strings.ContainsFunc(key, odd):
		b.fail(property, "the key '%.64s' has not 1 to %d of letters, digits, '-' and '_'", key, model.MaxMetadatum)
	case utf8.RuneCountInString(value) > model.MaxMetadatum:
		b.fail(property, "the value of '%.64s' is longer than %d characters", key, model.MaxMetadatum)
	}
}

func (p *Part) showMetadata(c echo.Context) error {
	s, err := p.secretFor(c, owned.mayShow)
	if err != nil {
		return err
	}
	out := s.Metadata
	if out == nil {
		out = map[string]string{}
	}
	return c.JSON(http.StatusOK, map[string]any{"metadata": out})
}

func (p *Part) showMetadatum(c echo.Context) error {
	s, err := p.secretFor(c, owned.mayShow)
	if err != nil {
		return err
	}
	value, ok := s.Metadata[c.Param("key")]
	if !ok {
		return refuse(http.StatusNotFound, "Secret metadata not found.")
	}
	return c.JSON(http.StatusOK, metadatum(c.Param("key"), value))
}

// noteOn is the secret of a request that changes its metadata, and the body.
func (p *Part) noteOn(c echo.Context, schema string) (*model.Secret, *body, error) {
	s, err := p.secretFor(c, owned.mayDecrypt)
	if err != nil {
		return nil, nil, err
	}
	if schema == "" {
		return s, nil, nil
	}
	b, err := readBody(c, schema)
	return s, b, err
}

// entryOn is the secret of a request that sends one entry, and the entry.
func (p *Part) entryOn(c echo.Context) (s *model.Secret, key, value string, err error) {
	s, b, err := p.noteOn(c, "SecretMetadatum")
	if err != nil {
		return nil, "", "", err
	}
	key, value = takeMetadatum(b)
	return s, key, value, b.err
}

// putMetadata replaces all of it.
func (p *Part) putMetadata(c echo.Context) error {
	s, b, err := p.noteOn(c, "SecretMetadata")
	if err != nil {
		return err
	}
	all := takeMetadata(b)
	if b.err != nil {
		return b.err
	}
	if err := p.apply(c, store.SecretMetadata, &store.SecretMetadataPatch{ID: s.ID, Replace: true, All: all}); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, map[string]any{"metadata_ref": secretRef(c, s.ID) + "/metadata"})
}

func (p *Part) addMetadatum(c echo.Context) error {
	s, key, value, err := p.entryOn(c)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.SecretMetadata, &store.SecretMetadataPatch{ID: s.ID, Key: key, Value: &value, New: true}); err != nil {
		return err
	}
	c.Response().Header().Set("Location", secretRef(c, s.ID)+"/metadata/"+key)
	return c.JSON(http.StatusCreated, metadatum(key, value))
}

func (p *Part) putMetadatum(c echo.Context) error {
	s, key, value, err := p.entryOn(c)
	if err != nil {
		return err
	}
	if _, there := s.Metadata[c.Param("key")]; there && key != c.Param("key") {
		return refuse(http.StatusConflict, "Key in request data does not match key in the request url.")
	}
	if err := p.apply(c, store.SecretMetadata, &store.SecretMetadataPatch{ID: s.ID, Key: c.Param("key"), Value: &value}); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, metadatum(key, value))
}

func (p *Part) dropMetadatum(c echo.Context) error {
	s, _, err := p.noteOn(c, "")
	if err != nil {
		return err
	}
	if err := p.apply(c, store.SecretMetadata, &store.SecretMetadataPatch{ID: s.ID, Key: c.Param("key")}); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
