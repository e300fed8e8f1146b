package store_test

import (
	"maps"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lbd/store"
	"lbd/store/model"
)

func secret(id string) *model.Secret {
	return &model.Secret{
		ID: model.SecretID(id), Record: model.Record{Project: "p1", Name: id}, Type: "opaque",
		ContentType: "text/plain", Sealed: []byte("box of " + id),
	}
}

func container(id, typ string, secrets ...model.SecretRef) *model.Container {
	return &model.Container{ID: model.ContainerID(id), Record: model.Record{Project: "p1"}, Type: typ, Secrets: secrets}
}

func TestPayloadOfASecretIsSetOnce(t *testing.T) {
	c := newCluster(t)
	empty := secret("s")
	empty.Sealed, empty.ContentType = nil, ""
	c.ok(store.SecretCreate, empty)
	c.ok(store.SecretUpdate, &store.SecretPatch{ID: "s", Sealed: []byte("box"), ContentType: "text/plain"})
	c.refused(store.SecretUpdate, &store.SecretPatch{ID: "s", Sealed: []byte("other"), ContentType: "text/plain"},
		store.Conflict, "Secret already has data, cannot modify it.")
	c.refused(store.SecretUpdate, &store.SecretPatch{ID: "t", Sealed: []byte("box")}, store.NotFound, "Secret not found.")
	c.read(func(st *store.State) {
		if s, _ := st.Secret("s"); string(s.Sealed) != "box" || s.ContentType != "text/plain" {
			t.Errorf("secret is %+v", s)
		}
	})
}

func TestDeletedSecretLeavesItsContainers(t *testing.T) {
	c := newCluster(t)
	c.ok(store.SecretCreate, secret("a"))
	c.ok(store.SecretCreate, secret("b"))
	c.ok(store.ContainerCreate, container("c", "generic", model.SecretRef{Name: "x", Secret: "a"}, model.SecretRef{Name: "y", Secret: "b"}))
	c.ok(store.SecretDelete, &store.SecretDeletePayload{ID: "a"})
	c.read(func(st *store.State) {
		got, _ := st.Container("c")
		if d := cmp.Diff([]model.SecretRef{{Name: "y", Secret: "b"}}, got.Secrets); d != "" {
			t.Error(d)
		}
	})
}

func TestContainersHoldWhatIsThereOnce(t *testing.T) {
	c := newCluster(t)
	c.ok(store.SecretCreate, secret("a"))
	x := model.SecretRef{Name: "x", Secret: "a"}
	c.refused(store.ContainerCreate, container("c", "generic", model.SecretRef{Name: "x", Secret: "b"}), store.NotFound, "Secret provided for 'x' doesn't exist.")
	c.refused(store.ContainerCreate, container("c", "generic", x, x), store.Invalid, "A container holds every name and every secret once.")
	c.refused(store.ContainerCreate, container("a", "generic"), store.Conflict, "Already an entity with that specified id.")
	c.ok(store.ContainerCreate, container("tls", "certificate", x))
	c.refused(store.ContainerUpdate, &store.ContainerPatch{ID: "tls", RemoveSecret: &x}, store.Invalid, "Only 'generic' containers can be modified.")
	c.ok(store.ContainerCreate, container("c", "generic"))
	c.refused(store.ContainerUpdate, &store.ContainerPatch{ID: "c", RemoveSecret: &x}, store.NotFound, "Secret provided is not in the container")
	c.ok(store.ContainerUpdate, &store.ContainerPatch{ID: "c", AddSecret: &x})
	c.ok(store.ContainerUpdate, &store.ContainerPatch{ID: "c", RemoveSecret: &x})
	c.ok(store.ContainerDelete, &store.ContainerRef{ID: "c"})
	c.refused(store.ContainerDelete, &store.ContainerRef{ID: "c"}, store.NotFound, "Secrets container not found.")
}

