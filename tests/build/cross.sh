#!/bin/sh
# SPDX-License-Identifier: ISC
# The relay for other machines, run by qemu-arm: ARMv7 relays with TLS and without; without TLS, and without
# any part that can be left out, it keeps its size; for boxes with a kernel of their own ARMv7 and ARMv5 build and relay.
set -u
. tests/build/lib/tree.sh

tree=$work/tree
copy "$tree"
cd "$tree" || exit 1

# runs BINARY: a program $work/bin/gatepost that runs it
runs() {
	mkdir -p "$work/bin"
	printf '#!/bin/sh\nexec qemu-arm-static "%s" "$@"\n' "$(realpath "$1")" >"$work/bin/gatepost"
	chmod +x "$work/bin/gatepost"
}
relays() { quiet env "PORT=$(free_port)" "GATEPOST=$work/bin/gatepost" "GATEPOST_DEMO=$work/demo" tests/demo/run; }
kind() { LC_ALL=C readelf -hA "$1" >"$work/kind" && grep -q "$2" "$work/kind"; }

# What the tests of boards boot, where that is there.
armv7=${GATEPOST_BUILDS-}/qemu-nor
if [ ! -x "$armv7/gatepost" ]; then
	armv7=$tree/build/qemu-nor
	ok 'ARMv7: it builds' quiet make BOARD=qemu-nor WERROR=1 build/qemu-nor/gatepost
fi
ok 'ARMv7, in Thumb-2, for hardware floating point' kind "$armv7/gatepost" 'Tag_ABI_VFP_args: VFP registers'
runs "$armv7/gatepost"
ok '… relays a mail' relays
ok '… has TLS' quiet "$work/bin/gatepost" version
ok '… that it tells' says '^mbedTLS: 3'
ok '… and speaks it' quiet env "O=$armv7" "GATEPOST=$work/bin/gatepost" /usr/bin/python3 tests/peers/tls_gateway.py

make BOARD=qemu-nor O=build/plain build/plain/config.mk >/dev/null 2>&1
for symbol in TLS SPOOL; do
	sed -i "s/^CONFIG_$symbol=y/# CONFIG_$symbol is not set/" build/plain/.config
done
ok 'ARMv7 without TLS and the spool: it builds' quiet make BOARD=qemu-nor O=build/plain WERROR=1 build/plain/gatepost
ok '… has nothing of TLS in it, and its size' quiet env O=build/plain tests/size/binary.py
runs build/plain/gatepost
ok '… relays a mail' relays

make BOARD=qemu-nor O=build/least build/least/config.mk >/dev/null 2>&1
for symbol in TLS SPOOL STORE SETUP CMD_SEND CMD_SENDMAIL SANDBOX_SECCOMP STATUS_PROMETHEUS CONF_REGEX LOG_SYSLOG SERVER_AUTH; do
	sed -i "s/^CONFIG_$symbol=y/# CONFIG_$symbol is not set/" build/least/.config
done
ok 'ARMv7 without any part that can be left out: it builds' quiet make BOARD=qemu-nor O=build/least WERROR=1 build/least/gatepost
ok '… and has its size' quiet env O=build/least tests/size/binary.py
runs build/least/gatepost
ok '… relays a mail' relays

# clock_gettime of 32 bits is call 263
asks_old() { "$objdump" -d --disassemble=__clock_gettime "$1" | grep -q '#263'; }
objdump=arm-linux-gnueabihf-objdump
ok 'ARMv7 for a box with a kernel of its own: it builds' quiet make BOARD=armv7 WERROR=1
ok '… and has its size' quiet env O=build/armv7 tests/size/binary.py
ok '… asks an old kernel for what that knows' asks_old build/armv7/gatepost.debug
ok '… where a firmware brings the kernel it does not' never asks_old "$armv7/gatepost.debug"
runs build/armv7/gatepost
ok '… relays a mail' relays

ok 'ARMv5: it builds' quiet make BOARD=armv5 WERROR=1
ok '… and has its size' quiet env O=build/armv5 tests/size/binary.py
ok '… for ARMv5TE' kind build/armv5/gatepost 'Tag_CPU_arch: v5TE'
ok '… without floating point in hardware' never grep -q 'Tag_ABI_VFP_args: VFP' "$work/kind"
runs build/armv5/gatepost
ok '… relays a mail' relays
finish
