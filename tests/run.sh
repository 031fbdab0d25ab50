#!/bin/sh
# SPDX-License-Identifier: ISC
# Runs TAP programs under prove, four at a time, and counts their points. The last line is "N passed, N failed".
#
# usage: O=build/host run.sh TEST...       with "asan:" before it a script gets the sanitizer build in GATEPOST
#        with "arm:" before it a program is one for ARM
#        run.sh one TEST                   what prove calls: one test, its output kept in $O/tap/
#
# What counts as failed: a point that is "not ok", a plan that was not kept, a program that ended with a signal or a
# status other than 0, one that printed nothing, a time-out, and a skip that tests/skips does not name.
set -u

O=${O:-build/host}
PYTHONDONTWRITEBYTECODE=1
export O PYTHONDONTWRITEBYTECODE

file_of() { printf '%s/tap/%s' "$O" "$(printf %s "${1#"$O"/}" | tr '/:' '__')"; }

if [ "${1-}" = one ]; then
	test=$2
	log=$(file_of "$test")
	GATEPOST=${GATEPOST:-$GATEPOST_PLAIN}
	case $test in asan:*) GATEPOST=$GATEPOST_ASAN test=${test#asan:} ;; esac
	ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1:allocator_may_return_null=1}
	UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
	export GATEPOST ASAN_OPTIONS UBSAN_OPTIONS
	limit=600
	# What reckons gives way to what waits: that has clocks to keep to.
	case $test in
	tests/build/*) renice -n 10 -p $$ >/dev/null && limit=1200 ;;
	tests/board/* | tests/fault/* | arm:*) renice -n 5 -p $$ >/dev/null ;;
	esac
	case $test in
	*.py) set -- /usr/bin/python3 -u "$test" ;;
	*.sh) set -- sh "$test" ;;
	arm:*) set -- qemu-arm-static "${test#arm:}" && limit=300 ;;
	*) set -- "$test" && limit=300 ;;
	esac
	timeout -k 10 "${TEST_TIMEOUT:-$limit}" "$@" >"$log.tap" 2>"$log.err" </dev/null
	status=$?
	echo "$status" >"$log.status"
	# To bail out ends one test, not all.
	sed 's/^Bail out!/# &/' "$log.tap"
	exit "$status"
fi

rm -rf "$O/tap"
mkdir -p "$O/tap"

# Tests run the relay as other users too: from a copy where they cannot enter the tree (it lies in a home folder, say).
here=$(cd "$O" && pwd)
GATEPOST_PLAIN=$here/gatepost GATEPOST_ASAN=$here/asan/gatepost public=
if [ "$(id -u)" = 0 ] && ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$here" 2>/dev/null; then
	public=$(mktemp -d "${TMPDIR:-/tmp}/gatepost-test.XXXXXX")
	trap 'rm -rf "$public"' EXIT
	trap 'exit 1' HUP INT TERM
	mkdir "$public/asan"
	for binary in gatepost asan/gatepost; do
		[ ! -f "$O/$binary" ] || cp "$O/$binary" "$public/$binary"
	done
	chmod 755 "$public" "$public/asan"
	GATEPOST_PLAIN=$public/gatepost GATEPOST_ASAN=$public/asan/gatepost
fi
export GATEPOST_PLAIN GATEPOST_ASAN

# prove shows how it goes; what counts is told below, from the whole list, so that a test that vanishes is missed.
HARNESS_RULESFILE=tests/lanes.yml prove -j4 --timer --exec 'sh tests/run.sh one' "$@" 2>&1 |
	sed -u -e '/^Test Summary Report/,/^Files=/ { /^Files=/!d; }' -e '/^Result:/d' -e '/^All tests/d'

outcomes() {
	for test; do
		log=$(file_of "$test")
		printf '%s %s %s\n' "$test" "$(cat "$log.status" 2>/dev/null || echo lost)" "$log"
	done
}

# Tests with real peers wait for other programs, and a machine may be too busy for the longest patience. Where a few of
# them failed, they are run once more, each alone; both outputs are kept, and the summary names them. Never so the
# tests of faults: what they find by chance is found.
again=$(outcomes "$@" | /usr/bin/python3 tests/count.py --failed tests/skips | grep -E '^(asan:)?tests/(peers|demo|board)/')
if [ -n "$again" ] && [ "$(printf '%s\n' "$again" | wc -l)" -le 4 ]; then
	for test in $again; do
		log=$(file_of "$test")
		# What a sanitizer said is no matter of patience.
		if grep -qE 'Sanitizer|runtime error:' "$log.tap" "$log.err"; then continue; fi
		for kind in tap err status; do
			[ ! -e "$log.$kind" ] || mv "$log.$kind" "$log.first.$kind"
		done
		echo "once more, alone: $test"
		sh tests/run.sh one "$test" >/dev/null 2>&1
	done
fi
outcomes "$@" | /usr/bin/python3 tests/count.py tests/skips >"$O/tap/summary"
status=$?
cat "$O/tap/summary"
exit "$status"
