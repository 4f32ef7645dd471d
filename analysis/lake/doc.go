// Package lake keeps the measured runs in an Apache Iceberg table, so that
// Spark, pyiceberg and every other engine read what sparktune reads.
//
// The table is sparktune.runs: one row per application attempt, with the
// columns of [analysis.Columns] and, for people who write SQL, one parsed
// column per entry of [analysis.Properties]. A missing measurement is NULL.
// Column docs, with unit and Spark event, are part of the Iceberg schema.
//
// By default catalog and data live in one folder, which [Open] makes without
// asking:
//
//	DIR/catalog.db            the catalog, SQLite
//	DIR/warehouse/sparktune/  metadata and Parquet files
//
// [Lake.Put] is idempotent by [analysis.Key] and safe between processes: a
// commit that meets another one is planned again on the new state. A crash
// between data file and commit leaves an unreferenced file and no row.
//
// This package is the only importer of iceberg-go and Arrow. It knows nothing
// of event logs, rules or repositories.
package lake
