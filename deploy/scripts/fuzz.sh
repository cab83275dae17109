#!/usr/bin/env bash
# fuzz.sh MODULE...: runs every fuzz target of the modules for $FUZZTIME (1m)
# each. The targets are found by their names, so that none is forgotten. The tests
# of a package are built once for all of its targets. Inputs are minimised in ten
# tries: unlimited, it eats the whole time of a target whose coverage depends on
# the order of maps.
set -u -o pipefail
cd "$(dirname -- "$0")/../.." || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# run PACKAGE TARGET: the inputs that are found are kept where go test -fuzz keeps them.
run() {
	(cd "$1" && "$work/test" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "${FUZZTIME:-1m}" -test.fuzzminimizetime 10x \
		-test.parallel 2 -test.fuzzcachedir "$(go env GOCACHE)/fuzz/$(go list .)") </dev/null 2>&1 | tee "$work/log"
}

# ended_late: was the last run red only by its own end? Before 1.27 Go can take the
# end of the time for a fault (go.dev/issue/75804); such a run has no failing input.
ended_late() {
	grep -qx ' *context deadline exceeded' "$work/log" && ! grep -qiE 'failing input|panic|_test\.go:' "$work/log"
}

red= n=0
for module in "$@"; do
	built=
	while IFS=: read -r file target; do
		[ -n "$target" ] || continue
		n=$((n + 1))
		echo "== $module/${file#./} $target"
		package=$(dirname "$module/$file")
		if [ "$package" != "$built" ]; then
			built=$package
			rm -f "$work/test"
			(cd "$package" && go test -c -fuzz . -o "$work/test" .)
		fi
		[ -x "$work/test" ] && { run "$package" "$target" || { ended_late && run "$package" "$target"; }; } || red="$red $module:$target"
	done < <(cd "$module" && grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | sed 's/func //' | sort)
done
[ "$n" -gt 0 ] || { echo "no fuzz target found" >&2; exit 1; }
[ -z "$red" ] || { echo "red:$red" >&2; exit 1; }
echo "$n fuzz targets, none red"
