package storetest

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // makes the databases
)

// Postgres starts a server of Debian's package in a temporary folder and returns
// a function that makes an empty database and gives its URL. The server does not
// sync: it is not the one that dies. bot/store/testdata/setup installs it.
func Postgres(t *testing.T) (newDatabase func(*testing.T) string) {
	t.Helper()
	bin := postgresBin(t)
	dir, err := os.MkdirTemp("", "pg") // not t.TempDir: a socket's path is at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := notRoot(t, dir)
	runAs(t, as, filepath.Join(bin, "initdb"), "-D", dir+"/d", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync")
	port := freePort(t)
	runAs(t, as, filepath.Join(bin, "pg_ctl"), "-s", "-w", "-D", dir+"/d", "-l", dir+"/log",
		"-o", fmt.Sprintf("-k %s -p %d -c listen_addresses=127.0.0.1 -c fsync=off", dir, port), "start")
	t.Cleanup(func() { runAs(t, as, filepath.Join(bin, "pg_ctl"), "-s", "-m", "immediate", "-D", dir+"/d", "stop") })

	location := func(name string) string { return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s", port, name) }
	admin, err := sql.Open("pgx", location("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	n := 0
	return func(t *testing.T) string {
		t.Helper()
		n++
		name := fmt.Sprintf("test%d", n)
		if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
			t.Fatal(err)
		}
		return location(name)
	}
}

func postgresBin(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path)
	}
	const missing = "there is no Postgres; bot/store/testdata/setup installs it"
	if os.Getenv("CI") != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// notRoot gives the folder to an account that Postgres is willing to run as:
// ours, or the package's own when we are root.
func notRoot(t *testing.T, dir string) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid) // numbers on every system with a root
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func runAs(t *testing.T, as *syscall.Credential, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out.String())
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
