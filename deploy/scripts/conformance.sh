#!/usr/bin/env bash
# conformance.sh BINARY N SEED [FLAG...]: N random clusters with every fault and kind of
# sharing through the whole product, in one system, and its reports by every
# column against those of the plain implementation, byte for byte.
set -eu
binary=$(readlink -f -- "$1") n=$2 seed=$3
cd "$(dirname -- "$0")/../../pipelines"

dir=$(mktemp -d)
finish() {
	"$binary" down --data "$dir/system" >/dev/null 2>&1 || true
	wait
	rm -rf "$dir"
}
trap finish EXIT

go test ./conformance -count 1 -run '^TestWriteDirectories$' -conformance.out "$dir/clusters" -conformance.n "$n" \
	-conformance.seed "$seed" -conformance.unique -conformance.sharing "${@:4}" -conformance.window 60s
"$binary" up --data "$dir/system" >"$dir/up.log" 2>&1 &
for _ in $(seq 150); do
	grep -q '^ready ' "$dir/up.log" && break
	sleep 0.2
done
grep -q '^ready ' "$dir/up.log" || { cat "$dir/up.log" >&2; exit 1; }

for cluster in "$dir"/clusters/cluster-*; do
	# Exit code 1 says that rows were refused, which is what they are for.
	"$binary" replay --data "$dir/system" --dir "$cluster" >"$dir/replay.log" 2>&1 || [ $? -eq 1 ] || { cat "$dir/replay.log" >&2; exit 1; }
done
red=0
for by in workload team tenant cluster region node device; do
	"$binary" report --data "$dir/system" --by "$by" --format csv >"$dir/report.csv"
	if cmp -s "$dir/report.csv" "$dir/clusters/expected/report-$by.csv"; then
		echo "by $by: $(($(wc -l <"$dir/report.csv") - 1)) rows equal"
		continue
	fi
	echo "by $by: differs (- product, + plain)"
	diff -u "$dir/report.csv" "$dir/clusters/expected/report-$by.csv" | head -n 20
	red=1
done
"$binary" verify --data "$dir/system" | tail -n 1
exit $red
