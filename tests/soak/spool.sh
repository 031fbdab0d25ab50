#!/bin/sh
# SPDX-License-Identifier: ISC
# The spool's campaigns, whole: kill -9 at every system call, every call on files failing, 1,000 kills at random under
# load (GATEPOST_KILLS), storms of 300 seconds (GATEPOST_STORM); the last two with the sanitizers, too.
# GATEPOST_SEED=N repeats a run.
set -u

board=${O:-build/host}
bad=0
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
make -s "O=$board" "$board/gatepost" "$board/asan/gatepost" || exit 1
mkdir -p "$board/soak"
for name in spool_kill spool_errors spool_slow spool_random spool_storm asan:spool_random asan:spool_storm; do
	case $name in asan:*) binary=asan/gatepost ;; *) binary=gatepost ;; esac
	log=$board/soak/$(echo "$name" | tr : _).tap
	if GATEPOST=$(cd "$board" && pwd)/$binary GATEPOST_SOAK=1 GATEPOST_KILLS=${GATEPOST_KILLS:-1000} \
		GATEPOST_STORM=${GATEPOST_STORM:-300} PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -u "tests/fault/${name#asan:}.py" >"$log" 2>&1; then
		echo "ok    $name: $(awk '/^# / { for (i = 3; i <= NF; i++) if ($i ~ /^(kills|runs|events),?$/) n += $(i - 1) }
			END { print n + 0 }' "$log") runs"
	else
		echo "FAILED $name: see $log"
		bad=$((bad + 1))
	fi
done
exit $bad
