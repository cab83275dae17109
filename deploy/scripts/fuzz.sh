#!/usr/bin/env bash
# fuzz.sh MODULE...: runs every fuzz target of the modules for $FUZZTIME (1m)
# each. The targets are found by their names, so that none is forgotten. Inputs
# are minimised in ten tries: unlimited, it eats the whole time of a target whose
# coverage depends on the order of maps.
set -u
cd "$(dirname -- "$0")/../.." || exit 1

red= n=0
for module in "$@"; do
	while IFS=: read -r file target; do
		[ -n "$target" ] || continue
		n=$((n + 1))
		echo "== $module/${file#./} $target"
		(cd "$module" && go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-1m}" -fuzzminimizetime 10x -parallel 2 "./$(dirname "$file")") ||
			red="$red $module:$target"
	done < <(cd "$module" && grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/func //' | sort)
done
[ "$n" -gt 0 ] || { echo "no fuzz target found" >&2; exit 1; }
[ -z "$red" ] || { echo "red:$red" >&2; exit 1; }
echo "$n fuzz targets, none red"
