package bot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// A marker is what our texts on the forge carry, unseen, to be known again. It
// is signed: anybody can paste a comment, so a marker counts only with its
// signature and on a text that the forge says is ours.
type marker struct {
	About string // scope of a pull request, or what a comment answers
	Plan  string // identity of what is proposed; "" on a comment
	Words string // version of the templates that a model answered; "plain" without one
}

var markerPattern = regexp.MustCompile(`<!-- sparktune:v1 about=([0-9a-f]{16}) plan=([0-9a-f]{16}|-) words=([0-9a-z+]+) sig=([0-9a-f]{32}) -->`)

func (m marker) sign(key []byte) string {
	plan := m.Plan
	if plan == "" {
		plan = "-"
	}
	text := fmt.Sprintf("about=%s plan=%s words=%s", digest(m.About)[:16], plan, m.Words)
	return fmt.Sprintf("<!-- sparktune:v1 %s sig=%s -->", text, signature(key, text))
}

// find returns the plan and words of the last validly signed marker about the
// thing in a text of ours.
func findMarker(key []byte, about, text string) (m marker, ok bool) {
	for _, hit := range markerPattern.FindAllStringSubmatch(text, -1) {
		signed := fmt.Sprintf("about=%s plan=%s words=%s", hit[1], hit[2], hit[3])
		if hit[1] == digest(about)[:16] && hmac.Equal([]byte(hit[4]), []byte(signature(key, signed))) {
			m, ok = marker{About: about, Plan: strings.TrimPrefix(hit[2], "-"), Words: hit[3]}, true
		}
	}
	return m, ok
}

func signature(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text)) // never fails
	return hex.EncodeToString(mac.Sum(nil))[:32]
}

// planTrailer ends the message of our commits, so that a branch that was pushed
// before we could remember it is known again.
const planTrailer = "Sparktune-Plan: "

func planOfMessage(message string) string {
	i := strings.LastIndex(message, "\n"+planTrailer)
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(message[i+1+len(planTrailer):])
}
