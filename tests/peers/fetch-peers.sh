#!/bin/sh
# SPDX-License-Identifier: ISC
# Real mail programs for the tests, unpacked beside each other and never installed: their packages
# exclude one another, ask questions and start services.
#
# usage: fetch-peers.sh [postfix] [opensmtpd] [exim] [nginx]      (no argument: all of them)
# prints the folder that holds postfix/, opensmtpd/, exim/ and nginx/; exit 1 and one line if it cannot.
set -eu

top=${GATEPOST_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/gatepost/peers}
[ $# -gt 0 ] || set -- postfix opensmtpd exim nginx

say() { echo "fetch-peers: $*" >&2; }

programs() {
	case $1 in
	postfix) echo usr/sbin/smtp-sink usr/sbin/saslpasswd2 ;;
	opensmtpd) echo usr/sbin/smtpd ;;
	exim) echo usr/sbin/exim4 ;;
	nginx) echo usr/sbin/nginx ;;
	*) say "$1: not one of postfix, opensmtpd, exim, nginx"; exit 64 ;;
	esac
}

packages() {
	case $1 in
	exim) echo exim4-daemon-light exim4-base ;;
	nginx) echo nginx libnginx-mod-mail ;;
	postfix) echo postfix sasl2-bin libsasl2-modules libsasl2-modules-db ;;
	*) echo "$1" ;;
	esac
}

# The libraries that came with the packages count as well as the system's own.
whole() {
	libs=$(find "$top/$1/usr/lib" "$top/$1/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)
	for file in $(programs "$1"); do
		file=$top/$1/$file
		[ -x "$file" ] || return 1
		! LD_LIBRARY_PATH=$libs ldd "$file" 2>/dev/null | grep -q 'not found' || return 1
	done
}

lists_present() {
	[ -n "$(apt-get indextargets --format '$(FILENAME)' 'Created-By: Packages' 2>/dev/null |
		while read -r f; do ls "$f"* 2>/dev/null; done)" ]
}

root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

fetch() {
	lists_present || root apt-get -o DPkg::Lock::Timeout=300 -q update >&2 || {
		say "apt has no package lists: run apt-get update as root"
		return 1
	}
	work=$top/.$1.$$
	rm -rf "$work" "$work.new"
	mkdir -p "$work" "$work.new"
	# shellcheck disable=SC2046 # a list of names
	names=$(apt-get -s -o DPkg::Lock::Timeout=300 --no-install-recommends install $(packages "$1") |
		awk '$1 == "Inst" { print $2 }')
	# what is installed already is not in that list, but the packages themselves are wanted in any case
	# shellcheck disable=SC2046,SC2086 # lists of names
	names=$(printf '%s\n' $names $(packages "$1") | sort -u)
	# shellcheck disable=SC2086 # a list of names
	(cd "$work" && apt-get -q -o DPkg::Lock::Timeout=300 -o APT::Sandbox::User=root download $names >&2) || {
		say "cannot download $names"
		rm -rf "$work" "$work.new"
		return 1
	}
	for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$work.new"; done
	rm -rf "${top:?}/$1" "$work"
	mv "$work.new" "$top/$1"
}

mkdir -p "$top"
exec 9>"$top/.lock"
flock -w 300 9 || { say "another one holds $top/.lock"; exit 1; }
for peer; do
	whole "$peer" || fetch "$peer"
	whole "$peer" || { say "$peer does not start: a program or a library is missing"; exit 1; }
done
echo "$top"
