#!/bin/sh
# SPDX-License-Identifier: ISC
# The spool's campaigns, whole: kill -9 at every system call, every call on files failing, 1,000 kills at random under
# load (GATEPOST_KILLS; GATEPOST_SEED=N repeats a run).
set -u

board=${O:-build/host}
bad=0
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
make -s "O=$board" "$board/gatepost" || exit 1
mkdir -p "$board/soak"
for name in spool_kill spool_errors spool_slow spool_random; do
	log=$board/soak/$name.tap
	if GATEPOST=$(cd "$board" && pwd)/gatepost GATEPOST_SOAK=1 GATEPOST_KILLS=${GATEPOST_KILLS:-1000} PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -u "tests/fault/$name.py" >"$log" 2>&1; then
		echo "ok    $name: $(sed -n 's/^# .*\(: [0-9]* \(kills\|runs\)\)$/\1/p' "$log" | tr -dc '0-9\n' |
			awk '{ n += $1 } END { print n + 0 }') runs"
	else
		echo "FAILED $name: see $log"
		bad=$((bad + 1))
	fi
done
exit $bad
