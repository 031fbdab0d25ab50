#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: config.sh default BUILD DEFCONFIG|allnoconfig|allyesconfig|randconfig     makes BUILD/.config
#        config.sh make BUILD                                                     BUILD/config.mk and config.h from it
# A .config that a person has changed is kept when the defconfig or the Kconfig files change.
set -eu

verb=$1 build=$2
export KCONFIG_CONFIG="$build/.config" BOARD="${BOARD:-host}"
kconfigs='Kconfig firmware/Kconfig src/Kconfig'

conf() {
	if ! kconfig-conf "$@" Kconfig </dev/null >"$build/kconfig.log" 2>&1 || [ ! -s "$KCONFIG_CONFIG" ]; then
		cat "$build/kconfig.log" >&2
		echo "gatepost: kconfig-conf $* failed" >&2
		exit 1
	fi
	# Kconfig's own warnings (a value out of range, an unknown symbol) are worth a person's eye.
	grep -i warning "$build/kconfig.log" >&2 || :
}

# Renames FILE.new to FILE only if they differ, so that nothing is rebuilt for nothing.
settle() {
	if cmp -s "$1.new" "$1"; then rm -f "$1.new"; else mv -f "$1.new" "$1"; fi
}

mkdir -p "$build"
case $verb in
default)
	if [ -f "$build/.config" ] && ! cmp -s "$build/.config" "$build/.config.made"; then
		conf --olddefconfig
	else
		rm -f "$build/.config"
		case $3 in
		allnoconfig | allyesconfig | randconfig) conf "--$3" ;;
		*) conf --defconfig="$3" ;;
		esac
		cp "$build/.config" "$build/.config.made"
	fi
	touch "$build/.config"
	;;
make)
	# A person may have edited it: what hangs on an option that is off goes too.
	conf --olddefconfig
	for form in h mk; do
		# shellcheck disable=SC2086 # a list of names
		awk -v form=$form -f firmware/config.awk $kconfigs "$build/.config" >"$build/config.$form.new"
	done
	settle "$build/config.h"
	mv -f "$build/config.mk.new" "$build/config.mk"
	;;
esac
