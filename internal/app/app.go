package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/openecr/openecr/internal/auth"
	"github.com/openecr/openecr/internal/ref"
	"github.com/openecr/openecr/internal/registry"
	"github.com/openecr/openecr/internal/sqlmeta"
	"github.com/openecr/openecr/internal/transfer"
)

const (
	// shutdownGrace is how long requests that are running at a shutdown may take to end.
	shutdownGrace = time.Minute
	// maxHeader bounds what a request may send before anything is known about it.
	maxHeader = 32 << 10
	// maxStreams is how many requests an HTTP/2 connection may have under way. net/http runs no more handlers than that for
	// a connection, also where its client resets them at once.
	maxStreams = 100
)

// App is the program, opened and listening. Make one with New, then call Run.
type App struct {
	log          *slog.Logger
	server       *http.Server
	admin        *http.Server // nil when there is no admin listener
	control      *http.Server // takes commands
	challenge    *http.Server // proves to a certificate authority whose the domains are; nil when that is not asked by HTTP
	listener     net.Listener
	connections  *connections // what the server accepts from listener
	adminLis     net.Listener
	controlLis   net.Listener
	challengeLis net.Listener
	closers      []func() error        // in the order of opening
	predecessor  string                // process that had the data before and did not end in order; empty for none
	background   func(context.Context) // works while Run does
	ending       chan struct{}         // closed when Run is told to stop
	ready        *readiness
	tokenKeys    *tokenKeys
	delay        time.Duration // between the signal to stop and the end of listening

	info Info
}

// Info is what a user needs to know to reach the server. It is kept in the data folder for `openecr env`.
type Info struct {
	URL       string `json:"url"`       // "http://127.0.0.1:8080"
	Registry  string `json:"registry"`  // "127.0.0.1:8080/a1b2c3d4"
	AccountID string `json:"accountId"` // twelve digits
	Alias     string `json:"alias"`     // the default alias of that account
	// Certificate is a file that clients must be told to trust; empty when there is none.
	Certificate string `json:"certificate,omitempty"`
}

