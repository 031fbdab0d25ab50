#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds U-Boot for a board and puts it into the cache: PREFIX/u-boot.bin (as it is written to the card), PREFIX/config,
# PREFIX/command (the one command that is compiled in). Does nothing when it is there.
#
# usage: uboot.sh PREFIX BOARD-FOLDER DEFCONFIG ARCHIVE-COMMAND...
#	BOARD-FOLDER: layout, boot.cmd, uboot.config (on top of DEFCONFIG, one of U-Boot's own)
#	ARCHIVE-COMMAND prints the path of the source archive
# in the environment: CROSS_COMPILE, UBOOT_JOBS
#
# The result depends on nothing but PREFIX's inputs: no date, no path.
set -eu

# shellcheck source=firmware/cache.sh
. "${0%/*}/cache.sh"
board=$2 defconfig=$3
cache_begin "$1"
shift 3
export SOURCE_DATE_EPOCH=1767225600
# Its Python modules are Debian's.
PATH=/usr/bin:$PATH
# shellcheck disable=SC1090,SC1091 # the board's
. "$board/layout"

# $1 sectors of 512 octets, or octets, in hexadecimal
sectors() { printf '%x' $(($1 / 512)); }
octets() { printf '%x' $(($1)); }
# a partition as Linux's blkdevparts= has it
part() { printf '%d@%d(%s)' "$2" "$3" "$1"; }

# The script as one line: comments and indentation go; a command ends with its line, "then", "do" and "else" go on.
# MARKS, SUM and SET are places in memory.
command() {
	sed -e 's/^[[:space:]]*//' -e '/^#/d' -e '/^$/d' \
		-e 's/@MARKS@/41000000/g' -e 's/@SUM@/41ff0000/g' -e 's/@SET@/42000000/g' \
		-e "s/@MARKS_SECTOR@/$(sectors "$MARKS_OFFSET")/g" \
		-e "s/@MARKS_COUNT@/$(octets $((MARKS_SIZE / MARKS_STRIDE)))/g" \
		-e "s/@SET_A@/$(octets "$SET_A_OFFSET")/g" -e "s/@SET_A_SECTOR@/$(sectors "$SET_A_OFFSET")/g" \
		-e "s/@SET_B@/$(octets "$SET_B_OFFSET")/g" -e "s/@SET_B_SECTOR@/$(sectors "$SET_B_OFFSET")/g" \
		-e "s/@SET_COUNT@/$(sectors "$SET_A_SIZE")/g" -e "s/@PARTS_1@/blkdevparts=mmcblk0:$(
			part boot $((BOOT_SIZE)) $((BOOT_OFFSET))),$(part set_a $((SET_A_SIZE)) $((SET_A_OFFSET))),$(
			part set_b $((SET_B_SIZE)) $((SET_B_OFFSET)))/" \
		-e "s/@PARTS_2@/$(part store $((STORE_SIZE)) $((STORE_OFFSET))),-@$((DATA_OFFSET))(data)/" "$1" |
		awk '{ printf "%s%s", $0, /(^| )(then|do|else)$/ ? " " : "; " } END { print "" }' | sed 's/; $//'
}

[ "$((MARKS_STRIDE))" = 512 ] && [ "$((SET_A_SIZE))" = "$((SET_B_SIZE))" ]
command "$board/boot.cmd" >"$work/out/command"
if grep -q '@[A-Z_]*@' "$work/out/command"; then
	say "$board/boot.cmd: unknown @NAME@: $(grep -o '@[A-Z_]*@' "$work/out/command")"
	exit 1
fi
{ printf 'bootcmd=' && cat "$work/out/command"; } >"$work/environment"
cp "$board/uboot.config" "$work/fragment"
archive "$@"

build() {
	cat "configs/$defconfig" "$work/fragment" >.config
	cp "$work/environment" gatepost.env
	echo 'CONFIG_DEFAULT_ENV_FILE="gatepost.env"' >>.config
	make -s olddefconfig
	survived .config "$work/fragment"
	make -s -j"${UBOOT_JOBS:-2}" CROSS_COMPILE="$CROSS_COMPILE"
	cp u-boot-sunxi-with-spl.bin "$work/out/u-boot.bin"
	cp .config "$work/out/config"
}
cache_build build
size=$(stat -c %s "$work/out/u-boot.bin")
if [ "$size" -gt "$((LOADER_SIZE))" ]; then
	say "U-Boot has $size octets; $board/layout leaves $((LOADER_SIZE))"
	exit 1
fi
cache_keep
