package store

import (
	"maps"
	"unicode/utf8"

	"lbd/store/model"
)

// directoryPut is one of the creations and changes of the directory.
func (t *tx) directoryPut(p *DirectoryPut) error {
	switch {
	case p.Domain != nil:
		return t.domainCreate(p.Domain)
	case p.DomainPatch != nil:
		return t.domainUpdate(p.DomainPatch)
	case p.Project != nil:
		return t.projectCreate(p.Project)
	case p.ProjectPatch != nil:
		return t.projectUpdate(p.ProjectPatch)
	case p.User != nil:
		return t.userCreate(p.User)
	case p.UserPatch != nil:
		return t.userUpdate(p.UserPatch)
	case p.Group != nil:
		return t.groupCreate(p.Group)
	case p.GroupPatch != nil:
		return t.groupUpdate(p.GroupPatch)
	}
	return Errorf(Invalid, "nothing of the directory is to be written")
}

// extend sets attributes beside those that are there.
func extend(old, patch model.Extra) (model.Extra, error) {
	if len(patch) == 0 {
		return old, nil
	}
	out := maps.Clone(old)
	if out == nil {
		out = model.Extra{}
	}
	maps.Copy(out, patch)
	return out, CheckExtra(out)
}

// CheckExtra refuses more attributes of a client's own than an object may have.
func CheckExtra(e model.Extra) error {
	if len(e) > model.MaxExtra {
		return Errorf(Invalid, "Invalid input: besides its own, an object has at most %d attributes, and these are %d.", model.MaxExtra, len(e))
	}
	sum := 0
	for _, name := range sortedKeys(e) {
		if name == "" || utf8.RuneCountInString(name) > model.MaxExtraName {
			return Errorf(Invalid, "Invalid input for field '%.60s': the name of an attribute has 1 to %d characters.", name, model.MaxExtraName)
		}
		if sum += len(name) + len(e[name]); sum > model.MaxExtraBytes {
			return Errorf(Invalid, "Invalid input for field '%.60s': an object's attributes besides its own have at most %d bytes together.", name, model.MaxExtraBytes)
		}
	}
	return nil
}
