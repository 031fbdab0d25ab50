#!/bin/sh
# SPDX-License-Identifier: ISC
# The CA certificates of a firmware, made the index that the relay maps from its root file system.
#
# usage: ca.sh INDEXER OUTPUT [LIST]     INDEXER: the program of ca_index.c; LIST: names, one per line, "#" comments
#
# The certificates are those of Debian's ca-certificates; without a list all of them.
set -eu

indexer=$1 output=$2 list=${3-}
folder=/usr/share/ca-certificates/mozilla
LC_ALL=C
export LC_ALL

say() { echo "gatepost: $*" >&2; }

[ -d "$folder" ] || { say "$folder is missing; type:  apt-get install ca-certificates"; exit 1; }

certificates() {
	if [ -z "$list" ]; then
		cat "$folder"/*.crt
		return
	fi
	# CAs come and go with the versions of Debian: one that is not trusted any more is no reason to stop.
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$list" | while read -r name; do
		if [ -r "$folder/$name.crt" ]; then cat "$folder/$name.crt"; else say "$list: $name is not in ca-certificates"; fi
	done
}

certificates | "$indexer" "$output.new" >/dev/null
mv "$output.new" "$output"
