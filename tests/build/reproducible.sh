#!/bin/sh
# SPDX-License-Identifier: ISC
# Two builds of the same tree in different folders give the same images, octet for octet. Kernel, BusyBox, U-Boot and the
# libraries come from the cache, which is named after what goes in; REPRODUCE=whole (make soak) builds these twice as well.
# Where the tree's own boards are built, as the tests of boards want them (GATEPOST_BUILDS), these are one of the two.
set -u
. tests/build/lib/tree.sh

# What signs may be any build of it: the tests' own, where there is one.
boards='qemu-nor orangepi-pc'
signer=$(realpath "${GATEPOST:-build/host/gatepost}")
sources=${XDG_CACHE_HOME:-$HOME/.cache}/gatepost/sources

two=$work/another/one/whose/name/is/longer
mkdir -p "$work/another"
copy "$two"
[ ! -e .git ] || echo "gitdir: $(git -c "safe.directory=$PWD" rev-parse --absolute-git-dir)" >"$two/.git"

# as_given FOLDER: do its builds exist, of this commit and as their boards are configured by default?
as_given() {
	for board in $boards; do
		given=$work/$board.given
		make "BOARD=$board" "O=$given" "$given/config.mk" >/dev/null 2>&1
		for file in .config version.h; do
			cmp -s "$given/$file" "$1/$board/$file" || return 1
		done
		[ -s "$1/$board/gatepost-$board.img" ] || return 1
	done
}
if [ "${REPRODUCE-}" != whole ] && [ -n "${GATEPOST_BUILDS-}" ] && as_given "$GATEPOST_BUILDS"; then
	one='' first=$GATEPOST_BUILDS
else
	one=$work/one first=$work/one/build
	copy "$one"
	[ ! -e .git ] || cp "$two/.git" "$one/.git"
fi

# shellcheck disable=SC2317 # called by ok
# usage: build FOLDER CACHE VARIABLE=VALUE...
build() {
	folder=$1 cache=$2
	shift 2
	if [ "${REPRODUCE-}" = whole ]; then set -- "$@" "XDG_CACHE_HOME=$cache" "GATEPOST_SOURCES=$sources"; fi
	for board in $boards; do
		(cd "$folder" && env "$@" make "$jobs" WERROR=1 "BOARD=$board" "SIGNER=$signer") || return 1
	done
}

# shellcheck disable=SC2317
same() { cmp "$first/$1" "$two/build/$1"; }

if [ ! -x "$signer" ]; then
	make build/host/gatepost >"$work/log" 2>&1
fi
jobs=-j2
if [ -n "$one" ]; then
	ok 'both boards build' quiet build "$one" "$work/cache-of-one" TZ=UTC LC_ALL=C
fi
umask 077
jobs=-j1
ok 'both boards build in another folder, time zone, language, with another umask, one job at a time' \
	quiet build "$two" "$work/the-cache-of-two" TZ=Asia/Tokyo LC_ALL=C.UTF-8
for board in $boards; do
	for file in gatepost root.squashfs "gatepost-$board.img"; do
		ok "$board: $file is the same" quiet same "$board/$file"
	done
done
ok 'qemu-nor: the flash is the same' quiet same qemu-nor/gatepost-qemu-nor-flash.bin
ok 'orangepi-pc: the card is the same' quiet same orangepi-pc/gatepost-orangepi-pc-card.img
ok 'no file tells where it was made' never grep -qaF "$work" "$two/build/qemu-nor/gatepost" "$two/build/orangepi-pc/gatepost-orangepi-pc-card.img"

# What of others is in it: every part of the card, with the sum of its source and the words of its licence.
# shellcheck disable=SC2317 # called by ok
told() {
	legal=$two/build/orangepi-pc/legal
	for part in musl mbedtls linux busybox uboot; do
		sum=$(sed -n "s/^${part}_SHA256 *:= *//p" firmware/sources.mk)
		grep -A 5 -x "Part: *$part" "$legal/README.txt" | grep -q "$sum" || { echo "nothing of $part, $sum"; return 1; }
		[ -n "$(find "$legal/licences/$part" -type f -size +1)" ] || { echo "no licence of $part"; return 1; }
	done
	grep -A 6 -x 'Part: *ca-certificates' "$legal/README.txt" | grep -q "$(sha256sum <"${legal%/*}/ca.idx" | cut -d' ' -f1)" || { echo 'nothing of the CAs'; return 1; }
	for file in config/linux/config config/busybox/config config/uboot/config patches/linux/0001-xz-thumb-filter.patch; do
		grep -A 1 "$file\$" "$legal/README.txt" | grep -q "$(sha256sum <"$legal/$file" | cut -d' ' -f1)" || { echo "nothing of $file"; return 1; }
	done
}
# shellcheck disable=SC2317
legal() { (cd "$two" && make BOARD=orangepi-pc "SIGNER=$signer" legal); }
ok 'make legal' quiet legal
ok '… tells every part, its source, licence, patches and configuration' quiet told
finish
