package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Server is what only the operator of a server sets. It holds no secret: a
// [Secret] says where one is.
type Server struct {
	App      App
	Bind     string // address that is listened on
	Lake     string // as --lake
	Database string // path of SQLite's file; Postgres is named by DATABASE_URL only
	Window   Window
	Grants   []Grant
}

// App is the GitHub App that the server is.
type App struct {
	ID             int
	PrivateKey     Secret
	WebhookSecrets []Secret // two while they are being changed
	MarkerKey      Secret   // signs what we write into pull requests
	APIURL         string   // of GitHub Enterprise Server; "" for github.com
}

// A Secret is where a secret is: "file:" and a path, or "env:" and a variable.
type Secret string

// Read fetches the secret, without space around it. Errors name the place and
// never the value.
func (s Secret) Read(getenv func(string) string) ([]byte, error) {
	place, name, _ := strings.Cut(string(s), ":")
	value := []byte(getenv(name))
	if place == "file" {
		var err error
		if value, err = os.ReadFile(name); err != nil {
			return nil, fmt.Errorf("read the secret %s: %w", s, err)
		}
	}
	if value = bytes.TrimSpace(value); len(value) == 0 {
		return nil, fmt.Errorf("read the secret %s: it is empty", s)
	}
	return value, nil
}

// DefaultServer is a server of which nothing is set.
func DefaultServer() Server {
	return Server{Bind: "127.0.0.1:8080", Window: DefaultWindow()}
}

var (
	place = kind{
		wants:   "the place of a secret: file:PATH or env:NAME, never the secret itself",
		pattern: regexp.MustCompile(`^(file:[^\x00-\x1f]+|env:[A-Za-z_][A-Za-z0-9_]*)$`),
		secret:  true,
	}
	address = kind{wants: "an address such as 127.0.0.1:8080 or :8080", pattern: regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]*:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$`)}
	apiURL  = kind{wants: "a URL such as https://github.example.com/api/v3, without a password", pattern: regexp.MustCompile(`^https?://[^@\x00-\x20]+$`), secret: true}
	// A URL may hold a password, and would be printed.
	file   = kind{wants: "the path of a file; Postgres is named by the variable DATABASE_URL", pattern: regexp.MustCompile(`^([^:\x00-\x1f]|:[^/\x00-\x1f])+$`), secret: true}
	window = kind{wants: "a day and hours in UTC such as monday 04:00-08:00", pattern: windowPattern, valid: func(s string) bool { _, ok := parseWindow(s); return ok }}
)

var appFields = []field[App]{
	require(numberField("id", "The App's id.", 1, 1<<53, func(a *App) *int { return &a.ID })),
	require(textField("private_key", "Place of the App's private key, PEM: file:PATH or env:NAME.", place, func(a *App) *string { return (*string)(&a.PrivateKey) })),
	require(secretsField("webhook_secrets", "Places of the webhook's secret; of the old and the new one while it is being changed.", func(a *App) *[]Secret { return &a.WebhookSecrets })),
	require(textField("marker_key", "Place of the key that signs what sparktune writes into pull requests; keep it for ever.", place, func(a *App) *string { return (*string)(&a.MarkerKey) })),
	textField("api_url", "REST API of GitHub Enterprise Server. Default that of github.com.", apiURL, func(a *App) *string { return &a.APIURL }),
}

var grantFields = []field[Grant]{
	require(textField("repository", "Repositories that get it: owner/name, or a glob.", repoGlob, func(g *Grant) *string { return &g.Repository })),
	require(listField("paths", "Globs of the files that declare the jobs; \"**\" for all.", glob, 1, 100, func(g *Grant) *[]string { return &g.Paths })),
	require(listField("environments", "Environments of the runs that they may see; \"*\" for all, also runs without one.", glob, 1, 100, func(g *Grant) *[]string { return &g.Environments })),
	require(listField("dag_ids", "Globs of the DAG ids of the runs that they may see; \"*\" for all, also runs without one.", glob, 1, 1000, func(g *Grant) *[]string { return &g.DAGIDs })),
	flagField("show_money", "Show amounts of money. Default: unless the repository is public.", func(g *Grant) **bool { return &g.ShowMoney }),
	flagField("show_errors", "Show texts of errors. Default: unless the repository is public.", func(g *Grant) **bool { return &g.ShowErrors }),
}

