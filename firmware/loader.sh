#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds a board's own loader: the octets from the beginning of the flash to the end of the first boot mark, which says
# that set A is well.
#
# usage: loader.sh OUTPUT LAYOUT CROSS_COMPILE
set -eu

output=$1 layout=$2 cross=$3
folder=${layout%/*}/loader
limit=8192

# shellcheck source=board/qemu-nor/layout
. "$layout"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${cross}gcc" -std=c11 -marm -march=armv7-a+fp -Os -ffreestanding -fno-pic -fno-stack-protector -mno-unaligned-access \
	-fno-tree-loop-distribute-patterns -fno-delete-null-pointer-checks -fno-asynchronous-unwind-tables -fno-unwind-tables -mgeneral-regs-only \
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror -Wframe-larger-than=2048 \
	-DMARKS_OFFSET="$MARKS_OFFSET" -DMARKS_SIZE="$MARKS_SIZE" -DSET_A_OFFSET="$SET_A_OFFSET" -DSET_A_SIZE="$SET_A_SIZE" \
	-DSET_B_OFFSET="$SET_B_OFFSET" -DSET_B_SIZE="$SET_B_SIZE" \
	-nostdlib -nostartfiles -static -Wl,-T,"$folder/loader.ld" -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
	-o "$work/loader.elf" "$folder"/*.S "$folder"/*.c
"${cross}objcopy" -O binary "$work/loader.elf" "$work/loader"
size=$(stat -c %s "$work/loader")
[ "$size" -le "$limit" ] || { echo "gatepost: the loader has $size octets, more than $limit" >&2; exit 1; }

{
	cat "$work/loader"
	head -c $((MARKS_OFFSET - size)) /dev/zero | LC_ALL=C tr '\0' '\377'
	printf 'TESA'
	head -c 12 /dev/zero | LC_ALL=C tr '\0' '\377'
	printf '\0\0\0\0'
	head -c 12 /dev/zero | LC_ALL=C tr '\0' '\377'
} >"$output.new"
mv -f "$output.new" "$output"
