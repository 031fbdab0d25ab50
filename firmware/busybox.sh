#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds BusyBox for a board, static against the C library in the cache: PREFIX/busybox, stripped, PREFIX/links (the
# paths that link to it), PREFIX/config. Does nothing when it is there.
#
# usage: busybox.sh PREFIX FRAGMENTS ARCHIVE-COMMAND...
#	FRAGMENTS: paths of .config fragments, one word; a later one adds to an earlier one
#	ARCHIVE-COMMAND prints the path of the source archive
# in the environment: CROSS_COMPILE, MACHINE (compiler's options), MUSL (the C library's folder), BUSYBOX_JOBS
set -eu

# shellcheck source=firmware/cache.sh
. "${0%/*}/cache.sh"
fragments=$2
cache_begin "$1"
shift 2
# The date that "busybox --help" would tell.
export SOURCE_DATE_EPOCH=1767225600 KCONFIG_NOTIMESTAMP=1
# shellcheck disable=SC2086 # a list of files
cat $fragments >"$work/fragment"
archive "$@"

build() {
	make allnoconfig >/dev/null
	# Here the first line about a name counts, not the last.
	grep -oE 'CONFIG_[A-Za-z0-9_]+' "$work/fragment" | sed 's/.*/^(# )?&[ =]/' >"$work/names"
	grep -vEf "$work/names" .config >"$work/rest"
	cat "$work/fragment" "$work/rest" >.config
	yes '' | make oldconfig >/dev/null
	survived .config "$work/fragment"
	make -j"${BUSYBOX_JOBS:-2}" SKIP_STRIP=y HOSTCC=gcc CC="${CROSS_COMPILE}gcc $MACHINE -specs=$MUSL/lib/musl-gcc.specs" \
		AR="${CROSS_COMPILE}ar" NM="${CROSS_COMPILE}nm" OBJCOPY="${CROSS_COMPILE}objcopy" LD="${CROSS_COMPILE}ld" \
		STRIP="${CROSS_COMPILE}strip" busybox busybox.links
	"${CROSS_COMPILE}strip" -s -R .comment -R .note -o "$work/out/busybox" busybox
	sort busybox.links >"$work/out/links"
	cp .config "$work/out/config"
}
cache_build build
cache_keep
