#!/usr/bin/env bash
# tidy.sh MODULE...: fails where `go mod tidy` would change a module's files, or
# where the modules and go.work do not name the same Go version. Changes nothing.
set -u
cd "$(dirname -- "$0")/../.." || exit 1

red=
want=$(awk '$1 == "go" {print $2}' go.work)
for module in "$@"; do
	got=$(awk '$1 == "go" {print $2}' "$module/go.mod")
	[ "$got" = "$want" ] || { echo "$module/go.mod: go $got, want $want as in go.work"; red="$red $module"; }
	(cd "$module" && go mod tidy -diff) || red="$red $module"
done
[ -z "$red" ] || { echo "not tidy:$red; run make tidy" >&2; exit 1; }
