package store

import "lbd/store/model"

func (st *State) putSecret(n *model.Secret) {
	st.secrets[n.ID] = n // its project never changes
	st.secretsOf.add(n.Project, n.ID)
}

func (st *State) dropSecret(old *model.Secret) {
	st.secretsOf.remove(old.Project, old.ID)
	delete(st.secrets, old.ID)
}

func (st *State) putContainer(n *model.Container) {
	if old, ok := st.containers[n.ID]; ok {
		st.unindexContainer(old)
	}
	st.containers[n.ID] = n
	st.containersOf.add(n.Project, n.ID)
	for _, r := range n.Secrets {
		st.holding.add(r.Secret, n.ID)
	}
}

func (st *State) dropContainer(old *model.Container) {
	st.unindexContainer(old)
	delete(st.containers, old.ID)
}

func (st *State) unindexContainer(old *model.Container) {
	st.containersOf.remove(old.Project, old.ID)
	for _, r := range old.Secrets {
		st.holding.remove(r.Secret, old.ID)
	}
}
