#!/bin/sh
# SPDX-License-Identifier: ISC
# What lies on the card of this board. Needs neither root rights nor loop devices.
#
# usage: image.sh data OUTPUT                         a data partition as it is when new
#        image.sh set BUILD KERNEL DTB ROOT OUTPUT    the set, not signed
#        image.sh card BUILD SET U-BOOT OUTPUT        all of the card
set -eu

here=board/orangepi-pc
# shellcheck source=board/orangepi-pc/layout
. "$here/layout"

LC_ALL=C TZ=UTC0 PATH=$PATH:/usr/sbin:/sbin
export LC_ALL TZ PATH

define() { sed -n "s/^#define $1 \"*\([^\"]*\)\"*\$/\1/p" "$build/version.h"; }

# $1 into $2 at the offset $3, where it may have $4 octets
put() {
	[ "$(stat -c %s "$1")" -le $(($4)) ] || { echo "gatepost: $1 does not fit: it has more than $(($4)) octets" >&2; exit 1; }
	dd if="$1" of="$2" bs=4096 seek=$(($3 / 4096)) conv=notrunc,sparse status=none
}

# One record: set A, no try left to count, good.
first_mark() {
	printf 'TESA\377\377\377\377\377\377\377\377\377\377\377\377\0\0\0\0'
	head -c $((MARKS_SIZE - 20)) /dev/zero | tr '\0' '\377'
}

# What a computer sees, in sectors: the FAT, and the rest as one partition of a kind that no system mounts or offers to
# format. The kernel's own partitions come from its command line, see boot.cmd.
partitions() {
	echo 'label: dos'
	echo 'label-id: 0x47504f50'
	echo "start=$((BOOT_OFFSET / 512)),size=$((BOOT_SIZE / 512)),type=c"
	echo "start=$((SET_A_OFFSET / 512)),size=$(((CARD_SIZE - SET_A_OFFSET) / 512)),type=da"
}

case $1 in
data)
	output=$2
	rm -f "$output.new"
	# Room for the tables of a card of 64 GiB; nothing that tells when it was made.
	MKE2FS_CONFIG=/dev/null E2FSPROGS_FAKE_TIME=1767225600 mke2fs -q -F -T default -b 4096 -I 256 -i 16384 -m 1 -J size=4 \
		-e remount-ro -L gatepost -U 47415445-504f-5354-8000-000000000001 \
		-O none,has_journal,resize_inode,filetype,extent,flex_bg,sparse_super,large_file,dir_index,extra_isize,metadata_csum \
		-E resize=16777216,lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0,hash_seed=47415445-504f-5354-8000-000000000002 \
		"$output.new" 16M >/dev/null
	mv -f "$output.new" "$output"
	;;
set)
	build=$2 kernel=$3 dtb=$4 root=$5 output=$6
	/usr/bin/python3 firmware/set.py -b orangepi-pc -v "$(define GATEPOST_VERSION)" -k "$kernel" -a "$dtb" -r "$root" \
		-m "$((SET_A_SIZE))" -o "$output"
	;;
card)
	build=$2 set=$3 uboot=$4 output=$5
	date=$(define BUILD_DATE)
	rm -f "$output.new"
	truncate -s "$((CARD_SIZE))" "$output.new"
	partitions | sfdisk -q --no-reread --no-tell-kernel "$output.new"
	put "$uboot" "$output.new" "$LOADER_OFFSET" "$LOADER_SIZE"
	first_mark >"$build/marks"
	put "$build/marks" "$output.new" "$MARKS_OFFSET" "$MARKS_SIZE"

	# The FAT, with a file that tells a person what to do here.
	sed -e 1d -e 's/$/\r/' "$here/card.txt" >"$build/README.TXT"
	touch -d "@$date" "$build/README.TXT"
	rm -f "$build/fat"
	truncate -s "$((BOOT_SIZE))" "$build/fat"
	mkfs.vfat --invariant -F 16 -s 2 -n GATEPOST -i 47504f50 "$build/fat" >/dev/null
	mcopy -m -i "$build/fat" "$build/README.TXT" ::
	# It keeps the time of the text; those of its creation and of its reading would be now.
	entry=$(grep -abo 'README  TXT' "$build/fat" | head -n 1 | cut -d: -f1)
	head -c 7 /dev/zero | dd of="$build/fat" bs=1 seek=$((entry + 13)) conv=notrunc status=none
	put "$build/fat" "$output.new" "$BOOT_OFFSET" "$BOOT_SIZE"

	put "$set" "$output.new" "$SET_A_OFFSET" "$SET_A_SIZE"
	put "$set" "$output.new" "$SET_B_OFFSET" "$SET_B_SIZE"
	mv -f "$output.new" "$output"
	;;
esac
