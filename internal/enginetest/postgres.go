package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	postgresPrograms = "/usr/lib/postgresql/15/bin" // of Debian's package postgresql-15
	postgresUser     = "openecr"
	// PostgresPassword is that of every cluster. No message or log may show it.
	PostgresPassword = "s3cret-p%ss/word"
	postgresStart    = time.Minute
)

// Cluster is a PostgreSQL server on a loopback port, with its data in a temporary folder and fsync on. It ends with the
// test that it was made for.
type Cluster struct {
	t       testing.TB
	dir     string
	port    int
	command *exec.Cmd
	ended   chan struct{} // closed when the process of command has ended
	log     string
	made    atomic.Int32 // databases
}

// Postgres makes a cluster and starts it. Its default collation is not that of bytes.
func Postgres(t testing.TB) *Cluster {
	t.Helper()
	c := newCluster(t)
	password := filepath.Join(filepath.Dir(c.dir), "password")
	if err := os.WriteFile(password, []byte(PostgresPassword+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c.run("initdb", "--pgdata", c.dir, "--username", postgresUser, "--auth", "scram-sha-256", "--pwfile", password,
		"--encoding", "UTF8", "--locale-provider", "icu", "--icu-locale", "en-US")
	c.Start()
	return c
}

// newCluster has a folder that the server's user may enter, and a port.
func newCluster(t testing.TB) *Cluster {
	t.Helper()
	parent, err := os.MkdirTemp("", "openecr-postgres-") // the folder of a test is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	c := &Cluster{t: t, dir: filepath.Join(parent, "data"), log: filepath.Join(parent, "log"), port: freePort(t)}
	if account := serverAccount(t); account != nil {
		if err := os.Chown(parent, int(account.Uid), int(account.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { c.end(syscall.SIGQUIT) })
	return c
}

// serverAccount is whom the server runs as: it refuses root. It is nil for anybody else, who runs it himself.
func serverAccount(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("install the Debian package postgresql-15: %v", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (c *Cluster) program(name string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(postgresPrograms, name), args...)
	command.Dir = filepath.Dir(c.dir)
	command.Env = append(os.Environ(), "PGPASSWORD="+PostgresPassword, "LC_ALL=C.UTF-8")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: serverAccount(c.t)}
	return command
}

func (c *Cluster) run(name string, args ...string) {
	c.t.Helper()
	if out, err := c.program(name, args...).CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Start starts the server and waits until it answers. After Kill the processes of the server before may take a moment
// to go, and one that starts too early gives up.
func (c *Cluster) Start() {
	c.t.Helper()
	c.await("start", func(ctx context.Context) error {
		if c.command == nil || isClosed(c.ended) {
			c.launch()
		}
		return c.exec(ctx, "SELECT 1")
	})
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (c *Cluster) launch() {
	c.t.Helper()
	c.command = c.program("postgres", "-D", c.dir, "-p", strconv.Itoa(c.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200",
		"-c", "shared_buffers=32MB", "-c", "wal_level=replica", "-c", "max_wal_senders=8", "-c", "hot_standby=on")
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	c.command.Stdout, c.command.Stderr = log, log
	if err := c.command.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan struct{})
	c.ended = ended
	go func(command *exec.Cmd) {
		_ = command.Wait() // how it ended is in the log
		close(ended)
	}(c.command)
}

// await asks until it succeeds: the server announces nothing.
func (c *Cluster) await(what string, ask func(context.Context) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), postgresStart)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			c.t.Fatalf("PostgreSQL has no %s after %s: %v\n%s", what, postgresStart, err, c.logTail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *Cluster) logTail() []byte {
	content, err := os.ReadFile(c.log)
	if err != nil {
		return []byte(err.Error())
	}
	return content[max(0, len(content)-4000):]
}

// Stop shuts the server down; those who are connected are cut off.
func (c *Cluster) Stop() { c.end(syscall.SIGINT) }

// Kill ends the server by SIGKILL, as a crash of its machine would, except that the disk keeps what it was given.
func (c *Cluster) Kill() { c.end(syscall.SIGKILL) }

func (c *Cluster) end(signal syscall.Signal) {
	if c.command == nil {
		return
	}
	// Its other processes notice by themselves that it has gone, and end.
	if err := c.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Error(err)
	}
	<-c.ended
	c.command = nil
}

// URL of a database in the cluster.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(postgresUser, PostgresPassword), Host: fmt.Sprintf("127.0.0.1:%d", c.port), Path: database}
	return u.String()
}

// Database makes an empty database and returns its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", c.made.Add(1))
	if err := c.exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return c.URL(name)
}

// Exec runs SQL as the superuser, in the database that belongs to nobody.
func (c *Cluster) Exec(t testing.TB, sql string) {
	t.Helper()
	if err := c.exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func (c *Cluster) exec(ctx context.Context, sql string) (err error) {
	conn, err := pgx.Connect(ctx, c.URL("postgres")+"?connect_timeout=5")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	_, err = conn.Exec(ctx, sql)
	return err
}

// Standby makes a second cluster that follows this one by streaming replication and answers reads. synchronous makes
// this one acknowledge a commit only once the standby has applied it.
func (c *Cluster) Standby(t testing.TB, synchronous bool) *Cluster {
	t.Helper()
	s := newCluster(t)
	s.t = t
	name := fmt.Sprintf("standby%d", s.port)
	primary := fmt.Sprintf("host=127.0.0.1 port=%d user=%s application_name=%s", c.port, postgresUser, name)
	s.run("pg_basebackup", "--pgdata", s.dir, "--dbname", primary, "--write-recovery-conf", "--checkpoint", "fast", "--wal-method", "stream")
	s.Start()
	if synchronous {
		c.Exec(t, "ALTER SYSTEM SET synchronous_standby_names = '"+name+"'")
		c.Exec(t, "ALTER SYSTEM SET synchronous_commit = 'remote_apply'")
		c.Exec(t, "SELECT pg_reload_conf()")
	}
	return s
}

// CatchUp waits until a standby has applied all that its primary has written by now.
func (c *Cluster) CatchUp(t testing.TB, primary *Cluster) {
	t.Helper()
	var written string
	if err := primary.ask(t.Context(), &written, "SELECT pg_current_wal_lsn()::text"); err != nil {
		t.Fatal(err)
	}
	c.await("received "+written, func(ctx context.Context) error {
		var applied bool
		err := c.ask(ctx, &applied, "SELECT pg_last_wal_replay_lsn() >= '"+written+"'")
		if err == nil && !applied {
			err = errors.New("it is behind its primary")
		}
		return err
	})
}

func (c *Cluster) ask(ctx context.Context, answer any, sql string) (err error) {
	conn, err := pgx.Connect(ctx, c.URL("postgres")+"?connect_timeout=5")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return conn.QueryRow(ctx, sql).Scan(answer)
}

// Promote makes a standby a primary and returns once it takes writes.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	c.Exec(t, "SELECT pg_promote(true, 60)")
	c.await("promotion", func(ctx context.Context) error { return c.exec(ctx, "CREATE TEMPORARY TABLE writable ()") })
}
