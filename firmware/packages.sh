#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs the Debian packages that a command needs and this machine lacks; says so first.
#
# usage: packages.sh [-n] COMMAND...     COMMAND: a line of firmware/packages.txt
#        -n: name them, install nothing
# Not root: through sudo where that asks no password, else the line to type, and exit 1.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
dry=
[ "${1-}" != -n ] || { dry=1; shift; }

say() { echo "gatepost: $*" >&2; }

wanted() {
	for command; do
		awk -v c="$command" '$1 == c { for (i = 2; i <= NF; i++) print $i }' "$top/firmware/packages.txt"
		extra=$top/tests/peers/packages.txt
		if [ "$command" = test ] && [ -r "$extra" ]; then grep -v '^#' "$extra" || :; fi
	done | sort -u
}

# A package that is built in by hand, or comes under another name, counts as there when dpkg says so or "provides".
missing() {
	# shellcheck disable=SC2046 # a list of names
	have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(wanted "$@") 2>/dev/null |
		awk '$2 == "installed" { print $1 }') || :
	for p in $(wanted "$@"); do
		printf '%s\n' "$have" | grep -qxF -- "$p" || echo "$p"
	done
}

if ! command -v dpkg-query >/dev/null; then
	# Not a Debian system: its owner knows how these are called there.
	for tool in gcc make kconfig-conf; do
		command -v "$tool" >/dev/null || { say "no $tool here, and no Debian to install it from"; exit 1; }
	done
	exit 0
fi

list=$(missing "$@" | paste -sd' ')
[ -n "$list" ] || exit 0
install="apt-get install -y --no-install-recommends $list"
if [ -n "$dry" ]; then
	say "lacking: $list"
	exit 0
fi
as=
if [ "$(id -u)" != 0 ]; then
	if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		as=sudo
	else
		say "these packages are missing; type:  sudo apt-get update && sudo $install"
		exit 1
	fi
fi
say "installing $list"

apt() {
	$as env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o APT::Get::List-Cleanup=0 "$@"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # a list of names
if ! apt install --no-install-recommends $list >"$log" 2>&1 </dev/null; then
	# The lists may be empty or old.
	# shellcheck disable=SC2086 # a list of names
	if ! { apt update && apt install --no-install-recommends $list; } >"$log" 2>&1 </dev/null; then
		tail -n 5 "$log" >&2
		say "could not install them; look at the lines above, then type:  $install"
		exit 1
	fi
fi
