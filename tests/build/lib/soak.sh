#!/bin/sh
# SPDX-License-Identifier: ISC
# make soak: what takes too long for make test. Each part alone off, and SOAK_CONFIGS (12) random configurations, built
# without a warning, the C tests passed; then whatever tests/soak/ holds.
#
# usage: O=build/host soak.sh
set -u

board=${O:-build/host}
configs=${SOAK_CONFIGS:-12}
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
bad=0

try() {
	name=$1
	dir=$board/soak/$name
	if make "O=$dir" WERROR=1 all >"$dir.log" 2>&1 && make "O=$dir" WERROR=1 test-c >>"$dir.log" 2>&1; then
		echo "ok    $name: $(tail -n 1 "$dir.log"), $(stat -c %s "$dir/gatepost") bytes"
		rm -rf "$dir"
	else
		echo "FAILED $name: see $dir.log"
		bad=$((bad + 1))
	fi
}

mkdir -p "$board/soak"
symbols=$(awk '$1 == "config" { name = $2 } $1 == "bool" { print name }' Kconfig src/Kconfig)
for symbol in $symbols; do
	dir=$board/soak/without-$symbol
	rm -rf "$dir"
	make "O=$dir" "$dir/config.mk" >/dev/null 2>&1
	sed -i "s/^CONFIG_$symbol=y/# CONFIG_$symbol is not set/" "$dir/.config"
	try "without-$symbol"
done
i=0
while [ $i -lt "$configs" ]; do
	i=$((i + 1))
	rm -rf "$board/soak/random-$i"
	make "O=$board/soak/random-$i" DEFCONFIG=randconfig "$board/soak/random-$i/config.mk" >/dev/null 2>&1
	try "random-$i"
done
for script in tests/soak/*; do
	[ ! -f "$script" ] || "$script" || bad=$((bad + 1))
done
[ $bad = 0 ] || { echo "$bad failed"; exit 1; }
echo 'soak: nothing found'
