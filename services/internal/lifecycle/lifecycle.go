// Package lifecycle runs the long-lived parts of a process and names the three
// kinds of error that decide what happens at its edges.
//
// A component is anything with a blocking Run(ctx): it returns nil when its
// context has ended and it has put its things away, and an error when it cannot
// go on. A Group starts components in the order in which they were added and
// stops them in the reverse order, each only after the one that was added after
// it has returned, so that what a component needs outlives it.
//
// The kinds of error:
//
//   - retryable: the same call may succeed later. It is what an error is unless
//     something says otherwise.
//   - permanent: the same input will fail again. Retrying is pointless; the
//     input is set aside or the process ends.
//   - interrupted: the caller asked for the end. It is not a failure.
//
// An error is classified once, in the package of the technology that made it;
// everybody else asks with IsRetryable, IsPermanent and IsInterrupted, which
// see through wrapping. Retry and Backoff wait between attempts; Lock keeps two
// processes from using one folder.
//
// Group may be used once. Backoff is not safe for concurrent use; everything
// else is.
package lifecycle
