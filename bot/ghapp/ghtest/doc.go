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
package ghtest
