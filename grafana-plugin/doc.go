// Package plugin will be the Grafana data source of ntegral: a backend that
// answers panels from the curated views through the read-only user, and a
// front end with an editor for grouping, window and unit.
//
// It depends on schemas alone: column names, units and the meaning of NULL come
// from package fact, so that a panel cannot disagree with a report. Until it is
// written, this package keeps the module buildable and its place in the
// workspace taken.
package plugin
