package ghapp_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sparktune/sparktune/bot"
	"github.com/sparktune/sparktune/bot/ghapp/ghtest"
)

// All check runs on a commit are told, however many there are.
func TestChecks(t *testing.T) {
	s := ghtest.New(t)
	repo := s.AddRepo("acme/etl", files("a", "1"))
	a := newApp(t, s)
	r, head := onlyRepo(t, a), repo.Head("main")
	var want []string
	for i := range 101 {
		want = append(want, fmt.Sprintf("review %d", i))
		if _, err := a.Do(t.Context(), r, bot.Conclude{Head: head, ExternalID: want[i], Conclusion: "success", Title: "t", Summary: "s"}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := a.Checks(t.Context(), r, head)
	if err != nil || !slices.EqualFunc(got, want, func(c bot.Check, id string) bool { return c.ExternalID == id && c.Conclusion == "success" }) {
		t.Errorf("got %+v, %v", got, err)
	}
}
