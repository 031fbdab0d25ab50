#!/bin/sh
# SPDX-License-Identifier: ISC
# Boots a copy of the card in QEMU; the console is this terminal, the box's port 25 is 127.0.0.1:2525. The copy stays:
# what the box stores is there the next time, until the image is built anew. QEMU ends with Ctrl-A X.
#
# usage: qemu.sh BUILD
# in the environment: SMTP_PORT (2525), HTTP_PORT (8080)
set -eu

image=$1/gatepost-orangepi-pc-card.img
copy=$1/qemu-card.img
if [ ! -e "$copy" ] || [ "$image" -nt "$copy" ]; then
	cp --sparse=always "$image" "$copy"
fi
echo "gatepost: port 25 of the box is 127.0.0.1:${SMTP_PORT:-2525}; Ctrl-A X ends it" >&2
exec qemu-system-arm -M orangepi-pc -display none -serial mon:stdio -drive "if=sd,format=raw,file=$copy" \
	-nic "user,hostfwd=tcp:127.0.0.1:${SMTP_PORT:-2525}-:25,hostfwd=tcp:127.0.0.1:${HTTP_PORT:-8080}-:80"
