#!/bin/sh
# SPDX-License-Identifier: ISC
# The build does what is needed and no more: in a copy of the tree, of a relay without its largest parts, since most of the
# time would go into their links. That the whole of it is the same wherever it is built: reproducible.sh.
set -u
. tests/build/lib/tree.sh

tree=$work/tree
copy "$tree"
cd "$tree" || exit 1
export SOURCE_DATE_EPOCH=1700000000
for symbol in TLS SPOOL STORE; do echo "# CONFIG_$symbol is not set" >>board/host/defconfig; done

built() { grep -c '^  CC ' "$work/log" || :; }
compiled() { grep -q "^  CC *src/$1\$" "$work/log"; }
users() { grep -l "$1" build/host/obj/main.d build/host/obj/*/*.d | wc -l; }
cache() { find "${XDG_CACHE_HOME:-$HOME/.cache}/gatepost" -maxdepth 1 \( -name 'musl-*' -o -name 'mbedtls-*' \) | sort; }

ok 'make -j2 builds it' quiet make -j2
ok 'without a warning' never says warning:
ok 'all objects were compiled' test "$(built)" -ge 20
cp build/host/gatepost "$work/first"

ok 'make again' quiet make
ok '… does nothing' test "$(built)" = 0 -a "$(wc -l <"$work/log")" -le 1

touch src/base/buf.h
ok 'a touched header' quiet make
n=$(built)
ok '… rebuilds those that include it, and no others' test "$n" -gt 2 -a "$n" -lt "$(find src -name '*.c' | wc -l)"
ok '… the file of the same name among them' compiled base/buf.c
ok '… and the binary is the same' cmp -s build/host/gatepost "$work/first"

# From here on mostly without the link, which takes as long as all objects do.
library=build/host/librelay.a

touch src/base/num.c
ok 'a touched source' quiet make $library
ok '… rebuilds itself alone' test "$(built)" = 1

mv build/host/packing/as "$work/as"
printf '%s\n' '#!/bin/sh' 'exec as "$@"' >build/host/packing/as
chmod +x build/host/packing/as
ok 'an assembler that packs no phrases' never quiet make
ok '… is told' says 'packed no phrases'
mv "$work/as" build/host/packing/as

sed -i 's/^CONFIG_SESSIONS=.*/CONFIG_SESSIONS=77/' build/host/.config
ok 'a changed symbol' quiet make
ok '… reaches the header' grep -qx '#define CONFIG_SESSIONS 77' build/host/config.h
n=$(built)
ok '… rebuilds what includes it, and no others' test "$n" -gt 0 -a "$n" = "$(users '/config\.h')"
ok '… and changes the binary' never cmp -s build/host/gatepost "$work/first"

sed -i 's/^CONFIG_CMD_SENDMAIL=y/# CONFIG_CMD_SENDMAIL is not set/' build/host/.config
ok 'a part left out' quiet make $library
ok '… is not in the library' never sh -c 'ar t build/host/librelay.a | grep -qx sendmail.o'
ok '… nor compiled again' never compiled cmd/sendmail.c

ok 'another build date' quiet env SOURCE_DATE_EPOCH=1700000001 make $library
n=$(built)
ok '… rebuilds what names it' test "$n" -gt 0 -a "$n" = "$(users '/version\.h')"
ok 'another flag' quiet make CC='gcc -DSOMETHING' $library
ok '… rebuilds all' test "$(built)" -ge 20

ok 'a changed .config is kept when the defconfig changes' sh -c 'touch board/host/defconfig &&
	make CC="gcc -DSOMETHING" build/host/librelay.a >/dev/null 2>&1 && grep -qx CONFIG_SESSIONS=77 build/host/.config'

mkdir -p build/other
touch build/other/kept
before=$(cache)
ok 'make clean' quiet make clean
ok '… leaves the choice alone, and other boards' test "$(find build -type f | sort | paste -sd' ')" = \
	'build/host/.config build/host/.config.made build/other/kept'
rm build/host/.config
echo CONFIG_SESSIONS=88 >>board/host/defconfig
ok 'a .config that nobody changed follows the defconfig' sh -c 'make build/host/config.h >/dev/null 2>&1 &&
	sed -i /=88/d board/host/defconfig && make build/host/config.h >/dev/null 2>&1 &&
	grep -qx CONFIG_SESSIONS=1200 build/host/.config'
ok 'make distclean' quiet make distclean
ok '… removes build/' test ! -e build
ok '… tells where the cache is' says "${XDG_CACHE_HOME:-$HOME/.cache}/gatepost"
ok '… and leaves it alone' test "$(cache)" = "$before"
ok 'nothing else came into the tree' test -z "$(cd "$tree" && find . -newer "$work/first" -type f \
	! -path './src/base/*' ! -path './board/host/defconfig')"

# Elsewhere, serially, with another time of day: the same bytes.
move() { mv "$tree" "$work/elsewhere" && cd "$work/elsewhere" || exit 1; }
move
ok 'make -j1 in another folder' quiet make -j1
ok '… gives the same binary, bit for bit' cmp -s build/host/gatepost "$work/first"

ok 'a board that is not there' never quiet make BOARD=nowhere
ok '… is named, with those that are' says 'board/nowhere/defconfig; boards:.*host'
ok 'make help needs nothing' quiet env PATH=/usr/bin:/bin make help
ok '… and names the commands' says 'make test-quick'
finish
