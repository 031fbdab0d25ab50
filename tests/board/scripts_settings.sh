#!/bin/sh
# SPDX-License-Identifier: ISC
# rootfs: settings from a stick into the store and from the store into /etc/gatepost, with the relay's own `store`.
set -u
# shellcheck source=tests/board/lib/box.sh
. tests/board/lib/box.sh

good='Gateway = "mail.example.com"'
settings() {
	box /etc/init.d/settings
}
stored() {
	box gatepost store get "$1"
}

box_new
is "$(settings)" '' 'a blank store and no stick: nothing is wrong'
is "$(console)" '' 'and nothing is said'

# --- a stick ---

box_mounted vda1
stick=$box/dev/vda1
echo "$good" >"$stick/gatepost.conf"
settings >/dev/null
is "$(stored gatepost.conf)" "$good" 'gatepost.conf of the stick is in the store'
is "$(cat "$box/run/etc/gatepost/gatepost.conf")" "$good" 'and in /etc/gatepost'
is "$(ls "$stick")" gatepost.conf.taken 'on the stick it has another name'
has "$(console)" 'gatepost.conf from the stick is in the store' 'the console says so'
has "$(cat "$box/run/calls")" 'mount -t vfat -o ro,nosuid,nodev,noexec /dev/vda1 /mnt' 'mounted with care'

echo 'Gateway = "other.example.com"' | box gatepost store put gatepost.conf
settings >/dev/null
is "$(stored gatepost.conf)" 'Gateway = "other.example.com"' 'a stick that stays in does not undo what came later'
is "$(console)" '' 'without a word'

printf 'Gateway = "mail.example.com"\nGatewoy = 3\n' >"$stick/gatepost.conf"
settings >/dev/null
is "$(stored gatepost.conf)" 'Gateway = "other.example.com"' 'a broken one changes nothing'
has "$(console)" 'gatepost.conf on the stick is not taken:*2:*Gatewoy' 'the console tells line and word'
has "$(cat "$stick/gatepost-errors.txt")" 'Gatewoy' 'and so does a file beside it'
is "$(grep -c "$(printf '\r')$" "$stick/gatepost-errors.txt")" "$(wc -l <"$stick/gatepost-errors.txt")" 'its lines end for every editor'
ok "$([ -f "$stick/gatepost.conf" ]; echo $?)" 'the broken one keeps its name'

printf 'Gateway = "crlf.example.com"\r\n' >"$stick/gatepost.conf"
settings >/dev/null
is "$(stored gatepost.conf)" 'Gateway = "crlf.example.com"' 'mended, with the line ends of Windows: taken'
is "$(ls "$stick")" gatepost.conf.taken 'the errors are gone'
console >/dev/null

echo "$good" >"$stick/gatepost.conf.txt"
settings >/dev/null
is "$(stored gatepost.conf) $(ls "$stick")" "$good gatepost.conf.taken" 'gatepost.conf.txt is taken as well'

printf 'address = 10.1.2.3/8\nhostname = scans\n' >"$stick/network.txt"
settings >/dev/null
is "$(stored network)" 'address = 10.1.2.3/8
hostname = scans' 'network of the stick is in the store'
printf 'address = 10.1.2.3\n' >"$stick/network"
settings >/dev/null
has "$(cat "$stick/gatepost-errors.txt")" 'network:1: not understood: address = 10.1.2.3' 'a broken one is told'
has "$(stored network)" '10.1.2.3/8' 'and is not taken'
printf '\357\273\277address = 10.1.2.4/8\r\n' >"$stick/network"
settings >/dev/null
has "$(stored network)" '10.1.2.4/8' 'one with the byte order mark and the line ends of Windows is taken'
rm "$stick/network.taken"
console >/dev/null

# It reads for a while, and then no more.
echo 'address = 10.1.2.5/8' >"$stick/network"
stand_in tr <<'END'
[ "$*" != '-d \r' ] || { echo 'tr: read error: I/O error' >&2; exit 1; }
exec /bin/busybox tr "$@"
END
settings >/dev/null
has "$(console)" 'network on the stick is not taken:*I/O error' 'one that cannot be read is told'
has "$(stored network)" '10.1.2.4/8' '… and is not taken'
rm "$stick/network" "$stick/gatepost-errors.txt" "$box/usr/sbin/tr"

