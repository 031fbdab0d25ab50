#!/bin/sh
# SPDX-License-Identifier: ISC
# Runs libFuzzer programs one after the other. The corpus in the tree is read, not written.
#
# usage: O=build/host fuzz.sh SECONDS NAME...
set -u

seconds=$1
shift
bad=
for name; do
	new=$O/fuzz/corpus/$name
	found=$O/fuzz/found/$name
	mkdir -p "$new" "$found"
	set -- "$new"
	[ ! -d "tests/fuzz/corpus/$name" ] || set -- "$@" "tests/fuzz/corpus/$name"
	dict=tests/fuzz/$name.dict
	[ ! -f "$dict" ] || set -- "$@" -dict="$dict"
	echo "fuzzing $name for $seconds s"
	if ! "$O/fuzz/$name" "$@" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
		-artifact_prefix="$found/" >"$O/fuzz/$name.log" 2>&1; then
		bad="$bad $name"
		tail -n 30 "$O/fuzz/$name.log"
	fi
	sed -n 's/^stat::number_of_executed_units: */    runs: /p' "$O/fuzz/$name.log"
done
[ -z "$bad" ] || { echo "found something:$bad (see $O/fuzz/found/)"; exit 1; }
