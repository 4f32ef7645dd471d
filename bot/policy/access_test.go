package policy

import (
	"testing"

	"github.com/sparktune/sparktune/analysis"
)

func granted(repo string, paths, envs, dags []string) Grant {
	return Grant{Repository: repo, Paths: paths, Environments: envs, DAGIDs: dags}
}

// A repository sees the runs that the server's operator mapped to it, whatever
// dag_id its own files claim.
func TestAllows(t *testing.T) {
	s := Server{Grants: []Grant{
		granted("acme/dags", []string{"dags/sales/**"}, []string{"prod"}, []string{"sales_*", "returns"}),
		granted("acme/dags", []string{"dags/lab/*.py"}, []string{"*"}, []string{"*"}),
		granted("acme/team-*", []string{"**"}, []string{"dev"}, []string{"*"}),
	}}
	tests := []struct {
		why             string
		repo, path      string
		environment, id string
		want            bool
	}{
		{"mapped", "acme/dags", "dags/sales/load.py", "prod", "sales_load", true},
		{"mapped, by the repository's name in other letters", "Acme/DAGs", "dags/sales/load.py", "prod", "sales_load", true},
		{"a DAG by its whole name", "acme/dags", "dags/sales/eu/load.py", "prod", "returns", true},
		{"another team's DAG", "acme/dags", "dags/sales/load.py", "prod", "finance_close", false},
		{"a name that only begins like a mapped one", "acme/dags", "dags/sales/load.py", "prod", "returns_secret", false},
		{"a path that is not mapped", "acme/dags", "dags/finance/load.py", "prod", "sales_load", false},
		{"another environment", "acme/dags", "dags/sales/load.py", "dev", "sales_load", false},
		{"no environment", "acme/dags", "dags/sales/load.py", "", "sales_load", false},
		{"no dag_id", "acme/dags", "dags/sales/load.py", "prod", "", false},
		{"neither, and both may be anything", "acme/dags", "dags/lab/x.py", "", "", true},
		{"a star stays in its folder", "acme/dags", "dags/lab/deep/x.py", "", "", false},
		{"a dag_id with a slash, and it may be anything", "acme/dags", "dags/lab/x.py", "a/b", "c/d", true},
		{"a repository by a glob", "acme/team-a", "x/y.py", "dev", "anything", true},
		{"any dag_id, but this environment", "acme/team-a", "x/y.py", "", "anything", false},
		{"a repository that is not mapped", "acme/other", "dags/sales/load.py", "prod", "sales_load", false},
		{"an owner that ends like a mapped one", "evil-acme/dags", "dags/sales/load.py", "prod", "sales_load", false},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			r := &analysis.Run{Environment: tt.environment, DAGID: tt.id}
			if got := s.Access(tt.repo, false).Allows(tt.path, r); got != tt.want {
				t.Errorf("Allows = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestZeroAccessSeesNothing(t *testing.T) {
	if (Access{}).Allows("dags/x.py", &analysis.Run{DAGID: "x", Environment: "prod"}) {
		t.Error("the zero Access sees a run")
	}
	if a := (Server{}).Access("acme/dags", false); a.Money || a.Errors {
		t.Errorf("a repository without a grant: %+v", a)
	}
	if a := Unrestricted(); !a.Allows("x", &analysis.Run{}) || !a.Money || !a.Errors {
		t.Errorf("Unrestricted is restricted: %+v", a)
	}
}

// Public repositories show no money and no error texts unless the operator
// says so; where grants differ, the one that hides wins.
func TestShown(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		why           string
		grants        []Grant
		public        bool
		money, errors bool
	}{
		{"private", []Grant{{Repository: "a/b"}}, false, true, true},
		{"public", []Grant{{Repository: "a/b"}}, true, false, false},
		{"public, and said", []Grant{{Repository: "a/b", ShowMoney: &yes}}, true, true, false},
		{"private, and said", []Grant{{Repository: "a/b", ShowErrors: &no}}, false, true, false},
		{"one of two hides", []Grant{{Repository: "a/b"}, {Repository: "a/*", ShowMoney: &no}}, false, false, true},
		{"another repository's", []Grant{{Repository: "a/b"}, {Repository: "a/c", ShowMoney: &no}}, false, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			a := Server{Grants: tt.grants}.Access("a/b", tt.public)
			if a.Money != tt.money || a.Errors != tt.errors {
				t.Errorf("money %v, errors %v; want %v, %v", a.Money, a.Errors, tt.money, tt.errors)
			}
		})
	}
}

func TestIgnores(t *testing.T) {
	p := Policy{Ignore: []string{"sales.load", "dags/legacy/**"}}
	for _, tt := range []struct {
		job, path string
		want      bool
	}{
		{"sales.load", "dags/sales.py", true},
		{"sales.loader", "dags/sales.py", false},
		{"old.x", "dags/legacy/deep/x.py", true},
		{"old.x", "dags/x.py", false},
	} {
		if got := p.Ignores(tt.job, tt.path); got != tt.want {
			t.Errorf("Ignores(%q, %q) = %v", tt.job, tt.path, got)
		}
	}
}