var serverFields = []field[Server]{
	require(field[Server]{
		name: "version", doc: "Of the format.", schema: map[string]any{"const": Version},
		read: func(_ *Server, n *yaml.Node) error { return readVersion(n) }, value: func(Server) any { return Version },
	}),
	{
		name: "app", doc: "The GitHub App; serve needs it.", schema: fieldsSchema("The GitHub App; serve needs it.", appFields),
		read: func(s *Server, n *yaml.Node) error { return readFields(n, "app", &s.App, appFields) },
		value: func(s Server) any {
			if s.App.ID == 0 {
				return nil
			}
			return tellFields(s.App, appFields)
		},
	},
	textField("bind", "Address to listen on. Default 127.0.0.1:8080.", address, func(s *Server) *string { return &s.Bind }),
	textField("lake", "The metrics lake, as --lake has it. Default in the state folder.", file, func(s *Server) *string { return &s.Lake }),
	textField("database", "SQLite file of the server's state. Default in the state folder; DATABASE_URL names a Postgres instead.", file, func(s *Server) *string { return &s.Database }),
	{
		name: "window", doc: "When pull requests are opened each week, in UTC; every repository has its own moment in it. Default monday 04:00-08:00.",
		schema: window.schema(),
		read: func(s *Server, n *yaml.Node) error {
			text, err := window.read(n, "window")
			if err == nil {
				s.Window, _ = parseWindow(text) // valid says that it can be
			}
			return err
		},
		value: func(s Server) any { return s.Window.String() },
	},
	{
		name: "access", doc: "Who may see what of the lake. A repository that no entry is about gets no metrics.",
		schema: map[string]any{"type": "array", "items": fieldsSchema("What some repositories may see.", grantFields)},
		read:   readGrants,
		value:  tellGrants,
	},
}

func require[T any](f field[T]) field[T] {
	f.required = true
	return f
}

func secretsField[T any](name, doc string, at func(*T) *[]Secret) field[T] {
	return field[T]{
		name: name, doc: doc,
		schema: map[string]any{"type": "array", "items": place.schema(), "minItems": 1, "maxItems": 2, "uniqueItems": true},
		read: func(v *T, n *yaml.Node) error {
			texts, err := readList(n, name, place, 1, 2)
			for _, s := range texts {
				*at(v) = append(*at(v), Secret(s))
			}
			return err
		},
		value: func(v T) any { return *at(&v) },
	}
}

func readGrants(s *Server, n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return at(n, "access must be a list")
	}
	var errs []error
	for _, item := range n.Content {
		var g Grant
		errs = append(errs, readFields(item, "an entry of access", &g, grantFields))
		s.Grants = append(s.Grants, g)
	}
	return errors.Join(errs...)
}

func tellGrants(s Server) any {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, g := range s.Grants {
		n.Content = append(n.Content, tellFields(g, grantFields))
	}
	return n
}

// LoadServer reads the file of a server. Mistakes are *Error, all of them joined.
func LoadServer(path string) (Server, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return Server{}, fmt.Errorf("read the server's configuration: %w", err)
	}
	return ParseServer(path, src)
}

// ParseServer reads the content of a server's file; name is for its mistakes.
func ParseServer(name string, src []byte) (Server, error) {
	s := DefaultServer()
	root, err := parseYAML(src)
	if err == nil {
		err = readFields(root, "the file", &s, serverFields)
	}
	if err != nil {
		for _, e := range Errors(err) {
			e.Name = name
		}
		return Server{}, err
	}
	return s, nil
}

// Text is the configuration as a file would say it, with every default.
func (s Server) Text() string { return yamlText(tellFields(s, serverFields)) }

// ServerDocs document the server's file.
func ServerDocs() []Doc {
	var out []Doc
	for _, f := range serverFields {
		out = append(out, Doc{f.name, f.doc})
		switch f.name {
		case "app":
			out = append(out, docs("app.", appFields)...)
		case "access":
			out = append(out, docs("access[].", grantFields)...)
		}
	}
	return out
}

func docs[T any](prefix string, fields []field[T]) []Doc {
	var out []Doc
	for _, f := range fields {
		out = append(out, Doc{prefix + f.name, f.doc})
	}
	return out
}

// ServerSchema is the JSON Schema of a server's file.
func ServerSchema() []byte {
	s := fieldsSchema("", serverFields)
	delete(s, "description")
	s["$schema"], s["title"] = "https://json-schema.org/draft/2020-12/schema", "sparktune server"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // unreachable: maps of plain values
	}
	return append(b, '\n')
}
