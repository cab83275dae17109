#!/usr/bin/env bash
# up.sh BINARY DIR: starts the system of DIR in the background and returns when
# it says on standard output that it is ready. Its log is DIR/log/up.log, which a
# second start beside a running system leaves alone but for a line.
set -eu

binary=$1 dir=$2
mkdir -p "$dir/log"
said=$(mktemp "$dir/log/up.XXXXXX") log=$dir/log/up.log
trap 'rm -f "$said"' EXIT
: >>"$log"
before=$(stat -c %s "$log")
setsid "$binary" up --data "$dir" >"$said" 2>>"$log" </dev/null &
pid=$!
for _ in $(seq 600); do
	if [ -s "$said" ]; then
		cat "$said"
		echo "ask it:  $binary sql --data $dir 'SELECT count() FROM facts'"
		echo "stop it: make down"
		exit 0
	fi
	kill -0 "$pid" 2>/dev/null || { tail -c "+$((before + 1))" "$log" >&2; echo "up.sh: it did not start; see $log" >&2; exit 1; }
	sleep 0.2
done
echo "up.sh: not ready within two minutes; see $log" >&2
exit 1
