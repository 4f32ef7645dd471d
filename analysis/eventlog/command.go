package eventlog

import (
	"slices"
	"strings"
)

// A command is what the driver's command line says about the code. The rest of
// the line may hold secrets and is not kept.
type command struct {
	application string // main script or jar
	mainClass   string
	pyFiles     string // comma list
}

// codeSuffixes are those of what spark-submit can run.
var codeSuffixes = []string{".py", ".jar", ".R", ".r", ".zip", ".egg"}

// shells are the names that stand for the script in interactive sessions and
// where a Python process has started Spark itself.
var shells = []string{"pyspark-shell", "spark-shell", "sparkr-shell", "spark-internal"}

// parseCommand reads sun.java.command: SparkSubmit with its arguments, or the
// application master with its own. The line has lost its quotes, so a word is
// taken for the application only when it looks like one.
func parseCommand(line string) command {
	args := strings.Fields(line)
	var c command
	for i := 1; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--class" && i+1 < len(args):
			i++
			c.mainClass = userClass(args[i])
		case arg == "--py-files" && i+1 < len(args):
			i++
			c.pyFiles = args[i]
		case (arg == "--jar" || arg == "--primary-py-file" || arg == "--primary-r-file") && i+1 < len(args):
			c.application = args[i+1]
			return c
		case strings.HasPrefix(arg, "--") && !slices.Contains(switches, arg):
			i++ // its value
		case isCode(arg):
			c.application = arg
			return c
		}
	}
	if c.mainClass == "" && len(args) > 0 {
		c.mainClass = userClass(args[0])
	}
	return c
}

// switches are the arguments of spark-submit without a value.
var switches = []string{"--verbose", "--supervise", "--help", "--version"}

func isCode(arg string) bool {
	return slices.Contains(shells, arg) ||
		slices.ContainsFunc(codeSuffixes, func(s string) bool { return strings.HasSuffix(arg, s) })
}

// userClass leaves out Spark's own launchers.
func userClass(class string) string {
	if strings.HasPrefix(class, "org.apache.spark.deploy.") || strings.Contains(class, "redacted") {
		return ""
	}
	return class
}
