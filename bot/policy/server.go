package policy

// A Server is what only the operator of a server sets.
type Server struct {
	Grants []Grant
}
