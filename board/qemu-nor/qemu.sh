#!/bin/sh
# SPDX-License-Identifier: ISC
# Boots a copy of the flash in QEMU; this terminal is its serial console. The copy stays: what the box keeps in its store
# is there the next time, under a newer firmware too.
#
# usage: qemu.sh BUILD
# in the environment: SMTP_PORT, HTTP_PORT (else the first free ones from 2525 and 8025), RAM (16, in MiB)
set -eu

build=$1
image=$build/nor.img
copy=$build/qemu.img

# shellcheck source=board/qemu-nor/layout
. board/qemu-nor/layout

# shellcheck disable=SC3013 # dash and BusyBox have -nt
if [ ! -e "$copy" ] || [ "$image" -nt "$copy" ]; then
	cp "$image" "$copy.new"
	if [ -e "$copy" ]; then
		dd if="$copy" of="$copy.new" bs=4096 skip=$((STORE_OFFSET / 4096)) seek=$((STORE_OFFSET / 4096)) \
			count=$((STORE_SIZE / 4096)) conv=notrunc status=none
	fi
	mv -f "$copy.new" "$copy"
fi
smtp=${SMTP_PORT:-$(/usr/bin/python3 firmware/freeport.py 2525)}
http=${HTTP_PORT:-$(/usr/bin/python3 firmware/freeport.py 8025)}
cat >&2 <<END
gatepost: the box's SMTP port is 127.0.0.1:$smtp, its page http://127.0.0.1:$http/; it reaches this machine as 10.0.2.2.
gatepost: its flash is $copy: remove that to begin anew. Ctrl-A X ends it.
END
exec qemu-system-arm -M virt -cpu cortex-a7 -m "${RAM:-16}" -nodefaults -display none -serial mon:stdio \
	-drive "if=pflash,unit=0,format=raw,file=$copy" -netdev "user,id=net,hostfwd=tcp:127.0.0.1:$smtp-:25,hostfwd=tcp:127.0.0.1:$http-:80" \
	-device virtio-net-device,netdev=net -device virtio-rng-device
