package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"lbd/api/auth"
	"lbd/api/openapi"
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
			AppCredential struct {
				ID     string `json:"id"`
				Name   string `json:"name"`
				Secret string `json:"secret"`
				User   struct {
					ID     string `json:"id"`
					Name   string `json:"name"`
					Domain *named `json:"domain"`
				} `json:"user"`
			} `json:"application_credential"`
		} `json:"identity"`
		Scope json.RawMessage `json:"scope"`
	} `json:"auth"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

var (
	errLogin   = errors.New("user, password, project or domain is not right")
	errLimited = errors.New("too many failed logins")
)

// limitedError is errLimited with the time to wait.
type limitedError time.Duration

func (e limitedError) Error() string {
	return fmt.Sprintf("%v; wait %s", errLimited, time.Duration(e).Round(time.Second))
}

func (e limitedError) Is(target error) bool { return target == errLimited }

// login answers 201 with the token in X-Subject-Token, 401 for whatever is wrong
// with user, password or scope alike, 400 for what is no login, 429 when there
// were too many failures.
func (p *Part) login(c echo.Context) error {
	var body loginBody
	if s := openapi.From(c.Request().Context()); s != nil {
		s.Root = openapi.Decoded(reflect.TypeFor[loginBody]())
		return openapi.ErrSketched
	}
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
	session, err := p.scope(t, body.Auth.Scope)
	if err != nil {
		return p.refuseLogin(c, err)
	}
	text, err := p.sign.sign(session.token)
	if err != nil {
		return err
	}
	c.Response().Header().Set("X-Subject-Token", text)
	return c.JSON(http.StatusCreated, tokenBody(c, session))
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
	case "application_credential":
		if len(body.Auth.Scope) > 0 && string(body.Auth.Scope) != "null" {
			return token{}, errAppScope
		}
		app, err := p.byAppCredential(c, body)
		if err != nil {
			return token{}, err
		}
		t.User, t.Project, t.App, t.Method = app.User, app.Project, app.ID, method
		if !app.Expires.IsZero() && app.Expires.Before(t.Expires) {
			t.Expires = app.Expires
		}
		return t, nil
	case "token":
		old, err := p.valid(body.Auth.Identity.Token.ID)
		if err != nil {
			return token{}, errLogin
		}
		t.User, t.Expires, t.First, t.App = old.User, old.Expires, cmp.Or(old.First, old.Audit), old.App
		if t.App != "" {
			t.Project = old.Project
		}
		t.Method = "token," + strings.TrimPrefix(old.Method, "token,")
		return t, nil
	default:
		return token{}, fmt.Errorf("%w: %s", errMethod, strconv.Quote(method[:min(len(method), 40)]))
	}
}

// errAppScope is returned when an application credential asks for a scope: it
// has its own.
var errAppScope = errors.New("application credentials cannot request a scope")

var errMethod = errors.New("this login method is not served")

var errBadLogin = errors.New("the request is not a login")

func (p *Part) byPassword(c echo.Context, body *loginBody) (model.UserID, error) {
	in := body.Auth.Identity.Password.User
	if in.ID == "" && in.Name == "" {
		return "", fmt.Errorf("%w: a user needs a name or an id", errBadLogin)
	}
	user := p.findUser(in.ID, in.Name, in.Domain)
	if err := p.verify(c.Request().Context(), user, cmp.Or(in.Name, in.ID), in.Password, c.RealIP()); err != nil {
		return "", err
	}
	return user.ID, nil
}

// findUser finds a user that may log in, by id or by name and domain; nil is
// nobody.
func (p *Part) findUser(id, name string, domain *named) (user *model.User) {
	p.read.Read(func(st *store.State) {
		u, ok := st.User(model.UserID(id))
		if id == "" {
			var d model.DomainID
			if d, ok = domainNamed(st, domain); ok {
				u, ok = st.UserNamed(d, name)
			}
		}
		if ok && st.UserWorks(u) {
			user = u
		}
	})
	return user
}

// byAppCredential finds the credential that the login names and checks its
// secret, slowed like a password.
func (p *Part) byAppCredential(c echo.Context, body *loginBody) (*model.AppCredential, error) {
	in := body.Auth.Identity.AppCredential
	if in.ID == "" && (in.Name == "" || in.User.ID == "" && in.User.Name == "") {
		return nil, fmt.Errorf("%w: an application credential needs an id, or a name and a user", errBadLogin)
	}
	if len(in.ID) > maxName || len(in.Name) > maxName*utf8.UTFMax {
		return nil, errLogin
	}
	var app *model.AppCredential
	if in.ID != "" {
		p.read.Read(func(st *store.State) { app, _ = st.AppCredential(model.AppCredentialID(in.ID)) })
	} else if user := p.findUser(in.User.ID, in.User.Name, in.User.Domain); user != nil {
		p.read.Read(func(st *store.State) { app, _ = st.AppCredentialNamed(user.ID, in.Name) })
	}
	name, hash := "application credential "+cmp.Or(in.ID, in.Name), ""
	if app != nil && !expired(app, p.now()) {
		name, hash = "application credential "+string(app.ID), app.SecretHash
	}
	if err := p.prove(c.Request().Context(), from(name, c.RealIP()), hash, in.Secret, name); err != nil {
		return nil, err
	}
	return app, nil
}

// verify checks the password of user, nil being nobody, and keeps count. It
// fails with errLogin or errLimited, or when ctx ends before its turn.
func (p *Part) verify(ctx context.Context, user *model.User, name, password, source string) error {
	if len(name) > maxName*utf8.UTFMax {
		return errLogin
	}
	who := from(name, source)
	if user != nil {
		who = from(string(user.ID), source) // by name or id, it is one user
	}
	hash := ""
	if user != nil {
		hash = user.PasswordHash
	}
	return p.prove(ctx, who, hash, password, name)
}

// prove checks a password or secret against what is stored, "" being nothing,
// unless too many such checks have failed.
func (p *Part) prove(ctx context.Context, who attempt, hash, password, name string) error {
	may := func() bool { return p.limit.allowed(who) }
	limited := func() error {
		p.metrics.logins.WithLabelValues("limited").Inc()
		return limitedError(p.limit.wait(who))
	}
	if !may() {
		return limited()
	}
	ok, allowed, err := p.check.check(ctx, hash, password, may)
	switch {
	case err != nil:
		return fmt.Errorf("check a password: %w", err)
	case !allowed:
		return limited()
	case !ok:
		p.metrics.logins.WithLabelValues("refused").Inc()
		p.limit.failed(who)
		p.log.Warn("login refused", "user", name, "from", who.source)
		return errLogin
	}
	p.metrics.logins.WithLabelValues("accepted").Inc()
	p.limit.succeeded(who)
	return nil
}

func (p *Part) refuseLogin(c echo.Context, err error) error {
	switch {
	case errors.Is(err, errLimited):
		wait := 1
		if l, ok := errors.AsType[limitedError](err); ok {
			wait = max(1, int(math.Ceil(time.Duration(l).Seconds())))
		}
		c.Response().Header().Set("Retry-After", strconv.Itoa(wait))
		return refuse(c, http.StatusTooManyRequests, fmt.Sprintf("Too many failed logins for this user or from this address. Wait %d seconds and try again.", wait))
	case errors.Is(err, errBadLogin):
		return refuse(c, http.StatusBadRequest, "Invalid request: "+err.Error()+".")
	case errors.Is(err, errAppScope):
		return refuse(c, http.StatusUnauthorized, "Application credentials cannot request a scope.")
	case errors.Is(err, errMethod):
		return refuse(c, http.StatusUnauthorized, "Attempted to authenticate with an unsupported method.")
	case errors.Is(err, errLogin), errors.Is(err, auth.ErrUnauthenticated):
		return refuse(c, http.StatusUnauthorized, "The request you have made requires authentication: user, password, project or domain is not right.")
	}
	return err
}

func jsonProblem(err error) string {
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%s must be a %s, not a %s", te.Field, te.Type, te.Value)
	}
	return "it is not valid JSON"
}
