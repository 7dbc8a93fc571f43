// Package telemetry tells operators how openecr fares: metrics of requests, pushes, checks, stores and the process, in the
// text format of Prometheus, and traces over OTLP of each request into the stores.
//
// It watches from outside. Requests are seen by the middleware that calls Begin and End, stores through wrappers around
// registry.Meta and registry.Blobs, and what the verbs did through the functions of registry.Observer. The core knows no
// metrics. Labels are bounded: never a repository, a digest or anything else that a client writes freely.
//
// Read next: metrics.go for every metric with its meaning, stores.go for what is measured of a store, traces.go for spans.
package telemetry
