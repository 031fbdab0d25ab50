#!/bin/sh
# SPDX-License-Identifier: ISC
# The strains of tests/peers/ for longer, in both builds: SOAK_SECONDS (300) of random clients and gateways, every octet
# at which a peer can vanish, larger floods. GATEPOST_SEED=N repeats a run.
set -u

board=${O:-build/host}
bad=0
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
make -s "$board/gatepost" "$board/asan/gatepost" || exit 1
mkdir -p "$board/soak"
for binary in "$board/asan/gatepost" "$board/gatepost"; do
	for name in soak stress bounds attack; do
		log=$board/soak/$name.tap
		if GATEPOST=$PWD/$binary GATEPOST_SOAK=${SOAK_SECONDS:-300} PYTHONDONTWRITEBYTECODE=1 \
			/usr/bin/python3 -u "tests/peers/$name.py" >"$log" 2>&1; then
			echo "ok    $name with $binary"
		else
			echo "FAILED $name with $binary: see $log"
			bad=$((bad + 1))
			mv "$log" "$board/soak/$name-$bad.tap"
		fi
	done
done
exit $bad