// New opens everything that c names and starts to listen, so that a mistake in it is found before the first request.
// When it fails, nothing stays open.
func New(ctx context.Context, c Config, log *slog.Logger) (_ *App, err error) {
	a := &App{log: log, ending: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err := c.checkRoot(); err != nil {
		return nil, err
	}
	proxies, err := c.trustedProxies()
	if err != nil {
		return nil, err
	}
	quotas, err := c.quotas()
	if err != nil {
		return nil, err
	}
	if err := c.checkGroups(); err != nil {
		return nil, err
	}
	rates, err := c.rates()
	if err != nil {
		return nil, err
	}
	size, err := c.capacity()
	if err != nil {
		return nil, err
	}
	a.boundRuntime(c, size)
	if err := a.takeData(ctx, c.Stores); err != nil {
		return nil, err
	}
	repaired, err := a.repair(c.Stores)
	if err != nil {
		return nil, err
	}
	stores, err := a.openStores(ctx, c.Stores, size)
	if err != nil {
		return nil, err
	}
	repaired.tell(ctx, log, time.Now())
	disks := watchDisks(c.Stores, size.minFree)
	gates := newGates(size, disks)
	public, err := a.listen(ctx, c, size.connections)
	if err != nil {
		return nil, err
	}
	auditLog, err := a.openAudit(c.Auditing, os.Stdout)
	if err != nil {
		return nil, err
	}
	observer, err := a.watch(ctx, c)
	if err != nil {
		return nil, err
	}
	watchStore(observer, stores)
	a.watchOverload(observer, gates, disks, size)
	a.ready, a.delay = newReadiness(stores), c.ShutdownDelay
	a.ready.lowDisks = disks.low
	meta, blobs, err := withFaults(observer.Meta(stores.meta), observer.Blobs(stores.blobs))
	if err != nil {
		return nil, err
	}
	reg := registry.New(registry.Config{Meta: meta, Blobs: disks.guard(blobs), CacheBytes: size.layerCache, Observer: observer.Registry(), Presign: presignerOf(stores.blobs), Host: public.Host, URL: public.String(), Alone: c.alone(), PageKey: stores.secrets.page[:], Limits: quotas, Lease: c.Lease})
	webhooks := newWebhookWorker(reg, stores.sealer, observer, log)
	account := newAuditor(auditLog, log, reg, observer.AuditRecord)
	a.closers = append(a.closers, func() error { return flushLast(reg) })
	if a.info, err = ensureRoot(ctx, reg, stores, c); err != nil {
		return nil, err
	}
	encryption, err := c.openTLS(public, log)
	if err != nil {
		return nil, err
	}
	a.info.Certificate = encryption.trust
	a.info.URL, a.info.Registry = public.String(), public.Host+"/"+a.info.Alias
	if err := writeInfo(c.Stores, a.info); err != nil {
		return nil, err
	}
	if err := a.listenSocket(ctx, c.Stores); err != nil {
		return nil, err
	}
	if a.tokenKeys, err = openTokenKeys(ctx, stores.tokenKeys(reg), c.TokenKeyAge); err != nil {
		return nil, err
	}
	a.background = func(ctx context.Context) {
		var jobs sync.WaitGroup
		jobs.Go(func() { c.collectInBackground(ctx, reg, log) })
		jobs.Go(func() { keepLists(ctx, reg, log) })
		jobs.Go(func() { account.keep(ctx) })
		jobs.Go(func() { webhooks.Run(ctx) })
		jobs.Go(func() { a.tokenKeys.keep(ctx, log) })
		jobs.Wait()
	}
	id := newIdentity(reg, stores, a.tokenKeys, public.Host)
	handler := newMux(muxConfig{rates: rates, strictRegion: c.StrictRegion, registry: reg, identity: id, stores: stores, public: public, spool: c.file(spoolFolder), alias: a.info.Alias, version: c.Version, access: c.Access, ready: a.ready, auditor: account, gates: gates})
	commands := newCommandHandler(&administration{registry: reg, sealer: stores.sealer, tokenKeys: a.tokenKeys.tokenKeyStore, data: c.Stores, root: ref.AccountID(a.info.AccountID), level: c.Level, ending: a.ending, auditor: account}, func(ctx context.Context) {
		id.forget()
		a.tokenKeys.refreshOrWarn(ctx, log)
	})
	a.makeServers(withMiddleware(guard(withProgress(handler, stallTimeout), c.publicHosts(a.listener.Addr(), public)), log, proxies, observer), withMiddleware(commandWire(commands), log, nil, observer), a.guardAdmin(newAdminMux(a.ready, observer.Handler())), encryption.challenges, size.window)
	a.server.TLSConfig = encryption.config
	return a, nil
}

// makeServers puts handlers behind the listeners.
func (a *App) makeServers(public, control, admin, challenges http.Handler, window int) {
	errorLog := slog.NewLogLogger(a.log.Handler(), slog.LevelDebug) // what clients do wrong on the wire is not an error of ours
	a.server = &http.Server{
		Handler:           public,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          errorLog,
		ConnState:         a.connections.track,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerConnection: window, MaxReceiveBufferPerStream: window, SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
	a.control = &http.Server{Handler: control, ReadHeaderTimeout: 10 * time.Second, ErrorLog: errorLog}
	if a.adminLis != nil {
		a.admin = &http.Server{Handler: admin, ReadHeaderTimeout: 10 * time.Second, ErrorLog: errorLog}
	}
	if a.challengeLis != nil {
		a.challenge = &http.Server{Handler: challenges, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 10 * time.Second, MaxHeaderBytes: maxHeader, ErrorLog: errorLog}
	}
}

func (a *App) guardAdmin(admin http.Handler) http.Handler {
	if a.adminLis == nil {
		return admin
	}
	return guard(admin, adminHosts(a.adminLis.Addr()))
}

// Info is how to reach the server.
func (a *App) Info() Info { return a.info }

// Handler answers requests as the server does, without the network.
func (a *App) Handler() http.Handler { return a.server.Handler }

// Run serves until ctx ends, then refuses new connections, lets running requests end and closes the stores. It returns
// nil after such an orderly end.
func (a *App) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	for _, s := range []struct {
		server   *http.Server
		listener net.Listener
	}{{a.server, a.connections}, {a.admin, a.adminLis}, {a.control, a.controlLis}, {a.challenge, a.challengeLis}} {
		if s.server == nil {
			continue
		}
		running.Go(func() {
			if err := serveOn(s.server, s.listener); !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("serve on %s: %w", s.listener.Addr(), err))
			}
		})
	}
	running.Go(func() { a.background(ctx) })
	settled := time.AfterFunc(settleAfter, giveBackMemory)
	defer settled.Stop()
	a.log.Info("serving", "addr", a.listener.Addr().String(), "url", a.info.URL, "registry", a.info.Registry)
	<-ctx.Done()
	close(a.ending)
	a.ready.drain()
	a.log.Info("stopping", "delay", a.delay.String(), "grace", shutdownGrace.String())
	if errors.Is(context.Cause(ctx), context.Canceled) { // told to, where nothing has failed
		time.Sleep(a.delay)
	}
	err := a.shutdown()
	running.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return errors.Join(err, a.Close())
}

