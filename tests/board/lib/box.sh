# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# Sourced by the tests of rootfs/'s scripts: a folder that looks like the box, with the board's own BusyBox built for this
# machine ($BUSYBOX or $O/test/busybox/busybox), the relay's own `store` and `check` on a plain file, and stand-ins for what would
# touch this machine. Everything runs in it by chroot.
#
#	box_new            a fresh box in $box
#	box [NAME=VALUE...] COMMAND...     run in it
#	box_mounted NAME   a FAT partition /dev/NAME: a folder; /dev/NAME.ro makes it one that cannot be written
#	console            what the console showed since the last call
#	ok TEXT / is GOT WANTED TEXT / has TEXT WORDS NAME    points;  done_testing    the plan

test_points=0 test_failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/gatepost-box.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
box=$work/box
busybox=${BUSYBOX:-${O:-build/host}/test/busybox/busybox}

enter='chroot'
[ "$(id -u)" = 0 ] || enter='unshare -r /usr/sbin/chroot'

box_new() {
	rm -rf "$box"
	mkdir -p "$box/bin" "$box/dev" "$box/run/etc/gatepost" "$box/run/tmp" "$box/mnt" "$box/sys/class/block" "$box/usr/lib" "$box/sbin"
	cp -RP rootfs/. "$box/"
	mkdir -p "$box/proc"
	cp "$busybox" "$box/bin/busybox"
	while read -r link; do
		ln "$box/bin/busybox" "$box/bin/${link##*/}"
	done <"${busybox%/*}/links"
	cp "${GATEPOST:-${O:-build/host}/gatepost}" "$box/usr/lib/gatepost"
	stand_in gatepost <<-'END'
		[ "$1" != store ] || { shift; set -- store -s /store -c /etc/gatepost/gatepost.conf "$@"; }
		exec /usr/lib/gatepost "$@"
	END
	# A partition is a folder that "mount" moves to /mnt.
	stand_in mount <<-'END'
		echo "mount $*" >>/run/calls
		case "$*" in
		*remount,rw*) [ ! -e "$(cat /run/mounted).ro" ] || exit 1; chmod 755 /mnt; exit 0 ;;
		*vfat*) ;;
		*) exit 0 ;;
		esac
		while [ $# -gt 2 ]; do shift; done
		[ -d "$1" ] || exit 255
		rmdir /mnt && mv "$1" /mnt && echo "$1" >/run/mounted
	END
	stand_in umount <<-'END'
		echo "umount $*" >>/run/calls
		mv /mnt "$(cat /run/mounted)" && mkdir /mnt
	END
	# On a stick that cannot be written nothing can be renamed, whoever asks.
	stand_in mv <<-'END'
		for last; do :; done
		case $last in /mnt/*) [ ! -e "$(cat /run/mounted).ro" ] || exit 1 ;; esac
		exec /bin/busybox mv "$@"
	END
	for name in ip hostname logger; do
		stand_in "$name" <<-END
			echo "$name \$*" >>/run/calls
			[ ! -x "/run/$name" ] || exec "/run/$name" "\$@"
		END
	done
	truncate -s 65536 "$box/store"
	: >"$box/dev/console"
	printf 'BOARD=test\nVERSION=1\nBUILD_DATE=1767225600\n' >"$box/etc/board.conf"
	: >"$box/run/calls"
}

stand_in() {
	{
		echo '#!/bin/sh'
		cat
	} >"$box/usr/sbin/$1"
	chmod 755 "$box/usr/sbin/$1"
}

box() {
	(
		for word; do
			case $word in
			[a-z]*=*) export "${word?}" && shift ;;
			*) break ;;
			esac
		done
		PATH=/usr/sbin:/usr/bin:/sbin:/bin exec $enter "$box" "$@" 2>&1
	)
}

box_mounted() {
	mkdir -p "$box/dev/$1" "$box/sys/class/block/${1%%[0-9]*}" "$box/sys/class/block/$1"
}

console() {
	cat "$box/dev/console"
	: >"$box/dev/console"
}

ok() {
	test_points=$((test_points + 1))
	if [ "$1" = 0 ]; then
		echo "ok $test_points - $2"
	else
		echo "not ok $test_points - $2"
		test_failed=1
	fi
}

is() {
	if [ "$1" = "$2" ]; then
		ok 0 "$3"
	else
		ok 1 "$3"
		printf 'got:\n%s\nwanted:\n%s\n' "$1" "$2" | sed 's/^/# /'
	fi
}

# usage: has TEXT PATTERN NAME     (a pattern of the shell)
has() {
	# shellcheck disable=SC2254 # a pattern
	case $1 in
	*$2*) ok 0 "$3" ;;
	*)
		ok 1 "$3"
		printf 'got:\n%s\nwanted: %s\n' "$1" "$2" | sed 's/^/# /'
		;;
	esac
}

done_testing() {
	echo "1..$test_points"
	exit $test_failed
}
