#!/bin/sh
# SPDX-License-Identifier: ISC
# Brings one source archive into the cache and prints its path.
#
# usage: fetch.sh CACHE POOL SHA256 [UPSTREAM]
# Looked for in this order: the cache, GATEPOST_SOURCES=DIR (the file under either of its names), each archive
# root that apt knows, upstream's own address. Nothing is used whose SHA-256 differs.
set -eu

cache=$1 pool=$2 sum=$3 upstream=${4-}
file=${pool##*/}
here=$cache/sources/$file
part=$here.$$

say() { echo "gatepost: $*" >&2; }
good() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$sum" ]; }

wrong=
take() {
	if good "$part"; then
		mv -f "$part" "$here"
		echo "$here"
		exit 0
	fi
	[ ! -s "$part" ] || wrong="$wrong $1"
	rm -f "$part"
}

roots() {
	apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' 2>/dev/null | awk '$2 == "Debian" { print $1 }' | sort -u
}

# apt's own helper knows apt's proxy settings; curl and wget stand in where there is no apt.
get() {
	if [ -x /usr/lib/apt/apt-helper ]; then
		/usr/lib/apt/apt-helper -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
			download-file "$1" "$part" >/dev/null 2>&1 && return
	fi
	rm -f "$part" "$part.FAILED"
	if command -v curl >/dev/null; then
		curl -fsSL --connect-timeout 20 --max-time 600 -o "$part" "$1" 2>/dev/null
	elif command -v wget >/dev/null; then
		wget -q -T 20 -t 1 -O "$part" "$1" 2>/dev/null
	else
		return 1
	fi
}

mkdir -p "$cache/sources"
trap 'rm -f "$part" "$part.FAILED"' EXIT
exec 9>"$here.lock"
flock 9
if good "$here"; then
	echo "$here"
	exit 0
fi
rm -f "$here"

if [ -n "${GATEPOST_SOURCES-}" ]; then
	for f in "$GATEPOST_SOURCES/$file" "$GATEPOST_SOURCES/${upstream##*/}"; do
		[ -f "$f" ] || continue
		cp "$f" "$part"
		take "$f"
	done
fi
say "fetching $file"
if command -v apt-get >/dev/null; then
	list=$(roots)
	if [ -z "$list" ] && [ "$(id -u)" = 0 ]; then
		apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null 2>&1 || :
		list=$(roots)
	fi
	for root in $list; do
		# The security archive keeps its files one folder deeper.
		for at in "$pool" "pool/updates/${pool#pool/}"; do
			get "${root%/}/$at" || :
			take "${root%/}/$at"
		done
	done
fi
if [ -n "$upstream" ]; then
	get "$upstream" || :
	take "$upstream"
fi

if [ -n "$wrong" ]; then
	say "$file: wrong SHA-256 from$wrong; wanted $sum: put the right file into a folder and say make GATEPOST_SOURCES=FOLDER"
else
	say "$file: found nowhere (no network?): put it${upstream:+, or ${upstream##*/},} into a folder and say make GATEPOST_SOURCES=FOLDER"
fi
exit 1