// serveOn answers until the server is shut down. With TLS clients may speak HTTP/2.
func serveOn(s *http.Server, l net.Listener) error {
	if s.TLSConfig == nil {
		return s.Serve(l)
	}
	return s.ServeTLS(l, "", "")
}

// shutdown ends the servers. Requests that outlive the grace are cut off.
func (a *App) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("requests were still running after %s and were cut off", shutdownGrace)
		a.server.Close()
	}
	for _, s := range []*http.Server{a.admin, a.challenge} {
		if s != nil {
			s.Close()
		}
	}
	// A key can be disabled while long uploads drain, so commands end last. Each takes a moment.
	ctx, cancel = context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(err, a.control.Shutdown(ctx))
}

// Close gives back what New opened, last first. It is safe after Run.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// listen takes the ports and says under which URL clients come.
func (a *App) listen(ctx context.Context, c Config, connections int) (*url.URL, error) {
	public, err := c.publicURL()
	if err != nil {
		return nil, err
	}
	if a.listener, err = a.listenOn(ctx, "--addr", c.Addr); err != nil {
		return nil, err
	}
	a.connections = limitConnections(a.listener, connections)
	if c.AdminAddr != "" {
		if a.adminLis, err = a.listenOn(ctx, "--admin-addr", c.AdminAddr); err != nil {
			return nil, err
		}
	}
	if c.ACME.HTTP != "" {
		if a.challengeLis, err = a.listenOn(ctx, "--acme-http", c.ACME.HTTP); err != nil {
			return nil, err
		}
	}
	if public == nil {
		public = &url.URL{Scheme: c.scheme(), Host: c.host(a.listener.Addr())}
	}
	return public, nil
}

func (a *App) listenOn(ctx context.Context, option, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s %s is taken by another program: stop that one or choose another address", option, addr)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s cannot be listened on: %w", option, addr, err)
	}
	a.closers = append(a.closers, func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return l, nil
}

// reachable turns "all addresses" into one that a client on this machine can use.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return addr.String()
	}
	return fmt.Sprintf("127.0.0.1:%d", tcp.Port)
}

// stores is the data, opened.
type stores struct {
	meta    *sqlmeta.Store
	blobs   registry.Blobs
	sealer  *auth.Sealer
	secrets secrets
}

func (s stores) tokenKeys(reg *registry.Registry) *tokenKeyStore {
	return &tokenKeyStore{registry: reg, sealer: s.sealer, first: s.secrets.token}
}

func (a *App) openStores(ctx context.Context, s Stores, k capacity) (stores, error) {
	var opened stores
	options, err := s.metadataOptions()
	if err != nil {
		return stores{}, err
	}
	options.CacheBytes = k.pageCache
	if err := s.checkMasterKey(); err != nil {
		return stores{}, err
	}
	if opened.meta, err = sqlmeta.Open(ctx, options); err != nil {
		return stores{}, err
	}
	a.closers = append(a.closers, opened.meta.Close)
	if err := transfer.CheckWhole(ctx, opened.meta); err != nil {
		return stores{}, err
	}
	if opened.blobs, err = s.openBlobs(ctx, k.s3Buffers); err != nil {
		return stores{}, err
	}
	a.closers = append(a.closers, closerOf(opened.blobs))
	if opened.sealer, opened.secrets, err = openSecrets(ctx, opened.meta, s); err != nil {
		return stores{}, err
	}
	return opened, nil
}