: >"$box/dev/vda1.ro"
echo 'Gateway = "ro.example.com"' >"$stick/gatepost.conf"
settings >/dev/null
is "$(stored gatepost.conf)" 'Gateway = "ro.example.com"' 'taken from a stick that cannot be written'
has "$(console)" 'cannot be renamed on the stick' 'which is told'
rm "$box/dev/vda1.ro" "$stick/gatepost.conf"

head -c 60000 /dev/zero | tr '\0' '#' >"$stick/gatepost.conf"
settings >/dev/null
has "$(console)" 'larger than 48 KiB' 'a file that is too large is told'
rm "$stick/gatepost.conf"

# The first FAT partition of each disk: the first that can be mounted.
rm -rf "$box/dev/vda1"
box_mounted sda2
echo 'Gateway = "second.example.com"' >"$box/dev/sda2/gatepost.conf"
mkdir "$box/sys/class/block/sda1" "$box/sys/class/block/mtdblock0" "$box/sys/class/block/ram0"
settings >/dev/null
is "$(stored gatepost.conf)" 'Gateway = "second.example.com"' 'a second partition behind one that is no FAT'
rm -rf "$box/sys/class/block/sd"* "$box/sys/class/block/vd"* "$box/dev/sda2"
box_mounted sdb
echo 'Gateway = "whole.example.com"' >"$box/dev/sdb/gatepost.conf"
settings >/dev/null
is "$(stored gatepost.conf)" 'Gateway = "whole.example.com"' 'a disk without partitions'
rm -rf "$box/sys/class/block/sd"*
console >/dev/null

# --- a broken store ---

head -c 65536 /dev/zero | tr '\0' 'x' >"$box/store"
rm -f "$box/run/etc/gatepost/"*
is "$(settings)" '' 'a store that is none: the box goes on'
got=$(console)
has "$got" 'the store cannot be read:' 'it is told'
has "$got" 'gatepost store erase' 'and how to mend it'
is "$(ls "$box/run/etc/gatepost")" '' 'nothing is made up'
box gatepost store erase
echo "$good" | box gatepost store put gatepost.conf
is "$(stored gatepost.conf)" "$good" 'which does mend it'
is "$(cat "$box/run/etc/gatepost/gatepost.conf")" "$good" 'put brings it into force as well'

# --- edit ---

stand_in vi <<'END'
echo "vi $*" >>/run/calls
cp "/run/typed$(cat /run/turn)" "$1"
echo $(($(cat /run/turn) + 1)) >/run/turn
END
echo 1 >"$box/run/turn"
echo 'Gatewoy = 1' >"$box/run/typed1"
echo 'Gateway = "edited.example.com"' >"$box/run/typed2"
got=$(echo y | box edit)
has "$got" 'Gatewoy*Not kept. Edit again?' 'edit: what is refused is told'
is "$(stored gatepost.conf)" 'Gateway = "edited.example.com"' 'and can be mended'
echo 1 >"$box/run/turn"
got=$(echo n | box edit)
is "$(stored gatepost.conf)" 'Gateway = "edited.example.com"' 'or left as it was'
echo 1 >"$box/run/turn"
echo 'address = 10.9.9.9/8' >"$box/run/typed1"
: >"$box/run/calls"
box edit network >/dev/null
has "$(cat "$box/run/calls")" 'ip addr add 10.9.9.9/8 dev eth0' 'edit network: in force at once'

# What cannot be read is not what is stored afterwards.
mv "$box/store" "$box/store.good"
head -c 65536 /dev/zero | tr '\0' 'x' >"$box/store"
: >"$box/run/calls"
got=$(box edit gatepost.conf; echo $?)
has "$got" 'edit: gatepost.conf cannot be read out of the store: *is not a store*
1' 'edit: a store that cannot be read is told'
is "$(grep -c '^vi' "$box/run/calls")" 0 '… before anything is typed'
mv "$box/store.good" "$box/store"
done_testing
