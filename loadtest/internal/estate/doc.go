// Package estate invents a small mixed estate and two busy hours of it: the
// input of the demo, together with the truth that a measurement should find.
//
// Words: the plan says which nodes, devices and workloads there are; the model
// is what physically happens, second by second, for each device and node; the
// readings are what imperfect sensors report of it, at ten-second steps, with
// noise, a counter reset, a hung counter, a gap, duplicates and disorder, and
// what inference servers count of their requests; the
// truth is the model summed directly, per workload.
//
// Invariants: the same options give the same bytes. The truth knows nothing of
// windows, rungs or rounding: it is the sum over the model's seconds, so that
// it can disagree with the product. Where a figure is a convention and not
// physics (how the overhead of a node is shared), the truth states the
// convention in its notes. What no sensor in the estate could see, such as the
// host of a rented instance, is outside the truth's boundary.
//
// The shape of the inference load follows what published traces of LLM
// services have in common (arrivals that cluster more than a Poisson process,
// a long tail of work per request); no trace is copied. Prices and factors
// stand with source, date and licence in reference.csv; those that are only
// illustrative say so there.
//
// Concurrency: none; a generation is one goroutine and takes a few seconds.
package estate
