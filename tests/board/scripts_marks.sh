#!/bin/sh
# SPDX-License-Identifier: ISC
# rootfs: boot marks in flash and on a card, torn ones too; and an upgrade on a board that has block devices.
set -u
# shellcheck source=tests/board/lib/box.sh
. tests/board/lib/box.sh

ones() { head -c "$1" /dev/zero | LC_ALL=C tr '\0' '\377'; }

# usage: marks OFFSET STRIDE COUNT     the box has such marks: the first says that A is well
marks() {
	offset=$1 stride=$2
	{ ones "$1" && printf 'TESA' && ones 12 && printf '\0\0\0\0' && ones $(($2 * $3 - 20)); } >"$box/dev/marks"
	{
		echo 'BOARD=test'
		echo 'MARKS=/dev/marks'
		echo 'SET_A=/dev/set_a'
		echo 'SET_B=/dev/set_b'
		printf 'MARKS_OFFSET=%s\nMARKS_STRIDE=%s\nMARKS_COUNT=%s\n' "$1" "$2" "$3"
	} >"$box/etc/board.conf"
	runs a
}
runs() { echo "console=x gatepost.set=$1 quiet" >"$box/proc/cmdline"; }
# usage: word RECORD WORD FORMAT     as the loader, or a power cut, would leave it
word() {
	# shellcheck disable=SC2059
	printf "$3" | dd of="$box/dev/marks" bs=1 seek=$((offset + $1 * stride + $2 * 4)) conv=notrunc status=none
}
words() { dd if="$box/dev/marks" bs=1 skip=$((offset + $1 * stride)) count=20 status=none | od -An -tx4 -v -w20 | tr -s ' '; }
show() { box bootmark show; }

