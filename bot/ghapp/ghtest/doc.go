// Package ghtest is a stand-in for GitHub: an HTTP server with the part of the
// REST and GraphQL APIs that a GitHub App which opens pull requests uses. It
// keeps real git objects under their real ids, and remembers what was done.
//
// It is not trusted to know what GitHub is like. Every request and every answer
// is judged by GitHub's own descriptions of its APIs, and more strictly than
// they ask for: a field or a query key that they do not name fails the test.
// Limits that the descriptions do not state are written down here, from
// GitHub's documentation.
//
// A test seeds it, points the App at it, and looks at what came out:
//
//	s := ghtest.New(t)
//	repo := s.AddRepo("acme/etl", os.DirFS("testdata/repo"), ghtest.Private())
//	app, err := ghapp.New(ghapp.Config{AppID: s.AppID, Key: s.Key, BaseURL: s.URL, ...})
//	...
//	repo.Comment("alice", 1, "/sparktune report") // webhooks go to s.Webhook(url)
//	repo.Merge("alice", 1)
//	if len(repo.Pulls()) != 1 { ... }
//
// People act through methods of [Repo] (Push, Comment, Close, Merge, ...), the
// App through HTTP only. [Server.Calls] is the log of calls. [Server.Plan] and
// [Server.FaultAt] make calls fail in the ways of [Faults]; [KillBefore] and
// [KillAfter] end the caller there. [Server.Lag] makes lists lag behind writes.
//
// The clock is the Server's own: it starts at the same moment in every test, so
// that commits have the same ids in every run, and a write moves it by a
// second. Only the App's credentials are told in the machine's time.
//
// # What it cannot show
//
// [Contract] says what is claimed of GitHub beyond its descriptions. It holds
// here, and in part in npm's emulate, another stand-in: refs, trees, blobs,
// scopes of tokens and pages. Where emulate does otherwise, the test of it says
// how. Nobody has held it against the real GitHub yet: it needs the URL, an App
// and a repository to do so.
//
// Neither shows how GitHub words an updateRefs that compared unequal, how long
// its lists and its "mergeable" lag, how it signs commits on an Enterprise
// Server without web signing, its limits on CPU time and on calls at once, rules
// and protected branches, or how archives of large repositories come slowly.
package ghtest
