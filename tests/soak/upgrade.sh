#!/bin/sh
# SPDX-License-Identifier: ISC
# Upgrades of the NOR board whose power is cut at random moments, 60 times (GATEPOST_CUTS), and its loader likewise.
set -u

board=${O:-build/host}
bad=0
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
make -s BOARD=qemu-nor || exit 1
make -s "O=$board" "$board/gatepost" || exit 1
mkdir -p "$board/soak"
for name in loader upgrade; do
	log=$board/soak/board_$name.tap
	if GATEPOST=$(cd "$board" && pwd)/gatepost GATEPOST_SOAK=1 GATEPOST_LIMIT=100000 PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -u "tests/board/$name.py" >"$log" 2>&1; then
		echo "ok    board $name"
	else
		echo "FAILED board $name: see $log"
		bad=$((bad + 1))
	fi
done
exit $bad
