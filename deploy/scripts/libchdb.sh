#!/bin/sh
# Fetches the embedded ClickHouse engine (libchdb.so) once, through npm, into a cache outside the
# source tree; checks it by hash; prints its path. Run it as often as you like, also twice at once:
# the library appears in the cache complete and checked, or not at all.
#
#   NTEGRAL_CHDB_CACHE  cache folder; default ${XDG_CACHE_HOME:-$HOME/.cache}/ntegral/chdb
set -eu

version=26.7.3-stable.1
case "$(uname -s)-$(uname -m)" in
Linux-x86_64)
	package=@chdb/lib-linux-x64-gnu
	sha256=36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5
	;;
*)
	echo "libchdb: no checked library for $(uname -s) $(uname -m); build or fetch one yourself and set NTEGRAL_CHDB_LIB" >&2
	exit 1
	;;
esac

cache=${NTEGRAL_CHDB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ntegral/chdb}
target=$cache/$version/libchdb.so
# The mark holds the hash that the library had when it was put there; without it, it is checked
# again (566 MB, about two seconds).
mark=$cache/$version/libchdb.so.sha256

checked() { # checked FILE: is it the library we expect?
	[ "$(sha256sum "$1" | cut -d' ' -f1)" = "$sha256" ]
}

if [ -f "$target" ]; then
	if [ -f "$mark" ] && [ "$(cat "$mark")" = "$sha256" ]; then
		echo "$target"
		exit 0
	fi
	if checked "$target"; then
		echo "$sha256" >"$mark.$$" && mv "$mark.$$" "$mark"
		echo "$target"
		exit 0
	fi
	echo "libchdb: $target is not the expected file; fetching it again" >&2
fi

for tool in npm tar sha256sum; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		echo "libchdb: $tool is needed to fetch $package $version; install it, or set NTEGRAL_CHDB_LIB to a copy of libchdb.so" >&2
		exit 1
	fi
done

mkdir -p "$cache/$version"
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo "libchdb: fetching $package $version (178 MB)" >&2
if ! (cd "$work" && npm pack --silent --ignore-scripts "$package@$version" >pack.out 2>pack.err); then
	echo "libchdb: npm could not fetch $package@$version:" >&2
	tail -n 5 "$work/pack.err" >&2
	exit 1
fi
tar -xzf "$work"/*.tgz -C "$work" package/libchdb.so
if ! checked "$work/package/libchdb.so"; then
	echo "libchdb: $package@$version does not have the expected sha256 $sha256; not used" >&2
	exit 1
fi
chmod 0644 "$work/package/libchdb.so"
echo "$sha256" >"$work/mark"
mv "$work/package/libchdb.so" "$target"
mv "$work/mark" "$mark"
echo "$target"
