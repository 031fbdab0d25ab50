#!/bin/sh
# SPDX-License-Identifier: ISC
# What lies in the flash of this board.
#
# usage: image.sh set BUILD KERNEL ROOT OUTPUT     the set, not signed: device trees are made here, for each place of the set
#        image.sh flash SET LOADER OUTPUT          all of the flash
#        image.sh pad FLASH OUTPUT                 the 64 MiB that QEMU's machine has
set -eu

here=board/qemu-nor
dtb_size=4096
# 1.75 MiB: two sets and the store in 4 MiB with room to grow.
most=1835008

# shellcheck source=board/qemu-nor/layout
. "$here/layout"

kib() { echo "$(($1 / 1024))k"; }

# The device tree for a set that begins at the offset $1 and is called $2, into $3. The root is a partition inside the
# set, rounded up to 4 KiB.
dtb() {
	root_at=$(($1 + root_in_set))
	parts="$(kib "$LOADER_SIZE")(loader),$(kib "$SET_A_SIZE")(set_a),$(kib "$SET_B_SIZE")(set_b),$(kib "$STORE_SIZE")(store)"
	parts="$parts,$(kib $(((root_length + 4095) / 4096 * 4096)))@$(printf '0x%x' "$root_at")(root)ro"
	args="console=ttyAMA0 panic=5 mtdparts=0.flash:$parts root=/dev/mtdblock4 rootfstype=squashfs ro rootwait gatepost.set=$2"
	sed "s|\"BOOTARGS\"|\"$args\"|" "$here/qemu-nor.dts" >"$3.dts"
	dtc -q -I dts -O dtb -S "$dtb_size" -o "$3" "$3.dts"
}

filled() { head -c "$1" /dev/zero | LC_ALL=C tr '\0' '\377'; }

# $1 into $2 at the offset $3, where it may have $4 octets
put() {
	[ "$(stat -c %s "$1")" -le $(($4)) ] || { echo "gatepost: $1 does not fit: it has more than $(($4)) octets" >&2; exit 1; }
	dd if="$1" of="$2" bs=4096 seek=$(($3 / 4096)) conv=notrunc status=none
}

case $1 in
set)
	build=$2 kernel=$3 root=$4 output=$5
	root_length=$(stat -c %s "$root")
	# The kernel's offset is fixed, and so is the device trees' length: where the root begins does not hang on what is in them.
	filled "$dtb_size" >"$build/a.dtb"
	filled "$dtb_size" | LC_ALL=C tr '\377' '\376' >"$build/b.dtb"
	root_in_set=$(/usr/bin/python3 firmware/set.py -k "$kernel" -a "$build/a.dtb" -d "$build/b.dtb" -p)
	dtb "$SET_A_OFFSET" a "$build/a.dtb"
	dtb "$SET_B_OFFSET" b "$build/b.dtb"
	version=$(sed -n 's/^#define GATEPOST_VERSION "\(.*\)"$/\1/p' "$build/version.h")
	limit=$(sed -n 's/^SET_A_SIZE=//p' "$here/layout.64k")
	[ $((limit)) -ge "$most" ] || most=$((limit))
	/usr/bin/python3 firmware/set.py -b qemu-nor -v "$version" -k "$kernel" -a "$build/a.dtb" -d "$build/b.dtb" -r "$root" \
		-m "$most" -o "$output"
	;;
flash)
	set=$2 loader=$3 output=$4
	filled $((FLASH_SIZE)) >"$output.new"
	put "$loader" "$output.new" "$LOADER_OFFSET" "$LOADER_SIZE"
	put "$set" "$output.new" "$SET_A_OFFSET" "$SET_A_SIZE"
	put "$set" "$output.new" "$SET_B_OFFSET" "$SET_B_SIZE"
	mv -f "$output.new" "$output"
	;;
pad)
	flash=$2 output=$3
	{ cat "$flash"; filled $((67108864 - FLASH_SIZE)); } >"$output.new"
	mv -f "$output.new" "$output"
	;;
esac
