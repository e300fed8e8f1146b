package store

import (
	"slices"

	"lbd/store/model"
)

func (t *tx) containerCreate(p *model.Container) error {
	if err := fresh(t.st.containers, p.ID); err != nil {
		return err
	}
	if has(t.st.secrets, model.SecretID(p.ID)) {
		return Errorf(Conflict, "Already an entity with that specified id.")
	}
	if len(p.Secrets) > model.MaxContainerItems {
		return Errorf(Invalid, "A container holds at most %d secrets.", model.MaxContainerItems)
	}
	for i, r := range p.Secrets {
		if !has(t.st.secrets, r.Secret) {
			return Errorf(NotFound, "Secret provided for '%s' doesn't exist.", r.Name)
		}
		for _, o := range p.Secrets[:i] {
			if o.Name == r.Name || o.Secret == r.Secret {
				return Errorf(Invalid, "A container holds every name and every secret once.")
			}
		}
	}
	if len(t.st.containersOf[p.Project]) >= model.MaxContainers {
		return Errorf(Quota, "Creation not allowed because a quota has been reached: a project has at most %d containers.", model.MaxContainers)
	}
	n := *p
	t.bornRecord(&n.Record)
	t.st.putContainer(&n)
	return nil
}

func (t *tx) containerUpdate(p *ContainerPatch) error {
	old, ok := t.st.containers[p.ID]
	if !ok {
		return Errorf(NotFound, textContainerNotFound)
	}
	access, err := t.access(old.Access, &p.AccessPatch)
	if err != nil {
		return err
	}
	n := *old
	n.Access = access
	if p.AddSecret != nil || p.RemoveSecret != nil {
		if old.Type != "generic" {
			return Errorf(Invalid, "Only 'generic' containers can be modified.")
		}
		if n.Secrets, err = t.contents(old, p); err != nil {
			return err
		}
	}
	t.changed(&n.Record)
	t.st.putContainer(&n)
	return nil
}

// contents is what a generic container holds after a patch.
func (t *tx) contents(old *model.Container, p *ContainerPatch) ([]model.SecretRef, error) {
	secrets := slices.Clone(old.Secrets)
	if r := p.AddSecret; r != nil {
		if !has(t.st.secrets, r.Secret) {
			return nil, Errorf(NotFound, "Secret provided doesn't exist.")
		}
		if slices.ContainsFunc(secrets, func(o model.SecretRef) bool { return o.Name == r.Name || o.Secret == r.Secret }) {
			return nil, Errorf(Conflict, "Conflict. A secret with that name and ID is already stored in this container. The same secret can exist in a container as long as the name is unique.")
		}
		if len(secrets) >= model.MaxContainerItems {
			return nil, Errorf(Invalid, "A container holds at most %d secrets.", model.MaxContainerItems)
		}
		secrets = append(secrets, *r)
	}
	if r := p.RemoveSecret; r != nil {
		i := slices.Index(secrets, *r)
		if i < 0 {
			return nil, Errorf(NotFound, "Secret provided is not in the container")
		}
		if secrets = slices.Delete(secrets, i, i+1); len(secrets) == 0 {
			secrets = nil
		}
	}
	return secrets, nil
}

func (t *tx) containerDelete(p *ContainerRef) error {
	old, ok := t.st.containers[p.ID]
	if !ok {
		return Errorf(NotFound, textContainerNotFound)
	}
	if u, ok := t.st.userOfKey(string(p.ID)); ok {
		return Errorf(Conflict, "Container cannot be deleted as %s uses it.", u)
	}
	t.st.dropContainer(old)
	return nil
}
