package certs

import (
	"crypto/tls"
	"errors"
	"fmt"

	"lbd/store/model"
)

// Opener opens what is sealed for an id.
type Opener interface {
	Open(id string, box []byte) ([]byte, error)
}

// Sealed is one sealed payload: the secret's id and box, and its name when it is
// part of a container.
type Sealed struct {
	Name, ID string
	Box      []byte
}

// Source is what a reference leads to: one unnamed secret, or the named ones of
// a container.
type Source struct {
	Container string // its type, "" for a secret
	Items     []Sealed
}

// Find follows a ref: to a secret, or to a container and its secrets. It fails
// when one of them is not there or has no payload.
func Find(ref string, secret func(model.SecretID) (*model.Secret, bool), container func(model.ContainerID) (*model.Container, bool)) (Source, error) {
	id, ok := model.KeyID(ref)
	if !ok {
		return Source{}, ErrNothing
	}
	if c, ok := container(model.ContainerID(id)); ok {
		s := Source{Container: c.Type}
		for _, r := range c.Secrets {
			x, ok := secret(r.Secret)
			if !ok || len(x.Sealed) == 0 {
				return Source{}, ErrNothing
			}
			s.Items = append(s.Items, Sealed{Name: r.Name, ID: string(x.ID), Box: x.Sealed})
		}
		return s, nil
	}
	x, ok := secret(model.SecretID(id))
	if !ok || len(x.Sealed) == 0 {
		return Source{}, ErrNothing
	}
	return Source{Items: []Sealed{{ID: string(x.ID), Box: x.Sealed}}}, nil
}

// ErrNothing is returned for a source without a payload.
var ErrNothing = errors.New("there is no payload")

// ErrBundle is wrapped by errors about a secret that is no usable bundle.
var ErrBundle = errors.New("not a usable PKCS #12 bundle")

// KeyPair opens a source as a certificate with its key: a certificate container,
// whose key may be under the passphrase that it holds,
// or a secret with a PKCS #12 bundle (or PEM text) without a passphrase.
func KeyPair(o Opener, s Source) (*tls.Certificate, error) {
	if s.Container == "" {
		b, err := Payload(o, s)
		if err != nil {
			return nil, err
		}
		if LooksLikePEM(b) {
			return FromPEM(b)
		}
		c, err := FromPKCS12(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBundle, err)
		}
		return c, nil
	}
	if s.Container != "certificate" {
		return nil, fmt.Errorf("a container of type %s is not a certificate", s.Container)
	}
	var p Parts
	for _, item := range s.Items {
		into := map[string]*[]byte{
			"certificate": &p.Certificate, "private_key": &p.PrivateKey, "intermediates": &p.Intermediates,
			"private_key_passphrase": &p.Passphrase,
		}[item.Name]
		if into == nil {
			continue
		}
		b, err := open(o, item)
		if err != nil {
			return nil, err
		}
		*into = b
	}
	return FromParts(p)
}

// Payload opens a source as one text: a secret, or the certificate of a container.
func Payload(o Opener, s Source) ([]byte, error) {
	for _, item := range s.Items {
		if s.Container == "" || item.Name == "certificate" {
			return open(o, item)
		}
	}
	return nil, ErrNothing
}

func open(o Opener, item Sealed) ([]byte, error) {
	if len(item.Box) == 0 {
		return nil, ErrNothing
	}
	b, err := o.Open(item.ID, item.Box)
	if err != nil {
		return nil, fmt.Errorf("open secret %s: %w", item.ID, err)
	}
	return b, nil
}
