#!/usr/bin/env bash
# Builds golangci-lint once, from the Go module proxy and checked by the
# checksum database, into a cache outside the tree; prints its path. Cold it
# takes a little over a minute on two cores, warm nothing.
set -eu

version=v2.15.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ntegral/tools/golangci-lint-$version-$(go env GOVERSION)
tool=$cache/golangci-lint
if [ ! -x "$tool" ]; then
	echo "golangci-lint: building $version" >&2
	mkdir -p "$cache"
	part=$(mktemp -d "$cache/part.XXXXXX")
	trap 'rm -rf "$part"' EXIT
	# Outside the workspace, so that its own go.mod alone decides what it is built of.
	(cd "$part" && GOWORK=off GOFLAGS=-mod=mod GOBIN="$part" go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version" >"$part/log" 2>&1) ||
		{ cat "$part/log" >&2; exit 1; }
	mv "$part/golangci-lint" "$tool"
fi
echo "$tool"
