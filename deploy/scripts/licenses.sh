#!/usr/bin/env bash
# licenses.sh MODULE...: one line a dependency: path, version, licence. The
# licence is told from the opening of its text; an unknown one is a failure,
# and so is one that is not on the list of those that may be linked.
set -u
cd "$(dirname -- "$0")/../.." || exit 1

kind() { # kind DIR: the licence found in a module's folder
	local file
	file=$(find "$1" -maxdepth 1 -type f -iregex '.*/\(licen[cs]e\|copying\|unlicense\)\(\.[a-z]+\)?\(-[a-z0-9]+\)?' | sort | head -n 1)
	[ -n "$file" ] || { echo unknown; return; }
	if grep -q 'Apache License' "$file"; then echo Apache-2.0
	elif grep -q 'Mozilla Public License' "$file"; then echo MPL-2.0
	elif grep -qi 'permission is hereby granted, free of charge' "$file"; then echo MIT
	elif grep -qi 'permission to use, copy, modify, and' "$file"; then echo ISC
	elif grep -qi 'neither the name' "$file"; then echo BSD-3-Clause
	elif grep -qi 'redistribution and use in source and binary forms' "$file"; then echo BSD-2-Clause
	elif grep -qi 'GNU .*GENERAL PUBLIC' "$file"; then echo GPL
	else echo unknown; fi
}

red=
while IFS=$'\t' read -r path version dir; do
	licence=$(kind "$dir")
	printf '%-55s %-45s %s\n' "$path" "$version" "$licence"
	case $licence in unknown | GPL) red="$red $path" ;; esac
done < <(for module in "$@"; do
	(cd "$module" && go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}{{"\t"}}{{.Version}}{{"\t"}}{{.Dir}}{{end}}{{end}}' ./... | grep -v '^github.com/ntegral/')
done | sort -u)
[ -z "$red" ] || { echo "licence not known or not allowed:$red" >&2; exit 1; }
