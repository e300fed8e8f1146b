package store

import (
	"cmp"
	"time"

	"lbd/store/model"
)

func (st *State) Secret(id model.SecretID) (*model.Secret, bool) { return get(st.secrets, id) }

func (st *State) Container(id model.ContainerID) (*model.Container, bool) {
	return get(st.containers, id)
}

// SecretsOf are the secrets of a project.
func (st *State) SecretsOf(p model.ProjectID) []*model.Secret {
	return some(st.secrets, st.secretsOf[p], bySecret)
}

// ContainersOf are the containers of a project.
func (st *State) ContainersOf(p model.ProjectID) []*model.Container {
	return some(st.containers, st.containersOf[p], byContainer)
}

// Secrets are those of all projects.
func (st *State) Secrets() []*model.Secret { return all(st.secrets, bySecret) }

// ExpiredSecrets are at most most secrets that are over at now and that no
// listener or pool uses, by id. What is used stays until it is not: traffic goes on.
func (st *State) ExpiredSecrets(now time.Time, most int) (out []*model.Secret) {
	for _, s := range st.Secrets() {
		if len(out) == most {
			break
		}
		if !s.Expired(now) {
			continue
		}
		if _, used := st.userOfSecret(s.ID); !used {
			out = append(out, s)
		}
	}
	return out
}

// holders are the containers that hold a secret.
func (st *State) holders(id model.SecretID) []*model.Container {
	return some(st.containers, st.holding[id], byContainer)
}

// userOfSecret names an object that uses a secret, directly or by a container.
func (st *State) userOfSecret(id model.SecretID) (string, bool) {
	if u, ok := st.userOfKey(string(id)); ok {
		return u, true
	}
	for _, c := range st.holders(id) {
		if u, ok := st.userOfKey(string(c.ID)); ok {
			return u, true
		}
	}
	return "", false
}

// userOfKey names a listener or pool that refers to a secret or container: the
// first by id, so that every node gives the same answer.
func (st *State) userOfKey(id string) (string, bool) {
	var first ref
	found := false
	for r := range st.keyUsers[id] {
		if !found || r.id < first.id {
			first, found = r, true
		}
	}
	if !found {
		return "", false
	}
	if first.noun == nounPool {
		return "pool " + first.id, true
	}
	return "listener " + first.id, true
}

func bySecret(a, b *model.Secret) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
}

func byContainer(a, b *model.Container) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
}
