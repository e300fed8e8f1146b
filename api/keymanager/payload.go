package keymanager

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/store"
	"lbd/store/model"
)

// Content types of payloads, in their normal form.
const (
	typeText   = "text/plain"
	typeBinary = "application/octet-stream"
)

var supportedTypes = []string{typeText, "text/plain;charset=utf-8", typeBinary, "application/pkcs8", "application/pkix-cert"}

// normalType is the normal form of a content type of payloads.
func normalType(s string) (string, bool) {
	mt, params, err := mime.ParseMediaType(s)
	if err != nil {
		return "", false
	}
	switch mt {
	case typeText:
		cs, has := params["charset"]
		return mt, !has || strings.EqualFold(cs, "utf-8")
	case typeBinary, "application/pkcs8", "application/pkix-cert":
		return mt, true
	}
	return "", false
}

// putPayload is the second step of a creation without a payload.
func (p *Part) putPayload(c echo.Context) error {
	s, err := p.secret(c)
	if err != nil {
		return err
	}
	if !ofSecret(s).mayChange(caller(c)) || !inProject(caller(c), s.Project) {
		return errForbidden
	}
	ct := c.Request().Header.Get("Content-Type")
	normal, known := normalType(ct)
	if !known {
		return refuse(http.StatusUnsupportedMediaType, "Content-Type of '%.100s' is not supported for PUT.", ct)
	}
	plain, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err // the client left
	}
	switch enc := c.Request().Header.Get("Content-Encoding"); {
	case enc == "base64" && normal != typeText:
		if plain, err = decodeBase64(strings.TrimSpace(string(plain))); err != nil {
			return refuse(http.StatusBadRequest, "Unable to decode request data.")
		}
	case enc != "" && enc != "binary":
		return refuse(http.StatusUnsupportedMediaType, "Content-Encoding of '%.100s' is not supported for PUT.", enc)
	}
	switch {
	case len(plain) == 0:
		return refuse(http.StatusBadRequest, "No data supplied to process.")
	case len(plain) > model.MaxSecretPayload:
		return tooLarge()
	}
	box, err := p.seal.Seal(string(s.ID), plain)
	if err != nil {
		return err
	}
	if err := p.apply(c, store.SecretUpdate, &store.SecretPatch{ID: s.ID, Sealed: box, ContentType: normal}); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (p *Part) showPayload(c echo.Context) error {
	s, err := p.secretFor(c, owned.mayDecrypt)
	if err != nil {
		return err
	}
	if len(s.Sealed) == 0 {
		return refuse(http.StatusNotFound, "Not Found. Sorry but your secret has no payload.")
	}
	plain, err := p.seal.Open(string(s.ID), s.Sealed)
	if err != nil {
		return err
	}
	as, ok := payloadType(c.Request().Header.Values("Accept"), s.ContentType, plain)
	if !ok {
		return refuse(http.StatusNotAcceptable, "Secret payload retrieval issue seen - accept not supported.")
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Blob(http.StatusOK, as, plain)
}

// payloadType is the content type of an answer: that of the payload, plain bytes
// for a client that wants just those, or text where the bytes are such: the
// stock client stores texts as bytes and asks for text.
func payloadType(accept []string, have string, plain []byte) (string, bool) {
	asked := false
	for _, line := range accept {
		for a := range strings.SplitSeq(line, ",") {
			mt, _, err := mime.ParseMediaType(a)
			if err != nil {
				continue
			}
			asked = true
			switch {
			case mt == have, mt == "*/*":
				return have, true
			case mt == typeBinary, mt == typeText && utf8.Valid(plain):
				return mt, true
			}
		}
	}
	return have, !asked
}
