#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds mbedTLS and puts it into the cache: PREFIX/include, PREFIX/libmbedtls.a, PREFIX/version. Does nothing when it
# is there.
#
# usage: mbedtls.sh PREFIX CONFIG PATCHES ARCHIVE-COMMAND [FALLBACK-COMMAND]
# Each COMMAND is one word that a shell runs; it prints the path of a source archive. The fallback is asked when the
# first has nothing, and PATCHES/*.patch go on top of that.
# in the environment: CC, AR, MBEDTLS_CFLAGS; MBEDTLS_FAST and MBEDTLS_FAST_CFLAGS: files that are compiled with other
# flags at the end, MBEDTLS_JOBS: how many at the same time
#
# PREFIX is named after everything that goes in (toolchain.mk), made aside and renamed, so it is whole or absent.
set -eu

prefix=$1 config=$2 patches=$3 archive=$4 fallback=${5-}
[ ! -e "$prefix/libmbedtls.a" ] || exit 0

say() { echo "gatepost: $*" >&2; }

mkdir -p "$(dirname "$prefix")"
exec 9>"$prefix.lock"
flock 9
[ ! -e "$prefix/libmbedtls.a" ] || exit 0

work=$(mktemp -d "$prefix.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

unpack() { mkdir "$work/source" && tar -xf "$1" -C "$work/source" --strip-components=1; }
built='' patched=
if file=$(sh -c "$archive" 9>&-); then
	unpack "$file"
elif [ -n "$fallback" ] && file=$(sh -c "$fallback" 9>&-); then
	unpack "$file"
	for p in "$patches"/*.patch; do
		patch -s -d "$work/source" -p1 <"$p" 9>&-
		patched=" with ${p##*/}"
	done
	say "taking ${file##*/}$patched instead: an older one, with flaws that were mended since"
else
	exit 1
fi
built=$(sed -n 's/^#define MBEDTLS_VERSION_STRING  *"\(.*\)"$/\1/p' "$work/source/include/mbedtls/build_info.h")
say "building ${prefix##*/}"

mkdir -p "$work/out/include/gatepost" "$work/o"
cp -R "$work/source/include/mbedtls" "$work/source/include/psa" "$work/out/include/"
cp "$config" "$work/out/include/gatepost/mbedtls_config.h"
printf '%s%s\n' "$built" "${patched:+ (patched)}" >"$work/out/version"

# Relative names and fixed seeds: the objects do not tell where they were made.
compile='for f; do
	case " $MBEDTLS_FAST " in *" $f "*) also=$MBEDTLS_FAST_CFLAGS ;; *) also= ;; esac
	$CC $MBEDTLS_CFLAGS $also -I../out/include -Ilibrary "-DMBEDTLS_CONFIG_FILE=\"gatepost/mbedtls_config.h\"" \
		-frandom-seed="$f" -fdebug-prefix-map="$PWD=mbedtls" -c -o "../o/$f.o" "library/$f.c" || exit 255
done'
export CC MBEDTLS_CFLAGS MBEDTLS_FAST="${MBEDTLS_FAST-}" MBEDTLS_FAST_CFLAGS="${MBEDTLS_FAST_CFLAGS-}"
if ! (
	cd "$work/source" &&
	find library -name '*.c' | sed 's,.*/,,; s,\.c$,,' | sort | xargs -n 4 -P "${MBEDTLS_JOBS:-2}" sh -c "$compile" sh &&
	cd ../o &&
	$AR rcs ../out/libmbedtls.a ./*.o
) >"$prefix.log" 2>&1 9>&-; then
	say "building ${prefix##*/} failed; its output is in $prefix.log"
	exit 1
fi

rm -rf "$prefix"
mv "$work/out" "$prefix"
rm -f "$prefix.log"