func TestAccessLists(t *testing.T) {
	c := newCluster(t)
	c.ok(store.SecretCreate, secret("a"))
	change := func(p store.ACLPatch) *model.ACL {
		t.Helper()
		c.ok(store.SecretUpdate, &store.SecretPatch{ID: "a", AccessPatch: store.AccessPatch{ACL: &p}})
		var acl *model.ACL
		c.read(func(st *store.State) { s, _ := st.Secret("a"); acl = s.ACL })
		return acl
	}
	if acl := change(store.ACLPatch{Users: &[]model.UserID{"u"}, ProjectAccess: ptr(false)}); acl.ProjectAccess || len(acl.Users) != 1 {
		t.Errorf("after the first change: %+v", acl)
	}
	if acl := change(store.ACLPatch{Users: &[]model.UserID{"u", "v"}}); acl.ProjectAccess || len(acl.Users) != 2 {
		t.Errorf("a change of the users: %+v", acl)
	}
	if acl := change(store.ACLPatch{Replace: true, Users: &[]model.UserID{"w"}}); !acl.ProjectAccess || len(acl.Users) != 1 {
		t.Errorf("a replacement: %+v", acl)
	}
	if acl := change(store.ACLPatch{Remove: true}); acl != nil {
		t.Errorf("after removal: %+v", acl)
	}
}

func TestSecretMetadata(t *testing.T) {
	c := newCluster(t)
	c.ok(store.SecretCreate, secret("a"))
	is := func(want map[string]string) {
		t.Helper()
		c.read(func(st *store.State) {
			if s, _ := st.Secret("a"); !maps.Equal(s.Metadata, want) {
				t.Errorf("metadata are %v, want %v", s.Metadata, want)
			}
		})
	}
	patch := func(key string, value *string, fresh bool) *store.SecretMetadataPatch {
		return &store.SecretMetadataPatch{ID: "a", Key: key, Value: value, New: fresh}
	}
	c.refused(store.SecretMetadata, &store.SecretMetadataPatch{ID: "b", Replace: true}, store.NotFound, "Secret not found.")
	c.refused(store.SecretMetadata, patch("k", ptr("v"), false), store.NotFound, "Secret metadata not found.")
	c.ok(store.SecretMetadata, patch("k", ptr("v"), true))
	c.refused(store.SecretMetadata, patch("k", ptr("w"), true), store.Conflict, "Conflict. Key in request is already in the secret metadata")
	is(map[string]string{"k": "v"})
	c.ok(store.SecretMetadata, patch("k", ptr("w"), false))
	c.ok(store.SecretMetadata, patch("l", ptr(""), true))
	is(map[string]string{"k": "w", "l": ""})
	c.ok(store.SecretMetadata, patch("k", nil, false))
	is(map[string]string{"l": ""})
	many := map[string]string{}
	for i := range model.MaxMetadata {
		many[strconv.Itoa(i)] = "x"
	}
	c.ok(store.SecretMetadata, &store.SecretMetadataPatch{ID: "a", Replace: true, All: many})
	c.refused(store.SecretMetadata, patch("one more", ptr("x"), true), store.Invalid, "The metadata of a secret have at most 100 entries.")
	is(many)
	c.ok(store.SecretMetadata, &store.SecretMetadataPatch{ID: "a", Replace: true})
	is(nil)
}

func TestConsumersKeepASecretUnlessForced(t *testing.T) {
	c := newCluster(t)
	c.ok(store.SecretCreate, secret("a"))
	use := &model.Consumer{Service: "octavia", ResourceType: "listener", ResourceID: "l"}
	patch := func(p store.AccessPatch) *store.SecretPatch { return &store.SecretPatch{ID: "a", AccessPatch: p} }
	c.refused(store.SecretUpdate, patch(store.AccessPatch{RemoveConsumer: use}), store.NotFound, "Consumer not found.")
	c.ok(store.SecretUpdate, patch(store.AccessPatch{AddConsumer: use}))
	c.ok(store.SecretUpdate, patch(store.AccessPatch{AddConsumer: use})) // it is the same one
	c.refused(store.SecretDelete, &store.SecretDeletePayload{ID: "a"}, store.Conflict, "Secret cannot be deleted as it has consumers.")
	c.ok(store.SecretUpdate, patch(store.AccessPatch{RemoveConsumer: use}))
	c.ok(store.SecretUpdate, patch(store.AccessPatch{AddConsumer: use}))
	c.ok(store.SecretDelete, &store.SecretDeletePayload{ID: "a", Force: true})
}