for where in '32768 32 1024' '1048576 512 1024' '0 32 8'; do
	box_new
	# shellcheck disable=SC2086
	marks $where
	is "$(show)" 'running a' "$where: as it is shipped"
	box bootmark good
	is "$(box bootmark left)" $((${where##* } - 1)) '… to be told again that it is well changes nothing'
	box bootmark set b
	is "$(show)" 'running a; next b, which is new' '… a new set'
	is "$(words 1)" ' 42534554 ffffffff ffffffff ffffffff ffffffff' '… its mark'
	box bootmark good
	is "$(show)" 'running a; next b, which is new' '… that this one is well does not take it back'
	runs b
	word 1 1 '\0\0\0\0'
	is "$(show)" 'running b, on trial, boot 1 of 3' '… it runs'
	word 1 2 '\0\0\0\0'
	is "$(show)" 'running b, on trial, boot 2 of 3' '… again'
	box bootmark good
	is "$(show)$(words 1)" 'running b 42534554 00000000 00000000 ffffffff 00000000' '… and is well'
	box bootmark set a
	runs a
	word 2 1 '\0\0\0\0'
	word 2 2 '\0\0\0\0'
	word 2 3 '\0\0\0\0'
	runs b
	is "$(show)" 'running b; a did not boot well' '… one that was given up'
	box bootmark good
	is "$(show)$(words 3)" 'running b 42534554 ffffffff ffffffff ffffffff 00000000' '… then this one is the last that is well'
done

box_new
marks 32768 32 8
word 1 0 'T\377\377\377'
is "$(show)" 'running a' 'a torn name is no mark'
box bootmark set b
is "$(words 2)" ' 42534554 ffffffff ffffffff ffffffff ffffffff' '… and the next one stands behind it'
runs b
word 2 1 '\1\0\377\0'
is "$(show)" 'running b, on trial, boot 1 of 3' 'a torn try counts'
word 2 4 '\0\377\377\377'
is "$(show)" 'running b' 'a torn "well" counts'
box bootmark good
is "$(words 2)" ' 42534554 00ff0001 ffffffff ffffffff 00000000' '… and is made whole'
for _ in 1 2 3 4 5; do box bootmark set a; done
is "$(box bootmark set a; echo $?)" 'bootmark: all boot marks are used up: the loader has to be written anew
1' 'no mark is left: it says so'
is "$(box bootmark left)" 0 '… and how many there are'
is "$(box bootmark set c >/dev/null; echo $?)" 64 'no such set'
echo 'console=x' >"$box/proc/cmdline"
is "$(box bootmark show; echo $?)" 'bootmark: the command line of the kernel does not tell which set runs
1' 'a kernel that was started in another way'

# --- an upgrade ---

box_new
marks 32768 32 1024
stand_in reboot <<'END'
echo reboot >>/run/calls
END
stand_in blockdev <<'END'
wc -c <"$2"
END
mkdir -p "$box/proc/sys/vm"
head -c 300000 /dev/urandom >"$box/dev/set_a"
cp "$box/dev/set_a" "$work/set_a"
head -c 300000 /dev/zero >"$box/dev/set_b"
head -c 100000 /dev/urandom >"$work/kernel"
/usr/bin/python3 firmware/set.py -b test -v 9.8.7 -k "$work/kernel" -a "$work/kernel" -r "$work/kernel" -o "$box/run/new.img"
"$box/usr/lib/gatepost" image sign -k firmware/keys/development.key "$box/run/new.img" >/dev/null
size=$(stat -c %s "$box/run/new.img")

mkdir "$box/run/upgrade.lock"
echo $$ >"$box/run/upgrade.lock/pid"
got=$(box upgrade -n /run/new.img)
is $? 75 'beside another upgrade'
sh -c 'exit 0' &
echo $! >"$box/run/upgrade.lock/pid"
wait
got=$(box upgrade -n /run/new.img)
ok $? 'an upgrade, where one before was killed'
has "$got" 'Gatepost 9.8.7 for test' '… names the version'
head -c "$size" "$box/dev/set_b" | cmp -s - "$box/run/new.img"
ok $? '… is written to the set that does not run'
cmp -s "$box/dev/set_a" "$work/set_a"
ok $? '… and not to the other'
is "$(show)" 'running a; next b, which is new' '… which is marked'
is "$(grep -c reboot "$box/run/calls")" 0 '… and -n does not start anew'
ok "$(test -e "$box/run/relay.off"; echo $((! $?)))" '… the relay may run again'
ok "$(test -e "$box/run/upgrade.img"; echo $((! $?)))" '… nothing is left of it in RAM'
runs b
word 1 1 '\0\0\0\0'
got=$(box upgrade /run/new.img)
is $? 75 'a version on trial takes no upgrade'
box bootmark good
box upgrade /run/new.img >/dev/null
is "$(grep -c reboot "$box/run/calls")" 1 'without -n it starts anew'
head -c "$size" "$box/dev/set_a" | cmp -s - "$box/run/new.img"
ok $? '… and the other set was written'
runs b
head -c 50000 "$box/run/new.img" >"$box/run/cut.img"
got=$(box upgrade -n /run/cut.img)
is $? 65 'a cut file'
has "$got" 'is cut off' '… is told'
# From a stick that is read to its end, and from one that is not: it may be pulled afterwards.
box_mounted sda
cp "$box/run/new.img" "$box/dev/sda/gatepost-test.img"
got=$(box upgrade -n)
ok $? 'from a stick'
is "$(grep -c '^umount' "$box/run/calls")" 1 '… which is given back'
: >"$box/run/calls"
stand_in head <<'END'
[ "$1" != -c ] || { echo 'head: read error: I/O error' >&2; exit 1; }
exec /bin/busybox head "$@"
END
got=$(box upgrade -n)
is $? 74 'from a stick that cannot be read'
has "$got" 'cannot be read' '… is told'
is "$(grep -c '^umount' "$box/run/calls")" 1 '… and it is given back'
rm -r "$box/usr/sbin/head" "$box/dev/sda" "$box/sys/class/block/sda"
rm "$box/dev/set_a" && mkdir "$box/dev/set_a"
stand_in blockdev <<'END'
echo 400000
END
before=$(words 3)
got=$(box upgrade -n /run/new.img)
is $? 74 'a set that cannot be written'
has "$got" 'this version stays' '… is told'
is "$(words 3)" "$before" '… and not marked'
ok "$(test -e "$box/run/relay.off"; echo $((! $?)))" '… the relay may run again'
done_testing
