package ghtest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// emulateLacks are the clauses that the other stand-in does not keep.
var emulateLacks = map[string]string{
	"an unknown token is refused":                          "it lets strangers in as administrators",
	"a commit without an author is the App's and verified": "it signs nothing",
	"a ref cannot be below another":                        "its refs are names, not files",
	"a ref is removed once":                                "404, which GitHub's description does not have",
	"updateRefs compares and swaps":                        "no GraphQL",
	"a branch has one open pull request":                   "it opens another",
	"a pull request needs a branch":                        "it makes one up",
	"a pull request needs a commit":                        "it does not look",
	"a pull request follows its branch":                    "its head is as it was when it was opened",
	"a pull request lists its files":                       "always none",
	"a pull request closes with its branch":                "it stays open",
	"the text of a pull request has an end":                "no limit",
	"a comment has an end":                                 "no limit",
	"the same reaction is there once":                      "no reactions",
	"a check run takes 50 annotations":                     "no limit",
	"an archive is elsewhere":                              "no archives",
	"GraphQL and REST see the same":                        "no GraphQL",
	"GraphQL says what is not there":                       "no GraphQL",
}

const emulateSeed = `github:
  users: [{login: alice, name: Alice, email: alice@example.com}]
  orgs: [{login: acme, name: Acme}]
  repos: [{owner: acme, name: etl, private: false, default_branch: main, auto_init: true}]
  apps:
    - app_id: 4711
      slug: sparktune
      name: sparktune
      private_key: |
%s
      permissions: {contents: write, pull_requests: write, issues: write, checks: write, metadata: read}
      events: [push]
      installations:
        - {installation_id: 9, account: acme, repository_selection: all, permissions: {contents: write, pull_requests: write, issues: write, checks: write, metadata: read}}
`

// Another stand-in, by others, keeps the contract as far as it goes: a second
// opinion on what GitHub is like.
func TestContractOfEmulate(t *testing.T) {
	s := New(t) // for its key
	url := startEmulate(t, s.Key)
	token := mintAt(t, s, url)
	Contract(t, Target{
		URL: url, App: appCaller(t, s).credential, Token: token, Installation: 9, Owner: "acme", Repo: "etl", Run: "contract",
		Lacks: emulateLacks,
	})
}

func mintAt(t *testing.T, s *Server, url string) string {
	t.Helper()
	status, _, answer, err := send(appCaller(t, s).credential, "POST", url+"/app/installations/9/access_tokens", obj{})
	token, ok := answer["token"].(string)
	if err != nil || !ok {
		t.Fatalf("no token: %d %v %v", status, answer, err)
	}
	return token
}

// startEmulate runs the server until the test ends.
func startEmulate(t *testing.T, key []byte) string {
	t.Helper()
	out, err := exec.Command(setup(), "emulate").Output()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("emulate is not there: ", err)
	}
	seed := filepath.Join(t.TempDir(), "seed.yaml")
	indented := "        " + strings.ReplaceAll(strings.TrimSpace(string(key)), "\n", "\n        ")
	if err := os.WriteFile(seed, fmt.Appendf(nil, emulateSeed, indented), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	cmd := exec.Command(filepath.Join(strings.TrimSpace(string(out)), "node_modules/.bin/emulate"), "start", "--service", "github", "--seed", seed, "--port", port)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // says that it was killed
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.Contains(lines.Text(), ":"+port) {
			return "http://127.0.0.1:" + port
		}
	}
	t.Fatalf("emulate did not start: %s", stderr.String())
	return ""
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
