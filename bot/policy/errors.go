package policy

import "errors"

// Errors are the mistakes that an error of the loader holds, in the order of
// the file; none when it is about something else.
func Errors(err error) []*Error {
	var one *Error
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // each joined error is looked at on its own
		var out []*Error
		for _, e := range many.Unwrap() {
			out = append(out, Errors(e)...)
		}
		return out
	}
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return nil
}
