package gallery

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/openecr/openecr/internal/registry"
)

// Options is what a Server needs. Registry and PublicURL are required.
type Options struct {
	Registry *registry.Registry
	// PublicURL is the scheme and host under which visitors and docker reach the server.
	PublicURL *url.URL
	// Version of the program, for the foot of every page.
	Version string
	// Private shows pages and feeds to those only who are signed in.
	Private bool
	// SignIn proves who somebody is, by AWS and the password of docker login or by an access key id and its secret. What
	// does not hold is an error of kind AccessDenied, whose text the visitor reads; too many tries are a *TooManyTries.
	// Nil when nobody can sign in.
	SignIn func(r *http.Request, name, secret string) (Session, error)
	// Resume is the session that a token stands for. It goes with SignIn; one that is over is of kind AccessDenied.
	Resume func(r *http.Request, token string) (Session, error)
	// Audit hears, before the answer, of every form that changes something or should have. Nil when nobody keeps account.
	Audit func(r *http.Request, caller registry.Caller, change registry.Change)
	// Observe hears once of every request, after its answer: which page it was, its caller as far as known, and why it failed.
	Observe func(r *http.Request, operation string, caller registry.Caller, err error)
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Server answers GET and HEAD of the gallery's addresses, and POST of its forms.
type Server struct {
	Options
	site     site
	pages    pages
	files    map[string]file
	markdown *markdown
	origins  *http.CrossOriginProtection
}

// New makes a Server.
func New(o Options) *Server {
	if o.Observe == nil {
		o.Observe = func(*http.Request, string, registry.Caller, error) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	files, names := readAssets()
	return &Server{
		Options:  o,
		site:     site{Host: o.PublicURL.Host, URL: o.PublicURL.Scheme + "://" + o.PublicURL.Host, Version: o.Version, Private: o.Private, SignIn: o.SignIn != nil, assets: names},
		pages:    parsePages(),
		files:    files,
		markdown: newMarkdown(o.PublicURL.Scheme + "://" + o.PublicURL.Host),
		origins:  http.NewCrossOriginProtection(),
	}
}

// TakesForms says whether the page at a path takes POST.
func TakesForms(path string) bool { return parseRoute(path).Place.takesForms() }

// visit is one request, as handlers see it.
type visit struct {
	*http.Request
	route   route
	query   url.Values
	session Session
	kept    string // the token that the browser keeps
}

// handler makes the answer for one kind of page. It writes nothing itself, so that an error can still become a page.
type handler func(*visit) (answer, error)

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &visit{Request: r, route: parseRoute(r.URL.Path), query: r.URL.Query()}
	if v.route.Place == atAsset {
		s.asset(w, v)
		return
	}
	a, err := s.answer(v)
	if err != nil {
		a = s.errorPage(v, w.Header().Get(requestIDHeader), err)
	}
	s.keep(v, &a)
	a.write(w, v)
	s.Observe(r, string(v.route.Place), v.session.Caller, err)
}

func (s *Server) answer(v *visit) (answer, error) {
	post := v.Method == http.MethodPost
	if v.Method != http.MethodGet && v.Method != http.MethodHead && !(post && v.route.Place.takesForms()) {
		return answer{}, errMethod
	}
	if v.route.Place == atRobots {
		return s.robots(v)
	}
	if err := s.resume(v); err != nil {
		return answer{}, err
	}
	if post {
		if err := s.readForm(v); err != nil {
			return answer{}, err
		}
	}
	switch {
	case v.route.Place == atSignIn:
		return s.signIn(v)
	case v.route.Place == atSignOut:
		return s.signOut(v)
	case s.Private && !v.signedIn() || v.route.Place.forOwners() && v.session.FormKey == "":
		return s.signInFirst(v)
	}
	if path := strings.TrimRight(v.URL.Path, "/"); v.route.Place == nowhere && path != v.URL.Path {
		if q := parseRoute(path); q.Place != nowhere && q.Place != atAsset {
			return redirect(http.StatusMovedPermanently, q.String()), nil
		}
	}
	return s.handler(v)(v)
}

func (s *Server) handler(v *visit) handler {
	feed := v.query.Get("feed") == "atom"
	switch v.route.Place {
	case atHome:
		return s.home
	case atSearch:
		return s.search
	case atPublisher:
		if feed {
			return s.feed
		}
		return s.publisher
	case atRepository:
		switch {
		case feed:
			return s.feed
		case v.query.Has("from"):
			return s.compare
		default:
			return s.repository
		}
	case atImage:
		return s.image
	case atSitemap:
		return s.sitemap
	case atOwn:
		return s.ownRepositories
	case atManage:
		return s.manage
	case atActivity:
		return s.activity
	case atRegistry:
		return s.ownRegistry
	default:
		return func(*visit) (answer, error) { return answer{}, errNowhere }
	}
}

// path names the visited repository to the core.
func (v *visit) path() registry.Path {
	return registry.Path{Registry: string(v.route.Alias), Name: v.route.Name}
}

// page is the number of the page that is asked for: at least 1, and 1 for what is no number.
func (v *visit) page() int {
	n, err := strconv.Atoi(v.query.Get("page"))
	if err != nil || n < 1 || n > 1_000_000 {
		return 1
	}
	return n
}
