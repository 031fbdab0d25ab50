#!/bin/sh
# SPDX-License-Identifier: ISC
# Says what was built and how it is written.
# usage: tell.sh BUILD KERNEL
set -eu

build=$1 kernel=$2
size() { stat -c %s "$1" | sed -e ':a' -e 's/\B[0-9]\{3\}\>/,&/' -e 'ta'; }

cat <<END
  $build/gatepost-orangepi-pc-card.img  $(size "$build/gatepost-orangepi-pc-card.img") octets: the card, for any of 64 MiB or more:
                                                    dd if=FILE of=/dev/sdX bs=4M conv=fsync   (board/orangepi-pc/README.md)
  $build/gatepost-orangepi-pc.img       $(size "$build/gatepost-orangepi-pc.img") octets: kernel ($(size "$kernel")) and root ($(size "$build/root.squashfs");
                                                    relay $(size "$build/gatepost")), for "upgrade" on the box
  QEMU boots the card:  make qemu BOARD=orangepi-pc
END
