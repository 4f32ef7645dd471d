package lake

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/apache/iceberg-go/catalog/hive"
	"github.com/beltran/gohive"
	"github.com/beltran/gohive/hive_metastore"
	"github.com/google/go-cmp/cmp"

	"github.com/sparktune/sparktune/analysis"
)

func connectTo(t *testing.T, catalog map[string]string) *Lake {
	t.Helper()
	l, err := Connect(t.Context(), Config{Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// exercise does with a catalog what the other tests do with the embedded one.
// The writers take turns where atOnce is false; else the lake is compacted again
// and again beside them.
func exercise(t *testing.T, catalog map[string]string, atOnce bool) {
	var wg, compacting sync.WaitGroup
	var want []analysis.Run
	for w := range 3 {
		want = append(want, ownRows(w, 3)...)
		l := connectTo(t, catalog) // one after the other finds the table
		wg.Go(func() {
			for _, r := range append(ownRows(w, 3), ownRows(shared, 2)...) {
				if _, err := l.Put(t.Context(), []analysis.Run{r}); err != nil {
					t.Error(err)
				}
			}
		})
		if !atOnce {
			wg.Wait()
		}
	}
	l := connectTo(t, catalog)
	ctx, stop := context.WithCancel(t.Context())
	if atOnce {
		compacting.Go(func() {
			for ctx.Err() == nil {
				if _, err := l.Compact(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	stop()
	compacting.Wait()
	better := ownRows(shared, 2)
	for i := range better {
		better[i].Events++
	}
	if got, want := put(t, l, better...), (PutStats{Replaced: 2}); got != want {
		t.Errorf("Put of better rows: got %+v, want %+v", got, want)
	}
	if stats, err := l.Compact(t.Context()); err != nil || stats.After != 1 {
		t.Errorf("Compact: got %+v, %v, want one file", stats, err)
	}
	if n, err := l.Expire(t.Context(), 0, 1); err != nil || n == 0 {
		t.Errorf("Expire: got %d, %v, want some", n, err)
	}
	want = append(want, better...)
	slices.SortFunc(want, byStart)
	if diff := cmp.Diff(want, runs(t, l, Query{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := verify(t, l); !r.Healthy() || r.Files != 1 || r.Rows != int64(len(want)) {
		t.Errorf("Verify: got %+v, want one file of %d rows", r, len(want))
	}
}

func TestRESTCatalog(t *testing.T) {
	uri := startREST(t)
	t.Run("ours", func(t *testing.T) { exercise(t, map[string]string{"type": "rest", "uri": uri}, true) })
	t.Run("pyiceberg", func(t *testing.T) {
		uri := startREST(t)
		readAndWrite(t, connectTo(t, map[string]string{"type": "rest", "uri": uri}),
			pyiceberg(t, map[string]string{"type": "rest", "uri": uri}))
	})
	t.Run("spark", func(t *testing.T) {
		uri := startREST(t)
		readAndWrite(t, connectTo(t, map[string]string{"type": "rest", "uri": uri}),
			spark(t, map[string]string{"type": "rest", "uri": uri}))
	})
}

// startREST starts Iceberg's own REST catalog server.
func startREST(t *testing.T) string {
	dir, port := t.TempDir(), freePort(t)
	start(t, port, []string{
		"CATALOG_WAREHOUSE=" + dir, "CATALOG_URI=jdbc:sqlite:" + dir + "/rest.db", fmt.Sprint("CATALOG_REST_PORT=", port),
	}, "java", "-Xmx256m", "-cp", jars(t, "rest", ":"), "org.apache.iceberg.rest.RESTCatalogServer")
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

func TestGlueCatalog(t *testing.T) {
	// AWS refuses an update on top of an old version; the stand-in does not.
	t.Run("ours", func(t *testing.T) { exercise(t, startGlue(t), false) })
	t.Run("pyiceberg", func(t *testing.T) {
		glue := startGlue(t)
		readAndWrite(t, connectTo(t, glue), pyiceberg(t, glue))
	})
	t.Run("spark", func(t *testing.T) {
		glue := startGlue(t)
		cmd := spark(t, map[string]string{
			"catalog-impl": "org.apache.iceberg.aws.glue.GlueCatalog", "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
			"warehouse": glue["warehouse"], "glue.endpoint": glue["glue.endpoint"], "s3.endpoint": glue["s3.endpoint"],
			"s3.path-style-access": "true", "client.region": glue["glue.region"],
		})
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1")
		readAndWrite(t, connectTo(t, glue), cmd)
	})
}

// startGlue starts a stand-in for AWS and makes a bucket.
func startGlue(t *testing.T) map[string]string {
	port := freePort(t)
	start(t, port, nil, filepath.Join(environment(t, "moto"), "bin", "moto_server"), "-H", "127.0.0.1", "-p", fmt.Sprint(port))
	endpoint := fmt.Sprintf("http://127.0.0.1:%d", port)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, endpoint+"/lake", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("make bucket: %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	return map[string]string{
		"type": "glue", "warehouse": "s3://lake/warehouse",
		"glue.endpoint": endpoint, "glue.region": "us-east-1", "glue.access-key-id": "test", "glue.secret-access-key": "test",
		"s3.endpoint": endpoint, "s3.region": "us-east-1", "s3.access-key-id": "test", "s3.secret-access-key": "test",
	}
}

func TestHiveCatalog(t *testing.T) {
	tables := lockTables(t)
	t.Run("ours", func(t *testing.T) { exercise(t, startHive(t, tables), true) })
	t.Run("pyiceberg", func(t *testing.T) {
		catalog := startHive(t, tables)
		readAndWrite(t, connectTo(t, catalog), pyiceberg(t, catalog))
	})
	t.Run("spark", func(t *testing.T) {
		catalog := startHive(t, tables)
		readAndWrite(t, connectTo(t, catalog), spark(t, catalog))
	})
	t.Run("locked", func(t *testing.T) { lockedHive(t, startHive(t, tables)) })
}

// lockedHive has somebody hold the lock of a table, longer than iceberg-go waits
// for it by default, and then for ever.
func lockedHive(t *testing.T, catalog map[string]string) {
	l := connectTo(t, catalog)
	put(t, l, ownRows(0, 1)...)
	release := lockRuns(t, catalog)
	time.AfterFunc(3*time.Second, release)
	put(t, l, ownRows(1, 1)...)

	defer func(d time.Duration) { patience = d }(patience)
	patience = time.Millisecond
	hasty := maps.Clone(catalog)
	hasty[hive.LockCheckRetries] = "1"
	release = lockRuns(t, catalog)
	_, err := connectTo(t, hasty).Put(t.Context(), ownRows(2, 1))
	if want := "table sparktune.runs: stays locked by another process"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q in it", err, want)
	}
	release()
	put(t, l, ownRows(2, 1)...)
}

// lockRuns takes the lock of the table of runs as Iceberg's writers do.
func lockRuns(t *testing.T, catalog map[string]string) (release func()) {
	t.Helper()
	u, err := url.Parse(catalog["uri"])
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	c, err := gohive.ConnectToMetastore(u.Hostname(), port, "NOSASL", gohive.NewMetastoreConnectConfiguration())
	if err != nil {
		t.Fatal(err)
	}
	name := "runs"
	lock, err := c.Client.Lock(t.Context(), &hive_metastore.LockRequest{
		Component: []*hive_metastore.LockComponent{{
			Type: hive_metastore.LockType_EXCLUSIVE, Level: hive_metastore.LockLevel_TABLE, Dbname: "sparktune", Tablename: &name,
		}},
		User: "somebody", Hostname: "elsewhere",
	})
	if err != nil || lock.State != hive_metastore.LockState_ACQUIRED {
		t.Fatalf("lock: got %v, %v", lock, err)
	}
	return func() {
		defer c.Close()
		if err := c.Client.Unlock(context.WithoutCancel(t.Context()), &hive_metastore.UnlockRequest{Lockid: lock.Lockid}); err != nil {
			t.Error(err)
		}
	}
}

// lockTables returns the folder of a metastore whose database has the tables of
// the locks. The first lock in its mode for tests makes them; that mode refuses
// locks as Java and Python ask for them.
func lockTables(t *testing.T) string {
	dir := t.TempDir()
	t.Run("tables", func(t *testing.T) {
		l, err := Connect(t.Context(), Config{Catalog: metastore(t, dir, "-Dhive.in.tez.test=true"), Table: "first.runs"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		put(t, l, ownRows(0, 1)...)
	})
	return dir
}

// startHive starts Hive's metastore on a copy of the folder tables.
func startHive(t *testing.T, tables string) map[string]string {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tables)); err != nil {
		t.Fatal(err)
	}
	return metastore(t, dir)
}

// metastore starts Hive's metastore on a database in dir.
func metastore(t *testing.T, dir string, options ...string) map[string]string {
	port := freePort(t)
	start(t, port, nil, "java", slices.Concat(options, []string{
		"-Xmx256m", "-Dderby.stream.error.file=" + dir + "/derby.log",
		"-Djavax.jdo.option.ConnectionURL=jdbc:derby:" + dir + "/metastore;create=true",
		"-Djavax.jdo.option.ConnectionDriverName=org.apache.derby.jdbc.EmbeddedDriver",
		"-Ddatanucleus.schema.autoCreateAll=true", "-Dmetastore.schema.verification=false",
		// Others that run by default are in a jar of Hive's own.
		"-Dmetastore.task.threads.always=org.apache.hadoop.hive.metastore.events.EventCleanerTask",
		"-Dmetastore.expression.proxy=org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy",
		"-Dmetastore.warehouse.dir=" + dir,
		"-cp", jars(t, "hive", ":"), "org.apache.hadoop.hive.metastore.HiveMetaStore", "-p", fmt.Sprint(port),
	})...)
	return map[string]string{"type": "hive", "uri": fmt.Sprintf("thrift://127.0.0.1:%d", port), "warehouse": "file://" + dir}
}

func TestPostgresCatalog(t *testing.T) {
	uri := startPostgres(t)
	exercise(t, map[string]string{"type": "sql", "uri": uri, "warehouse": "file://" + t.TempDir()}, true)
}

// startPostgres makes a database; its programs are Debian's.
func startPostgres(t *testing.T) string {
	const bin = "/usr/lib/postgresql/15/bin/"
	if _, err := os.Stat(bin + "initdb"); err != nil {
		missing(t, "no Postgres: install postgresql-15")
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	var as *syscall.SysProcAttr
	if os.Geteuid() == 0 { // whom initdb refuses
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if err := os.Chown(dir, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	initdb := exec.CommandContext(t.Context(), bin+"initdb", "-D", dir+"/d", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
	initdb.Dir, initdb.SysProcAttr = dir, as
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	port := freePort(t)
	startAs(t, as, port, nil, bin+"postgres", "-D", dir+"/d", "-p", fmt.Sprint(port), "-k", dir, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
	return fmt.Sprintf("postgresql+psycopg2://postgres:secret@127.0.0.1:%d/postgres", port)
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

func start(t *testing.T, port int, env []string, name string, args ...string) {
	startAs(t, nil, port, env, name, args...)
}

// startAs starts a server and waits until it takes connections; it ends with
// the test.
func startAs(t *testing.T, as *syscall.SysProcAttr, port int, env []string, name string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env, cmd.SysProcAttr, cmd.Dir = append(os.Environ(), env...), as, "/"
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	for range 600 {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s does not answer", strings.Join(append([]string{name}, args...), " "))
}

func TestCatalogErrors(t *testing.T) {
	tests := map[string]struct {
		catalog map[string]string
		want    string
	}{
		"no such server": {map[string]string{"type": "rest", "uri": fmt.Sprintf("http://user:secret@127.0.0.1:%d", freePort(t))}, "catalog rest http://user:xxxxx@127.0.0.1:"},
		"a secret in the query": {
			map[string]string{"type": "rest", "uri": fmt.Sprintf("http://127.0.0.1:%d/?token=secret", freePort(t))}, "catalog rest http://127.0.0.1:",
		},
		"a password in the query": {
			map[string]string{"type": "sql", "uri": fmt.Sprintf("postgresql://127.0.0.1:%d/db?user=u&password=secret", freePort(t)), "warehouse": "file:///nowhere"},
			"catalog sql postgresql://127.0.0.1:",
		},
		"no such type":    {map[string]string{"type": "oracle"}, "catalog oracle"},
		"other databases": {map[string]string{"type": "sql", "uri": "mysql://x"}, "want postgresql://"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Connect(t.Context(), Config{Catalog: test.catalog})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got error %v, want %q in it and no password", err, test.want)
			}
		})
	}
}
