#!/bin/sh
# SPDX-License-Identifier: ISC
# Boots a copy of the card in QEMU; this terminal is its serial console. The copy stays: what the box keeps in its store
# and in its spool is there the next time, under a newer firmware too.
#
# usage: qemu.sh BUILD
# in the environment: SMTP_PORT, HTTP_PORT (else the first free ones from 2525 and 8025)
set -eu

build=$1
image=$build/gatepost-orangepi-pc-card.img
copy=$build/qemu.img

# shellcheck source=board/orangepi-pc/layout
. board/orangepi-pc/layout

if [ ! -e "$copy" ] || [ -n "$(find "$image" -newer "$copy")" ]; then
	cp --sparse=always "$image" "$copy.new"
	if [ -e "$copy" ]; then
		# Store and data are the last two.
		dd if="$copy" of="$copy.new" bs=4096 skip=$((STORE_OFFSET / 4096)) seek=$((STORE_OFFSET / 4096)) conv=notrunc,sparse status=none
	fi
	mv -f "$copy.new" "$copy"
fi
smtp=${SMTP_PORT:-$(/usr/bin/python3 firmware/freeport.py 2525)}
http=${HTTP_PORT:-$(/usr/bin/python3 firmware/freeport.py 8025)}
cat >&2 <<END
gatepost: the box's SMTP port is 127.0.0.1:$smtp, its page http://127.0.0.1:$http/; it reaches this machine as 10.0.2.2.
gatepost: its card is $copy: remove that to begin anew. "reboot" stops it only: Ctrl-A X, and start again.
END
exec qemu-system-arm -M orangepi-pc -display none -serial mon:stdio -drive "if=sd,format=raw,file=$copy" \
	-nic "user,hostfwd=tcp:127.0.0.1:$smtp-:25,hostfwd=tcp:127.0.0.1:$http-:80"
