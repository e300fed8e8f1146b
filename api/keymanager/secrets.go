package keymanager

import (
	"encoding/base64"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"lbd/api"
	"lbd/api/auth"
	"lbd/api/openapi"
	"lbd/store"
	"lbd/store/model"
)

const schemaSecret = "Secret"

func (p *Part) mountSecrets(r *api.Router, base string) {
	handleBody(r, "POST", base+"/secrets", "Secret creation", func(b *body) { _, _, _ = p.takeSecret(b) }, p.createSecret)
	handle(r, "GET", base+"/secrets", "Secret(s) retrieval", p.listSecrets)
	handleRaw(r, "GET", base+"/secrets/:id", "Secret retrieval", p.showSecret)
	handleRaw(r, "PUT", base+"/secrets/:id", "Secret update", p.putPayload)
	handle(r, "DELETE", base+"/secrets/:id", "Secret deletion", p.deleteSecret)
	handleRaw(r, "GET", base+"/secrets/:id/payload", "Secret payload retrieval", p.showPayload)
	secretAccess := &accessRoutes{p, "Secret", p.findAccess}
	secretAccess.mount(r, base+"/secrets/:id")
	p.mountMetadata(r, base+"/secrets/:id/metadata")
	handle(r, "GET", base+"/secrets/:id/consumers", "SecretConsumer(s) retrieval", p.listSecretConsumers)
	handleBody(r, "POST", base+"/secrets/:id/consumers", "SecretConsumer creation", func(b *body) { takeSecretConsumer(b) }, p.addSecretConsumer)
	handleBody(r, "DELETE", base+"/secrets/:id/consumers", "SecretConsumer deletion", func(b *body) { takeSecretConsumer(b) }, p.removeSecretConsumer)
}

var secretTypes = []string{"symmetric", "passphrase", "private", "public", "certificate", "opaque"}

func (p *Part) createSecret(c echo.Context) error {
	if !mayCreate(caller(c)) {
		return errForbidden
	}
	b, err := readBody(c, schemaSecret)
	if err != nil {
		return err
	}
	s, plain, err := p.takeSecret(b)
	if err != nil {
		return err
	}
	s.Project, s.Creator = caller(c).Project, caller(c).UserID
	if plain != nil {
		if s.Sealed, err = p.seal.Seal(string(s.ID), plain); err != nil {
			return err
		}
	}
	if err := p.apply(c, store.SecretCreate, s); err != nil {
		return err
	}
	ref := secretRef(c, s.ID)
	c.Response().Header().Set("Location", ref)
	return c.JSON(http.StatusCreated, map[string]any{"secret_ref": ref})
}

// takeSecret reads a secret, with its payload or without.
func (p *Part) takeSecret(b *body) (s *model.Secret, plain []byte, err error) {
	s = &model.Secret{
		ID:        model.SecretID(uuid.NewString()),
		Record:    model.Record{Name: b.text("name", 0, 255)},
		Type:      b.word("secret_type", "opaque", secretTypes...),
		Algorithm: b.text("algorithm", 0, 255),
		BitLength: b.integer("bit_length", 1, math.MaxInt16),
		Mode:      b.text("mode", 0, 255),
	}
	if at := b.text("expiration", 0, 255); at != "" {
		if s.Expires, err = parseTime(at); err != nil {
			b.fail("expiration", "Invalid date for 'expiration'")
		} else if !s.Expires.After(p.now()) {
			b.fail("expiration", "'expiration' is before current time")
		}
	}
	plain, err = takePayload(b, s)
	return s, plain, err
}

