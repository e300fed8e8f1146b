package identity

import (
	"encoding/json"
	"fmt"

	"lbd/store"
	"lbd/store/model"
)

// scopeBody is a project by id, or by name and domain; a domain; or the system,
// which here is the project admin.
type scopeBody struct {
	Project *struct {
		named
		Domain *named `json:"domain"`
	} `json:"project"`
	System *struct {
		All bool `json:"all"`
	} `json:"system"`
	Domain   *named          `json:"domain"`
	Unscoped json.RawMessage `json:"unscoped"` // any value
}

// readScope takes the scope of a login apart; none is true for "unscoped".
func readScope(raw json.RawMessage) (s scopeBody, none bool, err error) {
	switch {
	case len(raw) == 0, string(raw) == "null":
	case string(raw) == `"unscoped"`:
		none = true
	default:
		err = s.read(raw)
		none = s.Unscoped != nil
	}
	return s, none, err
}

// read takes one of the kinds of scopes that there are. One that is not known, such as
// a trust, is refused: a login must not get another scope than it asked for.
func (s *scopeBody) read(raw json.RawMessage) error {
	kinds := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &kinds) != nil || json.Unmarshal(raw, s) != nil {
		return fmt.Errorf("%w: scope is not readable", errBadLogin)
	}
	known := 0
	for _, given := range []bool{s.Project != nil, s.Domain != nil, s.System != nil && s.System.All, s.Unscoped != nil} {
		if given {
			known++
		}
	}
	if known != 1 || len(kinds) != 1 {
		return fmt.Errorf(`%w: scope is one of project, domain, system ("all": true) or "unscoped"`, errBadLogin)
	}
	return nil
}

// scope puts a token on what a login asks for. A login that asks for nothing
// gets the user's default project, if the user has a role there.
func (p *Part) scope(t token, raw json.RawMessage) (out *session, err error) {
	want, none, err := readScope(raw)
	if err != nil {
		return nil, err
	}
	asked := want.Project != nil || want.System != nil || want.Domain != nil
	if t.App != "" && (asked || none) {
		return nil, errAppScope
	}
	err = errLogin
	p.read.Read(func(st *store.State) {
		ok := true
		if t.App == "" {
			t, ok = scoped(st, t, want)
		}
		if !ok {
			return
		}
		s, ok := (*session)(nil), false
		if !none {
			s, ok = p.session(st, t)
		}
		if !ok && !asked && t.App == "" {
			t.Project = ""
			s, ok = p.session(st, t)
		}
		if ok {
			s.UserEpoch, s.ScopeEpoch = s.epochs(st)
			out, err = s, nil
		}
	})
	return out, err
}

// scoped fills project or domain in.
func scoped(st *store.State, t token, want scopeBody) (token, bool) {
	ok := true
	var pr *model.Project
	switch {
	case want.Project != nil && want.Project.ID != "":
		pr, ok = st.Project(model.ProjectID(want.Project.ID))
	case want.Project != nil:
		var d model.DomainID
		if d, ok = domainNamed(st, want.Project.Domain); ok {
			pr, ok = st.ProjectNamed(d, want.Project.Name)
		}
	case want.System != nil:
		pr, ok = st.ProjectByName("admin")
	case want.Domain != nil:
		t.Domain, ok = domainNamed(st, want.Domain)
	default:
		if u, known := st.User(t.User); known {
			t.Project = u.DefaultProject
		}
	}
	if pr != nil {
		t.Project = pr.ID
	}
	return t, ok
}

// domainNamed finds a domain by id or name. Who names none means the default
// one.
func domainNamed(st *store.State, d *named) (model.DomainID, bool) {
	switch {
	case d == nil || d.ID == "" && d.Name == "":
		return model.DefaultDomain, true
	case d.ID != "":
		_, ok := st.Domain(model.DomainID(d.ID))
		return model.DomainID(d.ID), ok
	}
	if found, ok := st.DomainByName(d.Name); ok {
		return found.ID, true
	}
	return model.DefaultDomain, d.Name == string(model.DefaultDomain)
}
