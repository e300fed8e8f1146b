package store

import (
	"maps"
	"slices"

	"lbd/store/model"
)

const (
	textSecretNotFound    = "Secret not found."
	textContainerNotFound = "Secrets container not found."
)

func (t *tx) secretCreate(p *model.Secret) error {
	if err := fresh(t.st.secrets, p.ID); err != nil {
		return err
	}
	// One uuid names one thing: listeners and pools refer to either.
	if has(t.st.containers, model.ContainerID(p.ID)) {
		return Errorf(Conflict, "Already an entity with that specified id.")
	}
	if len(t.st.secretsOf[p.Project]) >= model.MaxSecrets {
		return Errorf(Quota, "Creation not allowed because a quota has been reached: a project has at most %d secrets.", model.MaxSecrets)
	}
	n := *p
	t.bornRecord(&n.Record)
	t.st.putSecret(&n)
	return nil
}

func (t *tx) secretUpdate(p *SecretPatch) error {
	old, ok := t.st.secrets[p.ID]
	if !ok {
		return Errorf(NotFound, textSecretNotFound)
	}
	if len(p.Sealed) > 0 && len(old.Sealed) > 0 {
		return Errorf(Conflict, "Secret already has data, cannot modify it.")
	}
	access, err := t.access(old.Access, &p.AccessPatch)
	if err != nil {
		return err
	}
	n := *old
	n.Access = access
	if len(p.Sealed) > 0 {
		n.Sealed, n.ContentType = p.Sealed, p.ContentType
	}
	t.changed(&n.Record)
	t.st.putSecret(&n)
	return nil
}

func (t *tx) secretMetadata(p *SecretMetadataPatch) error {
	old, ok := t.st.secrets[p.ID]
	if !ok {
		return Errorf(NotFound, textSecretNotFound)
	}
	n := *old
	if n.Metadata = maps.Clone(old.Metadata); n.Metadata == nil {
		n.Metadata = map[string]string{}
	}
	_, there := n.Metadata[p.Key]
	switch {
	case p.Replace:
		n.Metadata = p.All
	case p.New && there:
		return Errorf(Conflict, "Conflict. Key in request is already in the secret metadata")
	case !p.New && !there:
		return Errorf(NotFound, "Secret metadata not found.")
	case p.Value == nil:
		delete(n.Metadata, p.Key)
	default:
		n.Metadata[p.Key] = *p.Value
	}
	if len(n.Metadata) > model.MaxMetadata {
		return Errorf(Invalid, "The metadata of a secret have at most %d entries.", model.MaxMetadata)
	}
	if len(n.Metadata) == 0 {
		n.Metadata = nil
	}
	t.changed(&n.Record)
	t.st.putSecret(&n)
	return nil
}

func (t *tx) secretDelete(p *SecretDeletePayload) error {
	old, ok := t.st.secrets[p.ID]
	if !ok {
		return Errorf(NotFound, textSecretNotFound)
	}
	if len(old.Consumers) > 0 && !p.Force {
		return Errorf(Conflict, "Secret cannot be deleted as it has consumers.")
	}
	if u, ok := t.st.userOfSecret(p.ID); ok {
		return Errorf(Conflict, "Secret cannot be deleted as %s uses it.", u)
	}
	// A container that held it keeps its other secrets.
	for _, c := range t.st.holders(p.ID) {
		m := *c
		m.Secrets = slices.DeleteFunc(slices.Clone(c.Secrets), func(r model.SecretRef) bool { return r.Secret == p.ID })
		t.changed(&m.Record)
		t.st.putContainer(&m)
	}
	t.st.dropSecret(old)
	return nil
}

// access is an object's access after a patch.
func (t *tx) access(a model.Access, p *AccessPatch) (model.Access, error) {
	switch {
	case p.ACL != nil:
		a.ACL = t.acl(a.ACL, p.ACL)
		if a.ACL != nil && len(a.ACL.Users) > model.MaxACLUsers {
			return a, Errorf(Invalid, "An access list names at most %d users.", model.MaxACLUsers)
		}
	case p.AddConsumer != nil:
		if slices.ContainsFunc(a.Consumers, p.AddConsumer.Same) {
			return a, nil
		}
		if len(a.Consumers) >= model.MaxConsumers {
			return a, Errorf(Quota, "Creation not allowed because a quota has been reached: at most %d consumers.", model.MaxConsumers)
		}
		n := *p.AddConsumer
		n.Created = t.at
		a.Consumers = append(slices.Clone(a.Consumers), n)
	case p.RemoveConsumer != nil:
		i := slices.IndexFunc(a.Consumers, p.RemoveConsumer.Same)
		if i < 0 {
			return a, Errorf(NotFound, "Consumer not found.")
		}
		if a.Consumers = slices.Delete(slices.Clone(a.Consumers), i, i+1); len(a.Consumers) == 0 {
			a.Consumers = nil
		}
	}
	return a, nil
}

func (t *tx) acl(old *model.ACL, p *ACLPatch) *model.ACL {
	if p.Remove {
		return nil
	}
	n := model.ACL{ProjectAccess: true, Created: t.at}
	if old != nil {
		n.Created = old.Created
		if !p.Replace {
			n.Users, n.ProjectAccess = old.Users, old.ProjectAccess
		}
	}
	set(&n.Users, p.Users)
	set(&n.ProjectAccess, p.ProjectAccess)
	n.Updated = t.at
	return &n
}
