# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# For the tests of the build: TAP points, and a copy of the tree to build in. To be sourced from the top of the tree.

# What the make that runs the tests was told is not for those that the tests run.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES BOARD V WERROR SOURCE_DATE_EPOCH GATEPOST_SOURCES TESTS
unset O ARM

count=0 bad=0
work=$(mktemp -d "${TMPDIR:-/tmp}/gatepost-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# ok NAME COMMAND...: a point that is right when COMMAND succeeds
ok() {
	count=$((count + 1))
	name=$1
	shift
	if "$@"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		[ ! -s "$work/log" ] || grep -v '^  [A-Z]' "$work/log" | grep -A 100 -e FAILED -e error: -e 'not ok' | head -n 40 |
			sed 's/^/# /'
		[ ! -s "$work/log" ] || tail -n 12 "$work/log" | sed 's/^/# /'
		bad=$((bad + 1))
	fi
}

skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# A port of loopback where nobody listens.
free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

finish() {
	echo "1..$count"
	[ "$bad" = 0 ] || exit 1
	exit 0
}

# copy FOLDER: the files of the tree, with their times, without what was built
copy() {
	mkdir -p "$1"
	/usr/bin/python3 -c '
import sys
sys.path.insert(0, "tests/lint/lib")
import gate
print("\0".join(gate.files(gate.TOP, links=True)), end="\0")' | tar -c --null -T - | tar -x -C "$1"
}

# A whole command line's output goes to $work/log.
quiet() { "$@" >"$work/log" 2>&1; }
says() { grep -q -- "$1" "$work/log"; }
never() { ! "$@"; }
