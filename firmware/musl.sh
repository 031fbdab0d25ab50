#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds the C library and puts it into the cache; does nothing when it is there.
#
# usage: musl.sh PREFIX ARCHIVE-COMMAND...     (ARCHIVE-COMMAND prints the path of the source archive)
# in the environment: CC, AR, RANLIB, TARGET (empty for the build machine), MUSL_CFLAGS, PATCHES
#
# PREFIX is named after everything that goes in (toolchain.mk), made aside and renamed, so it is whole or absent.
set -eu

prefix=$1
shift
[ ! -e "$prefix/include/stdio.h" ] || exit 0

say() { echo "gatepost: $*" >&2; }

mkdir -p "$(dirname "$prefix")"
exec 9>"$prefix.lock"
flock 9
[ ! -e "$prefix/include/stdio.h" ] || exit 0

work=$(mktemp -d "$prefix.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
archive=$("$@" 9>&-)
say "building ${prefix##*/}"
tar -xf "$archive" -C "$work" --strip-components=1
for p in ${PATCHES-}; do
	patch -s -d "$work" -p1 <"$p" 9>&-
done

# Neither the caller's make flags nor its jobs: this is another project's make.
unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
if ! (
	cd "$work"
	CROSS_COMPILE=${CROSS_COMPILE-} CC=$CC CFLAGS=$MUSL_CFLAGS ./configure ${TARGET:+--target="$TARGET"} \
		--prefix=/ --disable-shared --disable-wrapper
	make -j2 "AR=$AR" "RANLIB=$RANLIB"
	make "DESTDIR=$work/out" "AR=$AR" "RANLIB=$RANLIB" install-headers install-libs
) >"$prefix.log" 2>&1 9>&-; then
	say "building ${prefix##*/} failed; its output is in $prefix.log"
	exit 1
fi

# The kernel's headers: links to those of linux-libc-dev, which the build machine has for itself and, in another folder,
# for each machine that it compiles for; musl has none of its own.
multi=$($CC -print-multiarch)
headers=/usr/include asm=/usr/include/$multi/asm package=linux-libc-dev
if [ -n "$TARGET" ]; then
	headers=/usr/$multi/include asm=/usr/$multi/include/asm
	package='linux-libc-dev-armhf-cross or linux-libc-dev-armel-cross'
fi
for dir in "$headers/linux" "$headers/asm-generic" "$headers/mtd" "$asm"; do
	[ -d "$dir" ] || { say "$dir is missing; it comes with the package $package"; exit 1; }
	ln -s "$dir" "$work/out/include/${dir##*/}"
done

# For other projects' builds: CC="gcc -specs=PREFIX/lib/musl-gcc.specs", with -static.
sh "$work/tools/musl-gcc.specs.sh" "$prefix/include" "$prefix/lib" /lib/ld-musl.so.1 >"$work/out/lib/musl-gcc.specs"

rm -rf "$prefix"
mv "$work/out" "$prefix"
rm -f "$prefix.log"
