package store

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/store/storetest"
)

var crashes = flag.Int("deliveries", 200, "deliveries of the crash test")

// childEnv says to the test's own program that it is the process which dies:
// the database, the folder of the world, and at which step to die.
const childEnv = "SPARKTUNE_CRASH"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		if err := child(strings.Split(spec, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestCrash kills a process at any step of accepting and working (each row that
// SQLite changes, each commit, each step of the handler), again and again, until
// every delivery that was ever sent is worked. Nothing may be lost, and nothing
// done twice.
func TestCrash(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { crash(t, filepath.Join(t.TempDir(), "db"), *crashes, 600) })
	t.Run("Postgres", func(t *testing.T) { crash(t, storetest.Postgres(t)(t), *crashes/10, 30) })
}

func crash(t *testing.T, location string, deliveries, steps int) {
	world := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	kills := 0
	for acked := 0; ; {
		done, last, err := life(t, location, world, acked, deliveries, 1+random.IntN(steps))
		if err != nil {
			t.Fatal(err)
		}
		acked = last
		if done {
			break
		}
		kills++
	}
	lost, doubled := 0, 0
	for i := range deliveries {
		b, err := os.ReadFile(filepath.Join(world, "d"+strconv.Itoa(i)))
		switch {
		case err != nil:
			lost++
		case string(b) != "x":
			doubled++
		}
	}
	t.Logf("%d deliveries, %d kills: %d lost, %d done twice", deliveries, kills, lost, doubled)
	if lost+doubled > 0 || kills == 0 {
		t.Errorf("%d lost, %d done twice, after %d kills", lost, doubled, kills)
	}
}

// life runs a child until it is dead or done, and tells the last delivery that
// it acknowledged. As GitHub, it does not send again what was acknowledged.
func life(t *testing.T, location, world string, from, to, step int) (done bool, acked int, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%d|%d|%d", childEnv, location, world, from, to, step))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, from, err
	}
	if err := cmd.Start(); err != nil {
		return false, from, err
	}
	acked = from
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, err := strconv.Atoi(strings.TrimPrefix(lines.Text(), "accepted ")); err == nil {
			acked = n + 1
		}
		done = done || lines.Text() == "done"
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return false, acked, nil
	}
	if err != nil || !done {
		return false, acked, fmt.Errorf("the child failed: %w\n%s", err, stderr.String())
	}
	return true, acked, nil
}

// A doom counts steps, and kills the process at one of them.
type doom struct{ left atomic.Int64 }

func (d *doom) step() {
	if d.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}

// child sends, accepts and works deliveries, and dies at a step.
func child(spec []string) error {
	location, world := spec[0], spec[1]
	from, _ := strconv.Atoi(spec[2]) // the parent writes numbers
	to, _ := strconv.Atoi(spec[3])
	step, _ := strconv.ParseInt(spec[4], 10, 64)
	var d doom
	d.left.Store(step)
	sql.Register("sqlite3-doomed", &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		c.RegisterUpdateHook(func(int, string, string, int64) { d.step() })
		c.RegisterCommitHook(func() int { d.step(); return 0 })
		return nil
	}})
	s, err := Open(context.Background(), location, Options{
		Now: time.Now, Log: slog.New(slog.DiscardHandler), Poll: 2 * time.Millisecond, Lease: 200 * time.Millisecond,
		Backoff: func(int) time.Duration { return 0 }, sqlite: "sqlite3-doomed",
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	accepting := step < 0 // and nothing else
	if accepting {
		to = from + 1
	}
	wg.Go(func() {
		if accepting {
			return
		}
		err = s.Work(ctx, func(ctx context.Context, dl Delivery) error { return effect(ctx, s, world, dl.GUID, d.step) })
	})
	for i := from; i < to; i++ {
		d.step()
		if err := s.Accept(ctx, Delivery{GUID: "d" + strconv.Itoa(i), Subject: "pull " + strconv.Itoa(i)}); err != nil {
			return err
		}
		d.step()
		fmt.Println("accepted", i)
	}
	for n := -1; n != 0 && !accepting; time.Sleep(2 * time.Millisecond) {
		counts, err := s.Counts(ctx)
		if err != nil {
			return err
		}
		n = counts[waiting] + counts[working]
	}
	cancel()
	wg.Wait()
	fmt.Println("done")
	return errors.Join(err, s.Close())
}

// effect changes the world once, as the bot does it: intent, look, change, receipt.
// The world is a file for each delivery; two changes are two bytes.
func effect(ctx context.Context, s *Store, world, key string, step func()) error {
	step()
	e, begun, err := s.Begin(ctx, 1, key, time.Now())
	if err != nil || e.Receipt != nil {
		return err
	}
	path := filepath.Join(world, key)
	step()
	if there, _ := os.ReadFile(path); begun || len(there) == 0 { // read back before it is done again
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = f.WriteString("x")
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	step()
	return s.End(ctx, 1, key, &bot.Receipt{ID: 1})
}
