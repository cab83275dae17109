#!/usr/bin/env bash
# Builds the Kafka Streams contender into the cache and prints its folder: jars in
# lib/, classes in classes/. Says why and exits 1 where Java or Maven is missing.
set -eu

version=4.2.0
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=${XDG_CACHE_HOME:-$HOME/.cache}/ntegral/kafka-streams/$version

die() { echo "kafka-streams: $*" >&2; exit 1; }

for tool in java javac mvn; do
	command -v "$tool" >/dev/null || die "$tool is missing: install a JDK 17 and Maven"
done
mkdir -p "$home"
if ! ls "$home/lib/kafka-streams-$version.jar" >/dev/null 2>&1; then
	part=$(mktemp -d "$home/lib.part.XXXXXX")
	trap 'rm -rf "$part"' EXIT
	mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$part" >&2 ||
		die "fetch the jars with Maven"
	rm -rf "$home/lib"
	mv "$part" "$home/lib"
fi
rm -rf "$home/classes"
javac -cp "$home/lib/*" -d "$home/classes" "$here"/src/*.java >&2 || die "compile"
echo "$home"
