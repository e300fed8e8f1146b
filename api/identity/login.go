package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/store"
	"lbd/store/model"
)

// loginBody is POST /v3/auth/tokens, as far as it is understood.
type loginBody struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User struct {
					ID       string `json:"id"`
					Name     string `json:"name"`
					Password string `json:"password"`
					Domain   *named `json:"domain"`
				} `json:"user"`
			} `json:"password"`
			Token struct {
				ID string `json:"id"`
			} `json:"token"`
		} `json:"identity"`
		Scope json.RawMessage `json:"scope"`
	} `json:"auth"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// scopeBody is a project by id, or by name and domain; or the system, which here
// is the project admin.
type scopeBody struct {
	Project *struct {
		named
		Domain *named `json:"domain"`
	} `json:"project"`
	System *struct {
		All bool `json:"all"`
	} `json:"system"`
	Domain *named `json:"domain"`
}

var (
	errLogin   = errors.New("user, password, project or domain is not right")
	errLimited = errors.New("too many failed logins; wait a minute")
)

// login answers 201 with the token in X-Subject-Token, 401 for whatever is wrong
// with user, password or scope alike, 400 for what is no login, 429 when there
// were too many failures.
func (p *Part) login(c echo.Context) error {
	var body loginBody
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err // the body limit, or the client left
	}
	if err := json.Unmarshal(b, &body); err != nil {
		return refuse(c, http.StatusBadRequest, "The request is not a login: "+jsonProblem(err)+".")
	}
	t, err := p.identify(c, &body)
	if err != nil {
		return p.refuseLogin(c, err)
	}
	if t.Project, err = p.scope(t.User, body.Auth.Scope); err != nil {
		return p.refuseLogin(c, err)
	}
	caller, ok := p.caller(t.User, t.Project)
	if !ok {
		return p.refuseLogin(c, errLogin)
	}
	text, err := p.sign.sign(t)
	if err != nil {
		return err
	}
	c.Response().Header().Set("X-Subject-Token", text)
	c.Response().Header().Set("Vary", "X-Auth-Token")
	return c.JSON(http.StatusCreated, p.tokenBody(c, t, caller))
}

// identify makes the token of whoever logs in, by password or by a token they
// have already; its project is not yet set. A token got for a token ends with
// it: nobody prolongs a token that was stolen.
func (p *Part) identify(c echo.Context, body *loginBody) (token, error) {
	if len(body.Auth.Identity.Methods) != 1 {
		return token{}, fmt.Errorf("%w: exactly one method is expected", errBadLogin)
	}
	now := p.now().UTC().Truncate(time.Microsecond)
	t := token{Issued: now, Expires: now.Add(p.ttl), Audit: rand.Text()[:22]}
	switch method := body.Auth.Identity.Methods[0]; method {
	case "password":
		user, err := p.byPassword(c, body)
		t.User, t.Method = user, method
		return t, err
	case "token":
		old, _, err := p.valid(body.Auth.Identity.Token.ID)
		if err != nil {
			return token{}, errLogin
		}
		t.User, t.Expires, t.First = old.User, old.Expires, cmp.Or(old.First, old.Audit)
		t.Method = "token," + strings.TrimPrefix(old.Method, "token,")
		return t, nil
	default:
		return token{}, fmt.Errorf("%w: %s", errMethod, strconv.Quote(method[:min(len(method), 40)]))
	}
}

var errMethod = errors.New("this login method is not served")

var errBadLogin = errors.New("the request is not a login")

func (p *Part) byPassword(c echo.Context, body *loginBody) (model.UserID, error) {
	in := body.Auth.Identity.Password.User
	if in.ID == "" && in.Name == "" {
		return "", fmt.Errorf("%w: a user needs a name or an id", errBadLogin)
	}
	var user *model.User
	if isDefaultDomain(in.Domain) || in.ID != "" {
		p.read.Read(func(st *store.State) {
			if in.ID != "" {
				user, _ = st.User(model.UserID(in.ID))
			} else {
				user, _ = st.UserByName(in.Name)
			}
		})
	}
	if err := p.verify(c.Request().Context(), user, cmp.Or(in.Name, in.ID), in.Password, c.RealIP()); err != nil {
		return "", err
	}
	return user.ID, nil
}

// maxName bounds user names that are looked at, in bytes.
const maxName = 255

// verify checks the password of user, nil being nobody, and keeps count. It
// fails with errLogin or errLimited, or when ctx ends before its turn.
func (p *Part) verify(ctx context.Context, user *model.User, name, password, source string) error {
	if len(name) > maxName {
		return errLogin
	}
	who := from(name, source)
	if user != nil {
		who = from(string(user.ID), source) // by name or id, it is one user
	}
	may := func() bool { return p.limit.allowed(who) }
	if !may() {
		return errLimited
	}
	hash := ""
	if user != nil && user.Enabled {
		hash = user.PasswordHash
	}
	ok, allowed, err := p.check.check(ctx, hash, password, may)
	switch {
	case err != nil:
		return fmt.Errorf("check a password: %w", err)
	case !allowed:
		return errLimited
	case !ok:
		p.limit.failed(who)
		p.log.Warn("login refused", "user", name, "from", source)
		return errLogin
	}
	p.limit.succeeded(who)
	return nil
}

// isDefaultDomain: a login that names no domain means the default one.
func isDefaultDomain(d *named) bool {
	return d == nil || d.ID == string(model.DefaultDomain) || d.ID == "" && (d.Name == "Default" || d.Name == string(model.DefaultDomain))
}

// scope is the project asked for; without one, the user's default project.
func (p *Part) scope(user model.UserID, raw json.RawMessage) (project model.ProjectID, err error) {
	var s scopeBody
	if len(raw) > 0 && raw[0] == '{' {
		if json.Unmarshal(raw, &s) != nil {
			return "", fmt.Errorf("%w: scope is not readable", errBadLogin)
		}
	} else if len(raw) > 0 && string(raw) != `"unscoped"` && string(raw) != "null" {
		return "", fmt.Errorf("%w: scope is not readable", errBadLogin)
	}
	if string(raw) == `"unscoped"` {
		return "", nil
	}
	p.read.Read(func(st *store.State) {
		var pr *model.Project
		switch {
		case s.Project != nil && s.Project.ID != "":
			pr, _ = st.Project(model.ProjectID(s.Project.ID))
		case s.Project != nil && isDefaultDomain(s.Project.Domain):
			pr, _ = st.ProjectByName(s.Project.Name)
		case s.System != nil:
			pr, _ = st.ProjectByName("admin")
		case s.Project == nil && s.Domain == nil:
			if u, ok := st.User(user); ok && u.DefaultProject != "" {
				pr, _ = st.Project(u.DefaultProject)
			}
			if pr == nil {
				return // unscoped
			}
		}
		if pr == nil {
			err = errLogin
			return
		}
		project = pr.ID
	})
	return project, err
}

func (p *Part) refuseLogin(c echo.Context, err error) error {
	switch {
	case errors.Is(err, errLimited):
		c.Response().Header().Set("Retry-After", "60")
		return refuse(c, http.StatusTooManyRequests, "Too many failed logins for this user or from this address. Wait a minute and try again.")
	case errors.Is(err, errBadLogin):
		return refuse(c, http.StatusBadRequest, "Invalid request: "+err.Error()+".")
	case errors.Is(err, errMethod):
		return refuse(c, http.StatusUnauthorized, "Attempted to authenticate with an unsupported method.")
	case errors.Is(err, errLogin), errors.Is(err, auth.ErrUnauthenticated):
		return refuse(c, http.StatusUnauthorized, "The request you have made requires authentication: user, password, project or domain is not right.")
	}
	return err
}

// refuse answers in Keystone's form.
func refuse(c echo.Context, status int, message string) error {
	if status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", baseURL(c)+"/identity"))
	}
	return c.JSON(status, map[string]any{"error": map[string]any{"code": status, "title": http.StatusText(status), "message": message}})
}

func jsonProblem(err error) string {
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%s must be a %s, not a %s", te.Field, te.Type, te.Value)
	}
	return "it is not valid JSON"
}
