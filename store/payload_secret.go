package store

import "lbd/store/model"

// SecretPatch gives a secret its payload (once: Sealed and ContentType), or
// changes who may use it.
type SecretPatch struct {
	ID          model.SecretID `json:"id"`
	ContentType string         `json:"content_type,omitempty"`
	Sealed      []byte         `json:"sealed,omitempty"`
	AccessPatch
}

// SecretMetadataPatch changes what is noted beside a secret: the whole of it when
// Replace is set, else one entry.
type SecretMetadataPatch struct {
	ID      model.SecretID    `json:"id"`
	Replace bool              `json:"replace,omitempty"`
	All     map[string]string `json:"all,omitempty"` // with Replace
	Key     string            `json:"key,omitempty"`
	Value   *string           `json:"value,omitempty"` // nil removes the entry
	// New refuses a key that is there already; without it one that is not is refused.
	New bool `json:"new,omitempty"`
}

// AccessPatch changes who may read an object of the key manager, or who has
// announced to use it. At most one field is set.
type AccessPatch struct {
	ACL            *ACLPatch       `json:"acl,omitempty"`
	AddConsumer    *model.Consumer `json:"add_consumer,omitempty"`
	RemoveConsumer *model.Consumer `json:"remove_consumer,omitempty"`
}

// ACLPatch changes an access list. With Replace the fields left out are reset
// to their defaults, and with Remove the list as a whole is.
type ACLPatch struct {
	Replace       bool            `json:"replace,omitempty"`
	Remove        bool            `json:"remove,omitempty"`
	Users         *[]model.UserID `json:"users,omitempty"`
	ProjectAccess *bool           `json:"project_access,omitempty"`
}

// SecretDeletePayload deletes a secret, one with consumers only when Force is
// set. What a listener or pool uses is never deleted.
type SecretDeletePayload struct {
	ID    model.SecretID `json:"id"`
	Force bool           `json:"force,omitempty"`
}

// ContainerPatch changes who may use a container, or what a generic one holds.
type ContainerPatch struct {
	ID           model.ContainerID `json:"id"`
	AddSecret    *model.SecretRef  `json:"add_secret,omitempty"`
	RemoveSecret *model.SecretRef  `json:"remove_secret,omitempty"`
	AccessPatch
}

// ContainerRef names a container to delete.
type ContainerRef struct {
	ID model.ContainerID `json:"id"`
}
