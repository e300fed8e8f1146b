package api

import (
	"net/http"
	"strings"
)

// KeystoneFault is the error body of identity, and of authentication everywhere
// (contract 6.1, form 3).
type KeystoneFault struct {
	Error struct {
		Code    int    `json:"code"`
		Title   string `json:"title"`
		Message string `json:"message"`
	} `json:"error"`
}

// NewKeystoneFault is the body for a status and a text.
func NewKeystoneFault(status int, text string) KeystoneFault {
	var f KeystoneFault
	f.Error.Code, f.Error.Title, f.Error.Message = status, http.StatusText(status), text
	return f
}

// NeutronFault is the error body of networking (clients, section 4).
type NeutronFault struct {
	Error struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Detail  string `json:"detail"` // always empty
	} `json:"NeutronError"`
}

// NewNeutronFault is the body for a type and a text.
func NewNeutronFault(typ, text string) NeutronFault {
	var f NeutronFault
	f.Error.Type, f.Error.Message = typ, text
	return f
}

// inForm is the body of a refusal that comes before or around a handler, in the
// form of the service whose path it is: the clients of each print the text of
// no other. octavia is the body where load balancing or lbd itself was asked.
func inForm(path string, status int, text string, octavia any) any {
	switch partOf(path) {
	case "identity":
		return NewKeystoneFault(status, plain(status, text))
	case "networking":
		return NewNeutronFault("HTTP"+strings.ReplaceAll(http.StatusText(status), " ", ""), plain(status, text))
	case "key-manager":
		return NewRouteFault(status, plain(status, text))
	}
	return octavia
}

// plain is text, or what a status means where routing gave none.
func plain(status int, text string) string {
	switch {
	case text != "":
		return text
	case status == http.StatusNotFound:
		return "The resource could not be found."
	case status == http.StatusMethodNotAllowed:
		return "The method is not allowed for this resource."
	}
	return http.StatusText(status)
}
