// Package lab is the proof on real Spark: scripts that make a real YARN, a
// real Airflow and runs of real jobs whose trouble is known, and the tests
// that hold what they promise.
//
//   - setup makes the environments, from package registries only
//   - up and down start and stop a YARN that really kills containers
//   - testdata makes the event logs of testdata/eventlogs
//   - argv.py asks real Airflow what it would submit: the oracle of a patch
//
// There is no Go code here beyond the tests, and nothing else imports it.
package lab
