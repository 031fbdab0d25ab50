#!/bin/sh
# SPDX-License-Identifier: ISC
# make lint: what the compiler and the gates do not see. Goes through all of it, then says what failed.
#
# usage: O=build/host MBEDTLS=FOLDER lint.sh SOURCE...
set -u

export MBEDTLS="${MBEDTLS-}"

bad=
part() {
	name=$1
	shift
	echo "$name"
	"$@" || bad="$bad $name"
}

tidy() {
	# Two at a time; the files of the edge want _GNU_SOURCE.
	printf '%s\n' "$@" | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet "$@" -- -std=c11 -D_GNU_SOURCE -Isrc -I"$O" \
		-isystem "$MBEDTLS/include" "-DMBEDTLS_CONFIG_FILE=\"gatepost/mbedtls_config.h\"" "-DMBEDTLS_HERE=\"\"" \
		2>&1 | grep -v -e "warnings* generated" -e "^Suppressed" -e "^Use -header-filter" | grep . && exit 1; exit 0' sh
}

# Headers of the system are not read: what they declare is of no use to it, and they cost minutes. varFuncNullUB: NULL
# is a pointer in C with musl and glibc. internalAstError: its parser stops at a compound literal after a question mark.
check() {
	cppcheck --quiet --std=c11 --library=tests/lint/lib/gatepost.cfg --enable=warning,performance,portability --error-exitcode=1 --inline-suppr \
		--suppress=missingIncludeSystem --suppress=varFuncNullUB --suppress=internalAstError -D_GNU_SOURCE \
		-D"__$(uname -m)__" '-DMBEDTLS_HERE=""' -Isrc -I"$O" -j 2 "$@"
}

# SC2016: a dollar sign in single quotes is meant for awk, apt or another shell. SC2317: functions that are run by name.
scripts() {
	find firmware tests .ci -type f -not -path '*/corpus/*' -exec grep -lE '^#!/bin/(ba)?sh' {} + | sort | xargs shellcheck -x -e SC2016,SC2317
}

pages() {
	[ ! -d src/man ] || find src/man -name '*.[1-9]' -exec mandoc -Tlint -W warning {} +
}

part clang-tidy tidy "$@"
part cppcheck check "$@"
part shellcheck scripts
part mandoc pages
[ -z "$bad" ] || { echo "failed:$bad"; exit 1; }
echo "lint: nothing found"
