#!/bin/sh
# SPDX-License-Identifier: ISC
# The smallest and the largest configuration, and the usual one without TLS: each builds without a warning, passes the C
# tests and relays a mail. With other parts of TLS and logins left out it builds.
set -u
. tests/build/lib/tree.sh

tree=$work/tree
copy "$tree"
cd "$tree" || exit 1

for which in allnoconfig allyesconfig; do
	O=build/$which
	ok "$which builds" quiet make "O=$O" "DEFCONFIG=$which" WERROR=1
	case $which in
	allnoconfig) ok '… with no part' never grep -qx 'CONFIG_.*=y' "$O/.config" ;;
	allyesconfig) ok '… with every part' never grep -q 'is not set' "$O/.config" ;;
	esac
	# The largest is the firmware's, whose C tests run as ARM programs, but for those that cannot.
	case $which in
	allnoconfig) programs= ;;
	allyesconfig) programs=$(sed -n 's/^arm_not  *:= *//p' tests/Makefile | sed 's:[^ ][^ ]*:tests/&.c:g') ;;
	esac
	ok '… passes the C tests' quiet make "O=$O" "DEFCONFIG=$which" "TESTS=$programs" test-c
	ok '… relays a mail' quiet env "PORT=$(free_port)" "GATEPOST=$O/gatepost" "GATEPOST_DEMO=$work/demo" tests/demo/run
done

# without FOLDER SYMBOL...: configured as usual, but for these
without() {
	O=build/$1
	shift
	make "O=$O" "$O/config.mk" >/dev/null 2>&1
	for symbol; do
		sed -i "s/^CONFIG_$symbol=y/# CONFIG_$symbol is not set/" "$O/.config"
	done
}

without plain TLS SPOOL
ok 'without TLS and the spool it builds' quiet make "O=$O" WERROR=1
ok '… and what hangs on TLS is left out too' never grep -qE '^CONFIG_(OAUTH|SASL_CRAM|SASL_SCRAM)=y' "$O/.config"
ok '… passes the C tests' quiet make "O=$O" WERROR=1 test-c
ok '… relays a mail' quiet env "PORT=$(free_port)" "GATEPOST=$O/gatepost" "GATEPOST_DEMO=$work/demo" tests/demo/run
ok '… has nothing of TLS in it, and its size' quiet env "O=$O" tests/size/binary.py
without kept TLS
# In a place that the relay's user reaches.
home=$(mktemp -d)
chmod 755 "$home"
sed -i "s|^CONFIG_SPOOLBASE=.*|CONFIG_SPOOLBASE=\"$home/mail/spool\"|" "$O/.config"
ok 'without TLS, with the spool and a folder for it, it builds' quiet make "O=$O" WERROR=1
ok '… and has that folder by default' quiet make "O=$O" WERROR=1 "$O/test/unit/conf_spool"
ok '… unless it is told otherwise' quiet "$O/test/unit/conf_spool"
cp "$O/gatepost" "$home/gatepost"
ok '… and uses it where that can be' quiet env "GATEPOST=$home/gatepost" "SPOOLBASE=$home/mail/spool" /usr/bin/python3 tests/build/lib/spoolbase.py
rm -rf "$home"
without logins OAUTH SASL_CRAM
ok 'without OAUTH and SASL_CRAM it builds' quiet make "O=$O" WERROR=1
without server SERVER_AUTH SASL_SCRAM
ok 'without SERVER_AUTH and SASL_SCRAM it builds' quiet make "O=$O" WERROR=1
finish
