#!/usr/bin/env bash
# standalone.sh MODULE...: builds and vets every module outside the workspace,
# tests included. Where it is built of the same versions as in the workspace, the
# code is that which `make test` tests, to the byte; where a version differs, the
# short tests run again. Goes on after a red module, fails at the end.
set -u -o pipefail
cd "$(dirname -- "$0")/../.." || exit 1

# The modules of others that this one and its tests are built of.
versions() {
	go list -deps -test -f '{{with .Module}}{{if .Version}}{{.Path}} {{.Version}}{{with .Replace}} => {{.Path}}{{end}}{{end}}{{end}}' ./... |
		sed '/^github.com\/ntegral\//d' | sort -u
}

check() {
	local inside outside
	GOWORK=off go build ./... && GOWORK=off go vet ./... || return 1
	inside=$(versions) && outside=$(GOWORK=off versions) || return 1
	diff <(echo "$inside") <(echo "$outside") && return 0
	GOWORK=off go test -p "${P:-2}" -short ./...
}

red=
for module in "$@"; do
	echo "== $module"
	(cd "$module" && check) || red="$red $module"
done
[ -z "$red" ] || { echo "red:$red" >&2; exit 1; }
