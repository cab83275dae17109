#!/usr/bin/env bash
# generated.sh [--check]: writes the documents that the binary knows by itself
# (configuration, metrics) into docs/, or with --check fails where they differ.
set -eu
cd "$(dirname -- "$0")/../.."

check=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd services && go build -o "$work/ntegral" ./cmd/ntegral)
red=
for name in config metrics; do
	"$work/ntegral" docs "$name" >"$work/$name.md" || { echo "ntegral docs $name failed" >&2; exit 1; }
	if [ "$check" = --check ]; then
		diff -u "docs/$name.md" "$work/$name.md" || red="$red docs/$name.md"
	else
		cp "$work/$name.md" "docs/$name.md"
	fi
done
[ -z "$red" ] || { echo "not what the code says:$red; run make generate" >&2; exit 1; }
