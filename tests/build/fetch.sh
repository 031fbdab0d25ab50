#!/bin/sh
# SPDX-License-Identifier: ISC
# How the sources of others come in: pinned, from several places, into a cache that stays whole.
set -u
. tests/build/lib/tree.sh

pool=pool/main/t/thing/thing_1.0.orig.tar.gz
upstream=http://127.0.0.1:1/releases/thing-1.0.tar.gz
mkdir -p "$work/in" "$work/bin" "$work/empty"
echo right >"$work/right"
echo wrong >"$work/wrong"
sum=$(sha256sum <"$work/right" | cut -d' ' -f1)

# An apt that knows the roots in $work/roots, one per line.
cat >"$work/bin/apt-get" <<EOF
#!/bin/sh
case \$1 in
indextargets) sed 's/\$/ Debian/' "$work/roots" ;;
*) echo "\$*" >>"$work/apt-calls" ;;
esac
EOF
chmod +x "$work/bin/apt-get"
: >"$work/roots"

cache=$work/cache
fetch() {
	PATH=$work/bin:$PATH quiet timeout 120 sh firmware/fetch.sh "$cache" "$pool" "$sum" "${1-$upstream}"
}
fresh() { rm -rf "$cache"; }
one_line() { test "$(grep -vc fetching "$work/log")" = 1; }

ok 'no source at all: fails' never fetch
ok '… in one line' one_line
ok '… that says what to do' says 'make GATEPOST_SOURCES=FOLDER'
ok '… after asking for the lists of packages' grep -q update "$work/apt-calls"
ok '… and nothing is left behind' test -z "$(find "$cache" -type f ! -name '*.lock')"

ok 'a source that upstream does not have as it is: fails' never fetch ''
ok '… and says what to do, without another name' says 'put it into a folder and say make GATEPOST_SOURCES=FOLDER'

export GATEPOST_SOURCES="$work/in"
cp "$work/right" "$work/in/thing_1.0.orig.tar.gz"
ok 'GATEPOST_SOURCES, by the name in the archive' fetch
ok '… gives the path of the file in the cache' cmp -s "$(cat "$work/log")" "$work/right"
fresh
mv "$work/in/thing_1.0.orig.tar.gz" "$work/in/thing-1.0.tar.gz"
ok 'GATEPOST_SOURCES, by the name upstream' fetch
export GATEPOST_SOURCES="$work/empty"
ok 'what is in the cache is not fetched again' fetch
ok '… and not spoken of' never says fetching

find "$cache" -name 'thing*.gz' -exec cp "$work/wrong" {} \;
ok 'a damaged cache is noticed' never fetch
fresh
export GATEPOST_SOURCES="$work/in"
cp "$work/wrong" "$work/in/thing-1.0.tar.gz"
ok 'a wrong sum: fails' never fetch
ok '… in one line' one_line
ok '… that tells the file and the sum' says "wrong SHA-256 from $work/in/thing-1.0.tar.gz; wanted $sum"
ok '… and what to do' says 'make GATEPOST_SOURCES=FOLDER'
ok '… and nothing is left behind' test -z "$(find "$cache" -type f ! -name '*.lock')"
unset GATEPOST_SOURCES

# A web server on loopback with two archive roots and upstream's folder.
mkdir -p "$work/web/one/pool" "$work/web/two/${pool%/*}" "$work/web/up"
cp "$work/right" "$work/web/two/$pool"
cat >"$work/web.py" <<'EOF'
import functools, http.server, os, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
with open(sys.argv[2] + ".new", "w") as f:
    print(server.server_address[1], file=f)
os.rename(sys.argv[2] + ".new", sys.argv[2])
server.serve_forever()
EOF
/usr/bin/python3 "$work/web.py" "$work/web" "$work/port" 2>"$work/requests" &
web=$!
trap 'kill $web 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s "$work/port" ] || sleep 0.1; done
at=http://127.0.0.1:$(cat "$work/port")
export no_proxy=127.0.0.1

printf '%s\n' "$at/one" "$at/two/" >"$work/roots"
ok 'the second archive root has it' fetch
ok '… the first was asked before' sh -c "grep -q '/one/pool/main.* 404 ' '$work/requests'"
fresh
cp "$work/wrong" "$work/web/two/$pool"
cp "$work/right" "$work/web/up/thing-1.0.tar.gz"
ok 'the archive has another file of that name: upstream is asked' fetch "$at/up/thing-1.0.tar.gz"
fresh
rm "$work/web/two/$pool"
ok 'no archive root has it: upstream is asked' fetch "$at/up/thing-1.0.tar.gz"
fresh
cp "$work/wrong" "$work/web/up/thing-1.0.tar.gz"
ok 'upstream has another file: fails' never fetch "$at/up/thing-1.0.tar.gz"
ok '… and is named' says "wrong SHA-256 from.* $at/up/thing-1.0.tar.gz; wanted"
fresh
cp "$work/right" "$work/web/up/thing-1.0.tar.gz"
before=$(grep -c 'GET /up/.* 200 ' "$work/requests")
for i in 1 2 3; do
	PATH=$work/bin:$PATH sh firmware/fetch.sh "$cache" "$pool" "$sum" "$at/up/thing-1.0.tar.gz" >"$work/out.$i" 2>/dev/null &
	eval "p$i=$!"
done
# shellcheck disable=SC2154 # set by the eval above
together() { wait "$p1" && wait "$p2" && wait "$p3"; }
ok 'three at once' together
ok '… get the same whole file' test "$(cat "$work"/out.? | sort -u | xargs -n 1 sha256sum | cut -d' ' -f1)" = "$sum"
ok '… fetched once' test "$(grep -c 'GET /up/.* 200 ' "$work/requests")" = $((before + 1))

# The C library: two builds at once, and one that was cut off.
archive="sh firmware/fetch.sh ${XDG_CACHE_HOME:-$HOME/.cache}/gatepost $(
	sed -n -e 's/^musl_POOL *:= //p' -e 's/^musl_SHA256 *:= //p' -e 's/^musl_UPSTREAM *:= //p' firmware/sources.mk |
		awk '/^pool/ { p = $0 } /^[0-9a-f]{64}$/ || length($0) == 64 { s = $0 } /^http/ { u = $0 } END { print p, s, u }')"
musl() {
	# shellcheck disable=SC2086 # a command
	CC=gcc AR=gcc-ar RANLIB=gcc-ranlib TARGET='' MUSL_CFLAGS='-O0 -fPIE' sh firmware/musl.sh "$work/musl" $archive
}
musl >"$work/musl.1" 2>&1 &
a=$!
musl >"$work/musl.2" 2>&1 &
b=$!
wait $a
ra=$?
wait $b
rb=$?
ok 'two builds of the C library at once both succeed' test $ra = 0 -a $rb = 0
ok '… by building it once' test "$(cat "$work/musl.1" "$work/musl.2" | grep -c building)" = 1
ok '… into one whole folder' test -s "$work/musl/lib/libc.a" -a -s "$work/musl/lib/rcrt1.o" -a -e "$work/musl/include/linux/seccomp.h"
ok '… and nothing beside it' test -z "$(find "$work" -maxdepth 1 -name 'musl.??????')"
rm -rf "$work/musl"
archive=false
ok 'without its source it fails' never quiet musl
ok '… and leaves nothing that looks whole' test ! -e "$work/musl" -a -z "$(find "$work" -maxdepth 1 -name 'musl.??????')"
finish
