#!/bin/sh
# SPDX-License-Identifier: ISC
# firmware/mbedtls.sh: a library of two files instead of the real one.
set -u
. tests/build/lib/tree.sh

# library VERSION TEXT: an archive with a library
library() {
	dir=$work/lib-$1
	mkdir -p "$dir/library" "$dir/include/mbedtls" "$dir/include/psa"
	printf '#define MBEDTLS_VERSION_STRING  "%s"\n' "$1" >"$dir/include/mbedtls/build_info.h"
	printf '#include MBEDTLS_CONFIG_FILE\n#include <mbedtls/build_info.h>\nint one(void);\nint one(void)\n{\n\treturn %s;\n}\n' "$2" \
		>"$dir/library/one.c"
	printf '#include "psa/two.h"\n#ifdef __OPTIMIZE_SIZE__\nchar small = TWO;\n#else\nchar fast = TWO;\n#endif\n' >"$dir/library/two.c"
	echo '#define TWO 2' >"$dir/include/psa/two.h"
	tar -cf "$work/$1.tar" -C "$work" "lib-$1"
}
library 9.2 1
library 9.1 wrong
library 9.0 'this does not compile'
mkdir "$work/patches"
cat >"$work/patches/0001-right.patch" <<'END'
SPDX-License-Identifier: ISC
--- a/library/one.c
+++ b/library/one.c
@@ -5,3 +5,3 @@
 {
-	return wrong;
+	return 7;
 }
END
echo '#define OURS 1' >"$work/config.h"

build() {
	prefix=$1
	shift
	CC=gcc AR=gcc-ar MBEDTLS_CFLAGS='-Os' MBEDTLS_FAST=two MBEDTLS_FAST_CFLAGS=-O2 \
		sh firmware/mbedtls.sh "$prefix" "$work/config.h" "$work/patches" "$@"
}
lib=$work/cache/one
# defines PREFIX SYMBOL
defines() { nm "$1/libmbedtls.a" | grep -q " [A-Z] $2\$"; }
left() { find "$work/cache" -mindepth 1 -maxdepth 1 ! -name '*.lock' ! -name one | grep -q .; }

ok 'it is built' quiet build "$lib" "echo $work/9.2.tar" 'exit 1'
ok '… from all files' sh -c "ar t $lib/libmbedtls.a | paste -sd' ' | grep -qx 'one.o two.o'"
ok '… those for speed with their own flags' defines "$lib" fast
ok '… with its headers and our configuration' test -f "$lib/include/psa/two.h" -a -f "$lib/include/gatepost/mbedtls_config.h"
ok '… and says what it is' grep -qx 9.2 "$lib/version"
ok '… and nothing else stays' never left
cp "$lib/libmbedtls.a" "$work/first"
ok 'again: nothing happens' quiet build "$lib" 'exit 1' 'exit 1'
ok '… and nothing is said' test ! -s "$work/log"
rm -rf "$lib"
ok 'once more from nothing' quiet build "$lib" "echo $work/9.2.tar" 'exit 1'
ok '… gives the same octets' cmp -s "$lib/libmbedtls.a" "$work/first"

ok 'the source is found nowhere: an older one' quiet build "$work/cache/old" 'exit 1' "echo $work/9.1.tar"
ok '… with our patch' sh -c "gcc -xc - -xnone $work/cache/old/libmbedtls.a -o $work/a <<-'END' && $work/a
	int one(void);
	int main(void) { return one() != 7; }
	END"
ok '… which is said' says 'taking 9.1.tar with 0001-right.patch instead'
ok '… and told by its version' grep -qx '9.1 (patched)' "$work/cache/old/version"
rm -rf "$work/cache/old"

ok 'neither is found: it fails' never quiet build "$work/cache/none" 'exit 1' 'exit 1'
ok 'a patch that does not fit: it fails' never quiet build "$work/cache/none" 'exit 1' "echo $work/9.2.tar"
ok 'what does not compile: it fails' never quiet build "$work/cache/none" "echo $work/9.0.tar" "echo $work/9.2.tar"
ok '… and tells where its output is' says "failed; its output is in $work/cache/none.log"
ok '… which has it' grep -q 'error' "$work/cache/none.log"
rm -f "$work/cache/none.log"
ok '… and leaves nothing' never left

rm -rf "$lib"
build "$lib" "sleep 1; echo $work/9.2.tar" 'exit 1' >"$work/log1" 2>&1 &
ok 'two at the same time' quiet build "$lib" "sleep 1; echo $work/9.2.tar" 'exit 1'
wait
ok '… one of them builds it' test "$(cat "$work/log" "$work/log1" | grep -c 'building one')" = 1
finish
