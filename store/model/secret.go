package model

import "time"

// Secret is one object of the key manager. Its payload is sealed before it
// enters a command: log, snapshots and files hold ciphertext only.
type Secret struct {
	ID SecretID `json:"id"`
	Record
	Creator   UserID `json:"creator,omitempty"`
	Type      string `json:"type"` // symmetric, public, private, passphrase, certificate, opaque
	Algorithm string `json:"algorithm,omitempty"`
	BitLength int    `json:"bit_length,omitempty"`
	Mode      string `json:"mode,omitempty"`
	// Expires is when the secret stops being shown; zero means never.
	Expires time.Time `json:"expires,omitzero"`

	// ContentType of the payload, "" while there is none.
	ContentType string `json:"content_type,omitempty"`
	// Sealed is the payload, sealed for the id of the secret; nil while there is none.
	Sealed []byte `json:"sealed,omitempty"`

	// Metadata is what its users note beside it: MaxMetadata entries at most.
	Metadata map[string]string `json:"metadata,omitempty"`

	Access
}

// Expired reports whether the secret is over at now.
func (s *Secret) Expired(now time.Time) bool { return !s.Expires.IsZero() && !now.Before(s.Expires) }

// Container groups secrets under names: a certificate with its key, say.
type Container struct {
	ID ContainerID `json:"id"`
	Record
	Creator UserID      `json:"creator,omitempty"`
	Type    string      `json:"type"` // generic, certificate, rsa
	Secrets []SecretRef `json:"secrets,omitempty"`

	Access
}

// SecretRef is a secret's place in a container.
type SecretRef struct {
	Name   string   `json:"name,omitempty"`
	Secret SecretID `json:"secret"`
}

// Access says who besides the owning project may read, and who has announced use.
type Access struct {
	// ACL is nil for the default: the project may read.
	ACL       *ACL       `json:"acl,omitempty"`
	Consumers []Consumer `json:"consumers,omitempty"`
}

// Private reports whether the project as such may not read.
func (a *Access) Private() bool { return a.ACL != nil && !a.ACL.ProjectAccess }

// ACL of the operation "read", the only one there is.
type ACL struct {
	Users         []UserID  `json:"users,omitempty"`
	ProjectAccess bool      `json:"project_access"`
	Created       time.Time `json:"created_at"`
	Updated       time.Time `json:"updated_at"`
}

// Consumer is somebody who told that it uses a secret or container.
type Consumer struct {
	Project ProjectID `json:"project,omitempty"`
	// A container's consumers have Name and URL.
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
	// A secret's have these.
	Service      string    `json:"service,omitempty"`
	ResourceType string    `json:"resource_type,omitempty"`
	ResourceID   string    `json:"resource_id,omitempty"`
	Created      time.Time `json:"created_at"`
}

// Same reports whether two consumers are one, whoever registered it and when.
func (c Consumer) Same(o Consumer) bool {
	return c.Name == o.Name && c.URL == o.URL && c.Service == o.Service && c.ResourceType == o.ResourceType && c.ResourceID == o.ResourceID
}

// What one object of the key manager may hold, and a project may have of them.
const (
	MaxSecretPayload  = 64 << 10 // bytes, before sealing
	MaxSecrets        = 10000    // of a project
	MaxContainers     = 10000    // of a project
	MaxConsumers      = 1000     // of an object
	MaxACLUsers       = 500      // of an object
	MaxContainerItems = 64       // secrets of a container
	MaxMetadata       = 100      // entries of a secret
	MaxMetadatum      = 255      // characters of a key, and of a value
)
