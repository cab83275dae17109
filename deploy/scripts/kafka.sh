#!/usr/bin/env bash
# Runs one Apache Kafka broker (KRaft, broker and controller in one process) on
# loopback, for tests and for trying the product against the real thing.
#
#   kafka.sh fetch             fetch the jars into the cache, print their folder
#   kafka.sh start DIR PORT    format DIR once, start on 127.0.0.1:PORT and wait
#   kafka.sh stop  DIR         stop the broker of DIR and wait for its end
#
# NTEGRAL_KAFKA_HOME names a folder of jars to use instead of the cache.
# NTEGRAL_KAFKA_HEAP is the Java heap, 512m unless told otherwise.
set -eu

version=4.2.0
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=${NTEGRAL_KAFKA_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/ntegral/kafka/$version}

die() { echo "kafka.sh: $*" >&2; exit 1; }

fetched() { ls "$home"/kafka_2.13-"$version".jar >/dev/null 2>&1; }

fetch() {
	fetched && { echo "$home"; return; }
	command -v java >/dev/null || die "java is missing: install Java 17 (Debian: openjdk-17-jre-headless)"
	command -v mvn >/dev/null || die "mvn is missing: install Maven (Debian: maven)"
	mkdir -p "$(dirname -- "$home")"
	# Into a folder beside it and then renamed, so that an interrupted fetch is not taken for a whole one.
	part=$(mktemp -d "$home.part.XXXXXX")
	trap 'rm -rf "$part"' EXIT
	mvn -q -B -f "$here/../kafka/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$part" >&2 || die "fetch the jars with Maven"
	chmod 755 "$part"
	mv "$part" "$home" 2>/dev/null || fetched || die "move the jars to $home"
	echo "$home"
}

# alive DIR: is the recorded process still this broker?
alive() {
	[ -s "$1/pid" ] && pid=$(cat "$1/pid") && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q -F "$1/server.properties"
}

configure() { # DIR PORT CONTROLLER_PORT
	cat >"$1/server.properties" <<-END
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@127.0.0.1:$3
		listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
		advertised.listeners=PLAINTEXT://127.0.0.1:$2
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
		log.dirs=$1/data
		num.partitions=1
		auto.create.topics.enable=false
		default.replication.factor=1
		min.insync.replicas=1
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		transaction.state.log.num.partitions=4
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
		group.initial.rebalance.delay.ms=0
	END
}

# A free port above PORT for the controller; the two differ by one where that one is free.
controller_port() {
	p=$(($1 + 1))
	while [ "$p" -lt 65535 ] && (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; do p=$((p + 1)); done
	echo "$p"
}

start() {
	dir=$1 port=$2
	mkdir -p "$dir"
	dir=$(CDPATH='' cd -- "$dir" && pwd)
	alive "$dir" && die "a broker of $dir is running already, pid $(cat "$dir/pid")"
	fetch >/dev/null
	# An array, so that java and not the shell expands the class path's star.
	jvm=(java -Xms128m "-Xmx${NTEGRAL_KAFKA_HEAP:-512m}"
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=${NTEGRAL_KAFKA_LOG_LEVEL:-warn}" -cp "$home/*")
	if [ ! -f "$dir/data/meta.properties" ]; then
		configure "$dir" "$port" "$(controller_port "$port")"
		id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')
		id=A${id#?} # a leading "-" would be taken for an option
		"${jvm[@]}" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" >"$dir/format.log" 2>&1 ||
			{ cat "$dir/format.log" >&2; die "format $dir"; }
	fi
	setsid "${jvm[@]}" kafka.Kafka "$dir/server.properties" >>"$dir/broker.log" 2>&1 </dev/null &
	echo $! >"$dir/pid"
	ready "$dir" "$port"
}

ready() { # DIR PORT
	n=0
	until (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; do
		# Right after its start the process is still the shell that becomes java.
		alive "$1" || { [ "$n" -lt 25 ] && kill -0 "$(cat "$1/pid")" 2>/dev/null; } || { tail -n 20 "$1/broker.log" >&2; die "the broker ended; see $1/broker.log"; }
		n=$((n + 1))
		[ "$n" -lt 300 ] || die "the broker did not open port $2 within 60 s; see $1/broker.log"
		sleep 0.2
	done
	echo "127.0.0.1:$2"
}

stop() {
	dir=$(CDPATH='' cd -- "$1" && pwd)
	alive "$dir" || { rm -f "$dir/pid"; return; }
	pid=$(cat "$dir/pid")
	kill "$pid"
	n=0
	while alive "$dir"; do
		n=$((n + 1))
		[ "$n" -lt 150 ] || { kill -9 "$pid"; break; }
		sleep 0.2
	done
	rm -f "$dir/pid"
}

case ${1:-} in
fetch) fetch ;;
start) [ $# -eq 3 ] || die "usage: kafka.sh start DIR PORT"; start "$2" "$3" ;;
stop) [ $# -eq 2 ] || die "usage: kafka.sh stop DIR"; stop "$2" ;;
*) die "usage: kafka.sh fetch | start DIR PORT | stop DIR" ;;
esac
