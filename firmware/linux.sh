#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds the kernel of a board and puts it into the cache: PREFIX/zImage, PREFIX/config, and the device trees asked for.
# Does nothing when it is there.
#
# usage: linux.sh PREFIX FRAGMENTS DTBS ARCHIVE-COMMAND...
#	FRAGMENTS: paths of .config fragments, one word; a later one adds to an earlier one
#	DTBS: device trees of the kernel's own, by the names of their files (x.dtb), one word; may be empty
#	ARCHIVE-COMMAND prints the path of the source archive
# in the environment: CROSS_COMPILE, LINUX_JOBS, LINUX_PATCHES (paths, one word)
#
# The unpacked source (1.5 GB) lies beside PREFIX meanwhile. The result tells no date, no user, no host, no path.
set -eu

# shellcheck source=firmware/cache.sh
. "${0%/*}/cache.sh"
fragments=$2 dtbs=$3
cache_begin "$1"
shift 3
export KBUILD_BUILD_TIMESTAMP='1 January 2026 UTC' KBUILD_BUILD_USER=gatepost KBUILD_BUILD_HOST=gatepost KBUILD_BUILD_VERSION=1
# shellcheck disable=SC2086 # a list of files
cat $fragments >"$work/fragment"
archive "$@"
for p in ${LINUX_PATCHES-}; do
	patch -s -d "$work/source" -p1 <"$p" 9>&-
done

build() {
	kernel() { make -s O="$work/o" ARCH=arm CROSS_COMPILE="$CROSS_COMPILE" -j"${LINUX_JOBS:-2}" "$@"; }
	kernel KCONFIG_ALLCONFIG="$work/fragment" allnoconfig
	survived "$work/o/.config" "$work/fragment"
	# shellcheck disable=SC2086 # a list of targets
	kernel zImage $dtbs
	cp "$work/o/.config" "$work/out/config"
	cp "$work/o/arch/arm/boot/zImage" "$work/out/"
	for d in $dtbs; do
		cp "$(find "$work/o/arch/arm/boot/dts" -name "$d")" "$work/out/"
	done
}
cache_build build
cache_keep
