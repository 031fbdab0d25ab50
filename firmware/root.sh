#!/bin/sh
# SPDX-License-Identifier: ISC
# Makes the root file system of a board: rootfs/, then board/NAME/rootfs/ and BUILD/extra/ over it, BusyBox, the relay, /etc/board.conf.
# Nothing in it depends on when, where or by whom it is made.
#
# usage: root.sh BOARD BUILD BUSYBOX GATEPOST OUTPUT
# in the environment: SQUASHFS_OPTIONS
set -eu

board=$1 build=$2 busybox=$3 gatepost=$4 output=$5
say() { echo "gatepost: $*" >&2; }
define() { sed -n "s/^#define $1 \"*\([^\"]*\)\"*\$/\1/p" "$build/version.h"; }

stage=$build/root
log=$build/root.log
umask 022
rm -rf "$stage" "$output.new"
mkdir -p "$stage"
for overlay in rootfs "board/$board/rootfs" "$build/extra"; do
	[ ! -d "$overlay" ] || cp -RP "$overlay/." "$stage/"
done

# Of the modes in the tree, git keeps one bit.
find "$stage" -type d -exec chmod 755 {} +
find "$stage" -type f -perm /100 -exec chmod 755 {} +
find "$stage" -type f ! -perm /100 -exec chmod 644 {} +

mkdir -p "$stage/bin" "$stage/sbin" "$stage/usr/bin" "$stage/usr/sbin" "$stage/etc"
cp "$busybox/busybox" "$stage/bin/busybox"
while read -r link; do
	# What rootfs/ brings of the same name stays.
	[ -e "$stage$link" ] || [ -L "$stage$link" ] || ln -s /bin/busybox "$stage$link"
done <"$busybox/links"
cp "$gatepost" "$stage/usr/sbin/gatepost"
mkdir -p "$stage/usr/share/gatepost"
cp "$build/ca.idx" "$stage/usr/share/gatepost/ca.idx"
[ -e "$stage/usr/sbin/sendmail" ] || ln -s gatepost "$stage/usr/sbin/sendmail"
chmod 755 "$stage/bin/busybox" "$stage/usr/sbin/gatepost"
chmod 644 "$stage/usr/share/gatepost/ca.idx"

date=$(define BUILD_DATE)
{
	echo "# What this box is: made by the build, read by the scripts."
	echo "BOARD=$board"
	echo "VERSION=$(define GATEPOST_VERSION)"
	echo "BUILD_DATE=$date"
	grep -v '^#' "board/$board/board.conf"
	# shellcheck disable=SC1090 # the board's
	. "board/$board/layout"
	echo "MARKS_OFFSET=$((MARKS_OFFSET))"
	echo "MARKS_STRIDE=$MARKS_STRIDE"
	echo "MARKS_COUNT=$((MARKS_SIZE / MARKS_STRIDE))"
} >"$stage/etc/board.conf"

# shellcheck disable=SC2086 # a list of options
if ! mksquashfs "$stage" "$output.new" -noappend -no-xattrs -all-root -pf firmware/rootfs.pseudo -all-time "$date" -mkfs-time "$date" \
	-comp xz $SQUASHFS_OPTIONS -processors 1 -no-progress >"$log" 2>&1; then
	tail -n 3 "$log" >&2
	say "mksquashfs failed; its output is in $log"
	exit 1
fi
mv -f "$output.new" "$output"
