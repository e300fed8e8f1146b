package store

import "lbd/store/model"

// ClusterInitPayload is the first entry of a cluster: its id, the first node
// and the first identities. A second one is refused.
type ClusterInitPayload struct {
	ClusterID   string             `json:"cluster_id"`
	Node        model.Node         `json:"node"`
	Projects    []model.Project    `json:"projects"`
	Users       []model.User       `json:"users"`
	Roles       []model.Role       `json:"roles"`
	Assignments []model.Assignment `json:"assignments"`
}

// NodeRef names a node to remove, or one whose dismissed amphorae are shown again.
type NodeRef struct {
	ID model.NodeID `json:"id"`
}

// NodeReplacement lets the spare By take the place of the data node Lost, which is
// a spare from then on.
type NodeReplacement struct {
	Lost model.NodeID `json:"lost"`
	By   model.NodeID `json:"by"`
}

// Settle ends what has been PENDING since Index or earlier: it becomes ACTIVE
// (PENDING_DELETE: removed), or ERROR with the reason where a node failed.
type Settle struct {
	Index    uint64          `json:"index"`
	Failures []model.Failure `json:"failures,omitempty"`
}
