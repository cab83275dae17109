#!/usr/bin/env bash
# lint.sh MODULE...: formatting and golangci-lint of each module, then the
# syntax of the shell scripts. Goes on after a red module, fails at the end.
set -u
cd "$(dirname -- "$0")/../.." || exit 1

tool=$(deploy/scripts/golangci-lint.sh) || exit 1
red=
for module in "$@"; do
	echo "== $module"
	(cd "$module" && "$tool" fmt --diff && "$tool" run) || red="$red $module"
done
for script in deploy/scripts/*.sh .ci/run; do
	interpreter=bash
	head -n 1 "$script" | grep -q bash || interpreter=sh
	"$interpreter" -n "$script" || red="$red $script"
	[ -x "$script" ] || { echo "$script is not executable"; red="$red $script"; }
done
[ -z "$red" ] || { echo "red:$red" >&2; exit 1; }
