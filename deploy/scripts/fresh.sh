#!/usr/bin/env bash
# fresh.sh BINARY DIR: stops what an earlier demo may have left running in the
# data folder DIR and removes it, so that a demo always starts from nothing.
set -eu

binary=$1 dir=$2
[ -e "$dir" ] || exit 0
if [ -s "$dir/ntegral.env" ]; then
	"$binary" down --data "$dir" >/dev/null 2>&1 || true
fi
rm -rf "$dir"
