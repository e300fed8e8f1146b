package store

import "lbd/store/model"

func (t *tx) clusterInit(p *ClusterInitPayload) error {
	if t.st.clusterID != "" {
		return Errorf(Conflict, "the cluster is initialised already")
	}
	if p.ClusterID == "" {
		return Errorf(Invalid, "the cluster has no id")
	}
	if err := checkIdentities(p); err != nil {
		return err
	}
	if err := t.nodePut(&p.Node); err != nil {
		return err
	}

	t.st.clusterID = p.ClusterID
	t.putIdentities(p)
	return nil
}

// nodePut adds a node or replaces what is known of it. A node keeps the time
// it joined at, and its kind, which nodeReplace alone changes: a node that tells
// its addresses need not know that it has been promoted meanwhile.
func (t *tx) nodePut(p *model.Node) error {
	n := *p
	if n.ID == "" || n.Name == "" {
		return Errorf(Invalid, "a node needs an id and a name")
	}
	switch n.Kind {
	case model.DataNode, model.Witness, model.Spare:
	case "":
		n.Kind = model.DataNode
	default:
		return Errorf(Invalid, "node %s is of unknown kind %q", n.Name, n.Kind)
	}
	if other, ok := t.st.NodeByName(n.Name); ok && other.ID != n.ID {
		return Errorf(Conflict, "a node named %s is in the cluster already", n.Name)
	}

	n.Joined = t.at
	if old, ok := t.st.nodes[n.ID]; ok {
		n.Joined, n.Kind = old.Joined, old.Kind
	}
	n.Revision = t.index
	t.st.putNode(&n)
	return nil
}

func (t *tx) nodeRemove(p *NodeRef) error {
	old, ok := t.st.nodes[p.ID]
	if !ok {
		return notFound("Node", p.ID)
	}

	t.st.dropNode(old)
	return nil
}

// nodeReplace exchanges the kinds of a data node and a spare. The voters follow.
func (t *tx) nodeReplace(p *NodeReplacement) error {
	lost, ok := t.st.nodes[p.Lost]
	if !ok {
		return notFound("Node", p.Lost)
	}
	by, ok := t.st.nodes[p.By]
	if !ok {
		return notFound("Node", p.By)
	}
	if lost.Kind != model.DataNode {
		return Errorf(Conflict, "node %s is a %s node: only a data node is replaced", lost.Name, lost.Kind)
	}
	if by.Kind != model.Spare {
		return Errorf(Conflict, "node %s is a %s node: only a spare replaces another", by.Name, by.Kind)
	}

	was, is := *lost, *by
	was.Kind, is.Kind = model.Spare, model.DataNode
	was.Revision, is.Revision = t.index, t.index
	t.st.putNode(&was)
	t.st.putNode(&is)
	return nil
}

// settingsPut replaces the settings of the cluster.
func (t *tx) settingsPut(p *model.Settings) error {
	switch p.Profile {
	case model.ProfileFast, model.ProfileDefault, model.ProfileCalm:
	default:
		return Errorf(Invalid, "Invalid input for field/attribute profile. Value: '%s'. Value should be one of: 'fast', 'default', 'calm'.", p.Profile)
	}
	s := *p
	t.st.settings = &s
	return nil
}

// roleChangeNote adds to the history, or replaces what is said of the same term.
// A term older than all that is kept is dropped at once when the history is full.
func (t *tx) roleChangeNote(p *model.RoleChange) error {
	if p.Term == 0 || p.Node == "" {
		return Errorf(Invalid, "a role change needs a term and a node")
	}
	if old, ok := t.st.roleChanges[p.Term]; ok && old.Node != p.Node {
		return Errorf(Conflict, "term %d belongs to node %s", p.Term, old.Node)
	}
	c := *p
	t.st.putRoleChange(&c)
	return nil
}