// takePayload reads the payload of a creation; nil means that it comes later.
func takePayload(b *body, s *model.Secret) ([]byte, error) {
	_, given := b.m["payload"]
	b.note("payload", openapi.Text(0))
	contentType := b.text("payload_content_type", 0, 255)
	encoding := b.word("payload_content_encoding", "", "base64")
	if !given {
		if contentType != "" {
			b.fail("payload", "payload must be provided when payload_content_type is specified")
		}
		return nil, b.err
	}
	text := b.text("payload", 0, math.MaxInt)
	normal, known := normalType(contentType)
	switch {
	case contentType == "":
		b.fail("payload_content_type", "If 'payload' is supplied, 'payload_content_type' must also be supplied.")
	case !known:
		b.fail("payload_content_type", "payload_content_type is not one of ['%s']", strings.Join(supportedTypes, "', '"))
	case normal == typeText && encoding != "":
		b.fail("payload_content_encoding", "payload_content_encoding is not one of None")
	case normal != typeText && encoding != "base64":
		b.fail("payload_content_encoding", "payload_content_encoding is not one of ['base64']")
	case text == "":
		b.fail("payload", "If 'payload' specified, must be non empty")
	}
	if b.err != nil {
		return nil, b.err
	}
	plain := []byte(text)
	if encoding == "base64" {
		var err error
		if plain, err = decodeBase64(text); err != nil || len(plain) == 0 {
			b.fail("payload", "Invalid payload for payload_content_encoding")
			return nil, b.err
		}
	}
	if len(plain) > model.MaxSecretPayload {
		return nil, tooLarge()
	}
	s.ContentType = normal
	return plain, nil
}

func tooLarge() error {
	return refuse(http.StatusRequestEntityTooLarge, "Provided information too large to process: a payload has at most %d bytes", model.MaxSecretPayload)
}

// decodeBase64 takes line breaks, which tools put in, and nothing else beside
// the alphabet.
func decodeBase64(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, s))
}

// parseTime reads ISO 8601 with or without a zone; without one it is UTC.
func parseTime(s string) (t time.Time, err error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if t, err = time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return t, err
}

// secret finds the secret of a request; one that is over is gone.
func (p *Part) secret(c echo.Context) (s *model.Secret, err error) {
	id, ok := model.KeyID(c.Param("id"))
	if !ok {
		return nil, refuse(http.StatusNotFound, "Not Found. Provided secret id is invalid.")
	}
	p.read.Read(func(st *store.State) { s, ok = st.Secret(model.SecretID(id)) })
	if !ok || s.Expired(p.now()) {
		return nil, secretNotFound()
	}
	return s, nil
}

// secretFor is the secret of a request, if the caller has a right to it.
func (p *Part) secretFor(c echo.Context, right func(owned, *auth.Caller) bool) (*model.Secret, error) {
	s, err := p.secret(c)
	if err == nil && !right(ofSecret(s), caller(c)) {
		return nil, errForbidden
	}
	return s, err
}

func secretView(c echo.Context, s *model.Secret) map[string]any {
	name := s.Name
	if name == "" {
		name = string(s.ID)
	}
	v := map[string]any{
		"name": name, "secret_ref": secretRef(c, s.ID), "secret_type": s.Type, "status": "ACTIVE",
		"algorithm": orNil(s.Algorithm), "bit_length": nil, "mode": orNil(s.Mode), "expiration": nil,
		"creator_id": orNil(s.Creator), "created": timestamp(s.Created), "updated": timestamp(s.Updated),
	}
	if asksFor(c, 1) { // older clients fail on a key they do not know
		v["consumers"] = consumerViews(s.Consumers, secretConsumer)
	}
	if s.BitLength != 0 {
		v["bit_length"] = s.BitLength
	}
	if !s.Expires.IsZero() {
		v["expiration"] = timestamp(s.Expires)
	}
	if s.ContentType != "" {
		v["content_types"] = map[string]any{"default": s.ContentType}
	}
	return v
}

// showSecret shows metadata, or the payload to a client that asks for a media
// type of payloads, as it was done before /payload existed.
func (p *Part) showSecret(c echo.Context) error {
	if a := c.Request().Header.Get("Accept"); a != "" {
		if _, known := normalType(a); known {
			return p.showPayload(c)
		}
	}
	s, err := p.secretFor(c, owned.mayShow)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, secretView(c, s))
}

func (p *Part) deleteSecret(c echo.Context) error {
	s, err := p.secretFor(c, owned.mayChange)
	if err != nil {
		return err
	}
	force := !c.QueryParams().Has("force") // before microversion 1.2 consumers did not count
	if !force {
		if force, err = boolean(c.QueryParam("force")); err != nil {
			return err
		}
	}
	if err := p.apply(c, store.SecretDelete, &store.SecretDeletePayload{ID: s.ID, Force: force}); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func badQuery() error {
	return refuse(http.StatusBadRequest, "URI provided invalid query string parameters.")
}

func boolean(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on", "t", "y":
		return true, nil
	case "false", "0", "no", "off", "f", "n":
		return false, nil
	}
	return false, badQuery()
}
