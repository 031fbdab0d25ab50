#!/bin/sh
# SPDX-License-Identifier: ISC
# Says what was built and how it is written.
# usage: tell.sh BUILD KERNEL
set -eu

build=$1 kernel=$2
size() { stat -c %s "$1" | sed -e ':a' -e 's/\B[0-9]\{3\}\>/,&/' -e 'ta'; }

cat <<END
  $build/gatepost-qemu-nor.img        $(size "$build/gatepost-qemu-nor.img") octets: the set of kernel ($(size "$kernel")) and root
                                              ($(size "$build/root.squashfs"); relay $(size "$build/gatepost")), at most 1,835,008; for "upgrade" on the box
  $build/gatepost-qemu-nor-flash.bin  $(size "$build/gatepost-qemu-nor-flash.bin") octets: all of the flash, to be written at its beginning
                                              (a programmer, or: flashcp -v FILE /dev/mtdN of the whole chip)
  $build/nor.img                      the same, filled up for QEMU:  make qemu BOARD=qemu-nor
END
