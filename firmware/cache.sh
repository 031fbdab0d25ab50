# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# Sourced by the recipes of what is built once and kept in the cache under a name that tells all that went in. A result
# is made aside and renamed: it is whole or absent.
#
#	cache_begin PREFIX      exit 0 if it is there; else lock it, make the folders $work and $work/out
#	archive COMMAND...      unpack the archive whose path COMMAND prints into $work/source
#	cache_build FUNCTION    run it in $work/source, its output in PREFIX.log; exit 1 if it fails
#	cache_keep              $work/out becomes PREFIX

say() { echo "gatepost: $*" >&2; }

cache_begin() {
	prefix=$1
	[ ! -d "$prefix" ] || exit 0
	mkdir -p "$(dirname "$prefix")"
	exec 9>"$prefix.lock"
	flock 9
	[ ! -d "$prefix" ] || exit 0
	work=$(mktemp -d "$prefix.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	mkdir "$work/source" "$work/out"
	# Neither the caller's make flags nor its jobs: what follows is another project's make.
	unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
	LC_ALL=C TZ=UTC0
	export LC_ALL TZ
	umask 022
}

archive() {
	file=$("$@" 9>&-)
	say "building ${prefix##*/}"
	tar -xf "$file" -C "$work/source" --strip-components=1
}

# Every line of a fragment that says CONFIG_... must be in the .config that came of it: Kconfig drops without a word
# what depends on something that is off.
# usage: survived CONFIG FRAGMENT...
survived() {
	config=$1
	shift
	cat "$@" | grep -E '^(# )?CONFIG_[A-Za-z0-9_]+( is not set$|=)' | grep -vxFf "$config" >"$work/lost" || return 0
	echo "these lines of $* did not survive:"
	cat "$work/lost"
	return 1
}

cache_build() {
	# Not as a condition: there, "set -e" means nothing.
	set +e
	(
		set -e
		cd "$work/source"
		"$1"
	) >"$prefix.log" 2>&1 9>&-
	status=$?
	set -e
	[ "$status" != 0 ] || return 0
	tail -n 3 "$prefix.log" >&2
	say "building ${prefix##*/} failed; its output is in $prefix.log"
	exit 1
}

cache_keep() {
	mv "$work/out" "$prefix"
	rm -f "$prefix.log"
}
